"""Invented tables with a known truth: each column's role and every finding, no other, and no private value anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import Inspection, inspect_table, to_json
from fusionguard.datasets.inspection.text import WIDTH, inspection_text
from fusionguard.datasets.reading import parse_declaration

from .invented import Invented, card_transactions, german, people, telco


@dataclass(frozen=True)
class Inspected:
    """A table, and what inspecting it came to."""

    truth: Invented
    inspection: Inspection


@pytest.fixture(scope="module", params=[card_transactions, telco, german, people], ids=lambda make: make.__name__)
def inspected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    make: Callable[[], Invented] = request.param
    truth = make()
    return Inspected(truth, inspect_table([truth.write(tmp_path_factory.mktemp("table"))], problems()))


def test_every_column_gets_its_role(inspected: Inspected) -> None:
    assert {name: role.name for name, role in inspected.inspection.roles.items()} == inspected.truth.roles
    assert all(role.reason for role in inspected.inspection.roles.values())


def test_all_is_found_and_nothing_else(inspected: Inspected) -> None:
    found: dict[str, set[str]] = {}
    for finding in inspected.inspection.findings:
        found.setdefault(finding.kind, set()).update(finding.columns)
    assert found == inspected.truth.found


def test_the_label_and_the_problem_are_guessed(inspected: Inspected) -> None:
    truth, label = inspected.truth, inspected.inspection.label
    assert inspected.inspection.problem.name == truth.problem
    assert label is not None
    assert (label.column.name, *label.positive) == (truth.label, truth.positive)
    assert truth.label is not None
    assert label.positives == sum(str(value) == truth.positive for value in truth.columns[truth.label])


def test_the_draft_is_a_declaration_with_these_roles(inspected: Inspected) -> None:
    truth = inspected.truth
    declaration = parse_declaration(draft_declaration(inspected.inspection), problems=["fraud", "churn"]).declaration

    def having(role: str) -> list[str]:
        return [name for name, given in truth.roles.items() if given == role]

    assert declaration.problem == truth.problem
    assert [declaration.label.column] == having("label")
    assert [str(value) for value in declaration.label.positive or ()] == [truth.positive]
    assert [declaration.id] == having("id")
    assert list(declaration.numeric) == having("numeric")
    assert list(declaration.categorical) == having("categorical")
    assert list(declaration.entities.values()) == having("entity")
    assert set(having("private")) <= set(declaration.private)
    assert list(declaration.protected) == having("protected")
    assert [declaration.time.column if declaration.time else None] == (having("time") or [None])
    assert [declaration.amount.column if declaration.amount else None] == (having("amount") or [None])
    assert [declaration.label.known.column if declaration.label.known else None] == (having("known") or [None])
    assert set(declaration.columns) == set(truth.columns)


def test_no_private_value_is_shown(inspected: Inspected) -> None:
    found = inspected.inspection
    shown = "\n".join(
        [inspection_text(found), draft_declaration(found), json.dumps(to_json(found), ensure_ascii=False), repr(found)]
    )
    assert [secret for secret in inspected.truth.private if secret in shown] == []


def test_the_text_fits_a_terminal(inspected: Inspected) -> None:
    assert [line for line in inspection_text(inspected.inspection).splitlines() if len(line) > WIDTH] == []


def test_the_same_table_gives_the_same_draft(inspected: Inspected, tmp_path: Path) -> None:
    again = inspect_table([inspected.truth.write(tmp_path)], problems())
    assert draft_declaration(again) == draft_declaration(inspected.inspection)
    assert to_json(again) == to_json(inspected.inspection)
