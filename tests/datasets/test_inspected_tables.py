"""Invented tables with a known truth: each column's role and every finding, no other, and no private value anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import Inspection, inspect_table, to_json
from fusionguard.datasets.inspection.text import WIDTH, inspection_text
from fusionguard.datasets.reading import parse_declaration
from fusionguard.errors import DataError

from .invented import Invented, card_transactions, german, people, telco
from .invented_more import (
    card_customers,
    clean_accounts,
    converted,
    dirty,
    leaky,
    mobile_money,
    simulated_us_cards,
    wide,
    young_labels,
)

QUICK = (
    card_transactions,
    telco,
    german,
    people,
    clean_accounts,
    leaky,
    dirty,
    converted,
    simulated_us_cards,
    mobile_money,
    card_customers,
)
SLOW = (wide, young_labels)
EVERY = [
    *(pytest.param(make, id=make.__name__) for make in QUICK),
    *(pytest.param(make, id=make.__name__, marks=(pytest.mark.full, pytest.mark.long)) for make in SLOW),
]


@dataclass(frozen=True)
class Inspected:
    """A table, and what inspecting it came to."""

    truth: Invented
    inspection: Inspection


@pytest.fixture(scope="module", params=EVERY)
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
    protected = {name for name, role in inspected.truth.roles.items() if role == "protected"}
    assert found == inspected.truth.found | ({"protected": protected} if protected else {})


def test_the_label_and_the_problem_are_guessed(inspected: Inspected) -> None:
    truth, label = inspected.truth, inspected.inspection.label
    assert truth.problem in (inspected.inspection.problem.name, None)
    assert label is not None
    assert (label.column.name, *label.positive) == (truth.label, truth.positive)
    assert truth.label is not None
    assert label.positives == sum(str(value) == truth.positive for value in truth.columns[truth.label])


def test_the_draft_is_a_declaration_with_these_roles(inspected: Inspected) -> None:
    truth = inspected.truth
    draft = draft_declaration(inspected.inspection)
    if truth.problem is None:
        draft = draft.replace("problem:", f"problem: {inspected.inspection.problem.name}", 1)
    declaration = parse_declaration(draft, problems=["fraud", "churn"]).declaration

    def having(role: str) -> list[str]:
        return [name for name, given in truth.roles.items() if given == role]

    assert declaration.problem == inspected.inspection.problem.name
    assert [declaration.label.column] == having("label")
    assert [str(value) for value in declaration.label.positive or ()] == [truth.positive]
    assert [declaration.id] == (having("id") or [None])
    assert list(declaration.numeric) == having("numeric")
    assert list(declaration.categorical) == having("categorical")
    assert sorted(declaration.entities.values()) == sorted(having("entity"))
    assert set(having("private")) <= set(declaration.private)
    assert [name for name in declaration.protected if name not in declaration.bands] == having("protected")
    assert [declaration.time.column if declaration.time else None] == (having("time") or [None])
    assert [declaration.amount.column if declaration.amount else None] == (having("amount") or [None])
    assert [declaration.label.known.column if declaration.label.known else None] == (having("known") or [None])
    assert set(declaration.columns) == set(truth.columns)
    if declaration.amount is not None and "currency" in truth.roles:
        assert declaration.amount.currency_column == "currency"
    if having("rate"):
        assert declaration.amount is not None
        assert (declaration.amount.currency, [declaration.amount.rate_column]) == ("SEK", having("rate"))
        assert "# 1 for SEK alone" in draft


def test_no_private_value_is_shown(inspected: Inspected) -> None:
    found = inspected.inspection
    shown = "\n".join(
        [inspection_text(found), draft_declaration(found), json.dumps(to_json(found), ensure_ascii=False), repr(found)]
    )
    assert [secret for secret in inspected.truth.private if secret in shown] == []


def test_the_text_fits_a_terminal(inspected: Inspected) -> None:
    shown = inspection_text(inspected.inspection) + "\n" + draft_declaration(inspected.inspection)
    assert [line for line in shown.splitlines() if len(line) > WIDTH] == []


def test_the_same_table_gives_the_same_draft(tmp_path: Path) -> None:
    table = people(500).write(tmp_path)
    one, two = inspect_table([table], problems()), inspect_table([table], problems())
    assert draft_declaration(one) == draft_declaration(two)
    assert to_json(one) == to_json(two)


def test_the_parts_of_a_table_are_read_as_one_with_the_types_that_parquet_has(tmp_path: Path) -> None:
    folder = tmp_path / "payments"
    folder.mkdir()
    random = np.random.default_rng(31)
    booked = np.datetime64("2024-03-01T00:00:00") + np.sort(random.integers(0, 40 * 86_400, 3_000)).astype("timedelta64[s]")
    table = pa.table(
        {
            "PaymentId": pa.array(np.arange(3_000) + 7_000_000),
            "bookedAt": pa.array(booked).cast(pa.timestamp("us", tz="UTC")),
            "amount": pa.array([Decimal(f"{each:.2f}") for each in random.lognormal(3, 1, 3_000)], pa.decimal128(12, 2)),
            "channel": pa.array(random.choice(["web", "app"], 3_000)).dictionary_encode(),
            "card_id": pa.array(random.integers(0, 300, 3_000).astype(np.uint64)),
            "tags": pa.array([["a", "b"]] * 2_000 + [["c"]] * 1_000),
            "abroad": pa.array(random.random(3_000) < 0.1),
            "fraud": pa.array(random.random(3_000) < 0.05),
        }
    )
    for part in range(3):
        pq.write_table(table.slice(part * 1_000, 1_000), folder / f"part-{part}.parquet")
    found = inspect_table([folder], problems())
    assert (found.profile.rows, found.profile.layout) == (3_000, "parquet")
    assert [finding.what for finding in found.findings] == [
        "The file is not as training reads it: it holds neither numbers, texts nor moments in 'tags' (nested)."
    ]
    roles = ["id", "time", "amount", "categorical", "entity", "ignored", "categorical", "label"]
    assert [role.name for role in found.roles.values()] == roles
    assert found.profile.by_name["amount"].largest == float(max(table["amount"].to_pylist()))
    assert str(found.profile.by_name["bookedAt"].first) == str(booked[0]).replace("T", " ")
    declared = parse_declaration(draft_declaration(found)).declaration
    assert declared.label.positive == (1,)
    assert declared.types == {"PaymentId": "integer", "abroad": "integer", "fraud": "integer"}
    pq.write_table(table.slice(0, 10).drop_columns(["tags"]), folder / "part-3.parquet")
    with pytest.raises(
        DataError, match=r"part-3\.parquet lacks the column 'tags' of part-0\.parquet: they are no parts of one table"
    ):
        inspect_table([folder], problems())


def test_one_address_among_many_rows_makes_a_column_private(tmp_path: Path) -> None:
    rows = 30_000
    notes = [f"note {each % 977}" for each in range(rows)]
    notes[23_456] = "write to zelda.quince@post.example"
    columns = {"note": notes, "n": [each * 7 % 1_000 for each in range(rows)], "churn": [each % 5 == 0 for each in range(rows)]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    found = inspect_table([tmp_path / "a.parquet"], problems())
    assert (found.roles["note"].name, found.roles["note"].reason) == ("private", "its cells look like e-mail addresses")
    assert "zelda" not in draft_declaration(found) + inspection_text(found) + repr(found)


def roles_of(found: Inspection, role: str) -> list[str]:
    return [name for name, given in found.roles.items() if given.name == role]


def test_real_customers(real_data: Path) -> None:
    found = inspect_table([real_data / "bank_churn" / "Churn_Modelling.csv"], problems())
    assert found.problem.name == "churn"
    assert found.label is not None and (found.label.column.name, found.label.positives) == ("Exited", 1_630)
    assert {role: roles_of(found, role) for role in ("id", "private", "ignored", "protected", "categorical")} == {
        "id": ["CustomerId"],
        "private": ["Surname"],
        "ignored": ["RowNumber"],
        "protected": ["Gender", "Age"],
        "categorical": ["Geography"],
    }
    assert [finding.kind for finding in found.findings] == ["id_as_number", "personal", "protected"]


@pytest.mark.full
def test_real_card_transactions(real_data: Path) -> None:
    found = inspect_table([real_data / "creditcard_fraud" / "creditcard.csv"], problems())
    assert found.problem.name == "fraud"
    assert found.label is not None and (found.label.column.name, found.label.positives) == ("Class", 360)
    assert (found.roles["Time"].name, found.roles["Time"].unit, found.roles["Time"].since) == ("time", "seconds", "start")
    assert roles_of(found, "amount") == ["Amount"]
    assert roles_of(found, "numeric") == [f"V{place}" for place in range(1, 29)]
    assert [(finding.kind, finding.what[:8]) for finding in found.findings] == [("duplicate_rows", "18 rows ")]


@pytest.mark.full
def test_a_million_simulated_transactions(real_data: Path) -> None:
    found = inspect_table([real_data / "card_transactions" / "transactions.parquet"], problems())
    assert [role.name for role in found.roles.values()] == [
        *("id", "time", "entity", "entity", "amount", "ignored", "ignored", "label")
    ]
    # The simulator's frauds need some days to come to their level: the jump is there.
    assert [(finding.kind, finding.what) for finding in found.findings] == [
        ("label_jump", "The share of positive rows jumps at 2018-04-12: 0.31% before, 0.86% after."),
    ]
