"""Shared rooms ask the family and its data set: they name neither, nor a column of one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionguard.families.catalog import family_names, model_family

ROOT = Path(__file__).resolve().parents[2]

ROOMS = (
    "materializers",
    "pipelines/catalog.py",
    "pipelines/dashboard.py",
    "pipelines/monitoring.py",
    "pipelines/monitoring_demo.py",
    "pipelines/monitoring_report.py",
    "pipelines/runner.py",
    "pipelines/summary.py",
    "src/fusionguard/assistant",
    "src/fusionguard/clean",
    "src/fusionguard/cli",
    "src/fusionguard/config.py",
    "src/fusionguard/data",
    "src/fusionguard/datasets",
    "src/fusionguard/doctor.py",
    "src/fusionguard/evaluation",
    "src/fusionguard/families",
    "src/fusionguard/features",
    "src/fusionguard/models",
    "src/fusionguard/monitoring",
    "src/fusionguard/proportions.py",
    "src/fusionguard/registry",
    "src/fusionguard/scoring.py",
    "src/fusionguard/serving",
    "stacks",
    "steps",
)
"""Folders and files that name no family."""

OWN = (
    "src/fusionguard/datasets/bank_churn",
    "src/fusionguard/datasets/card_transactions",
    "src/fusionguard/datasets/creditcard",
    "src/fusionguard/datasets/shipped.py",
    "src/fusionguard/families/catalog.py",
    "src/fusionguard/families/churn",
    "src/fusionguard/families/fraud",
    "src/fusionguard/features/churn.py",
    "src/fusionguard/features/churn_told.py",
    "src/fusionguard/features/definitions.py",
    "src/fusionguard/features/fraud.py",
    "steps/churn",
    "steps/fraud",
)
"""What in these belongs to one family or data set, or lists them all."""

WORDS = {
    "src/fusionguard/datasets/contradictions.py": {"hour_of_day"},
    "src/fusionguard/datasets/declaration.py": {"hour_of_day"},
    "src/fusionguard/datasets/inspection/name_words.py": {"creditcard"},
    "src/fusionguard/datasets/prepared_names.py": {"row_number", "time_seconds"},
    "src/fusionguard/features/calendar.py": {"hour_of_day"},
    "src/fusionguard/features/declared.py": {"hour_of_day"},
}
"""By file, words of its own that name something in a data set that ships, too: what any table may ask of a time, the columns that
every prepared table has, and a word in names of columns with cards' numbers."""

FAMILY = re.compile("|".join((*family_names(), "creditcard", "card_transactions")), re.IGNORECASE)


def columns() -> frozenset[str]:
    """The columns of raw and feature tables of all families."""
    families = [model_family(name) for name in family_names()]
    return frozenset(name for family in families for name in (*family.schema.columns, *family.features.column_types))


def files() -> Iterator[Path]:
    for room in ROOMS:
        place = ROOT / room
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if not any(file.is_relative_to(ROOT / own) for own in OWN):
                yield file


def test_every_place_is_there() -> None:
    assert not [place for place in (*ROOMS, *OWN, *WORDS) if not (ROOT / place).exists()]


@pytest.mark.parametrize("file", list(files()), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_family_and_no_column_is_named(file: Path) -> None:
    text, own = file.read_text(encoding="utf-8"), WORDS.get(file.relative_to(ROOT).as_posix(), frozenset())
    found = ((number, line, set(FAMILY.findall(line)) - own) for number, line in enumerate(text.splitlines(), 1))
    lines = [f"{number}: {line.strip()}" for number, line, names in found if names]
    assert not lines, f"It names a family; ask for it: {lines}"
    texts = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    named = [f"{node.lineno}: '{node.value}'" for node in texts if node.value in columns() - own]
    assert not named, f"It names a column; ask the family's schema, features or fields: {named}"


def test_columns_are_looked_for() -> None:
    assert {"Amount", "V14", "hour_of_day", "Balance", "Geography", "tenure_to_age"} <= columns()
