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
    "src/fusionguard/doctor.py",
    "src/fusionguard/evaluation/bootstrap.py",
    "src/fusionguard/evaluation/card",
    "src/fusionguard/evaluation/comparison.py",
    "src/fusionguard/evaluation/cross_validation.py",
    "src/fusionguard/evaluation/cuts.py",
    "src/fusionguard/evaluation/explanation.py",
    "src/fusionguard/evaluation/explanation_plots.py",
    "src/fusionguard/evaluation/forward_folds.py",
    "src/fusionguard/evaluation/gate.py",
    "src/fusionguard/evaluation/group_draws.py",
    "src/fusionguard/evaluation/holdout.py",
    "src/fusionguard/evaluation/log_odds.py",
    "src/fusionguard/evaluation/planned_rows.py",
    "src/fusionguard/evaluation/ranked.py",
    "src/fusionguard/evaluation/readings.py",
    "src/fusionguard/evaluation/report.py",
    "src/fusionguard/evaluation/splits.py",
    "src/fusionguard/evaluation/ties.py",
    "src/fusionguard/families/card_files.py",
    "src/fusionguard/families/training.py",
    "src/fusionguard/families/training_rows.py",
    "src/fusionguard/features/contracts.py",
    "src/fusionguard/models",
    "src/fusionguard/monitoring",
    "src/fusionguard/proportions.py",
    "src/fusionguard/registry",
    "src/fusionguard/scoring.py",
    "src/fusionguard/serving",
    "steps/caching.py",
    "steps/data",
    "steps/model",
    "steps/monitoring",
    "steps/pipeline_options.py",
    "steps/release",
    "steps/release_folder.py",
    "steps/this_run.py",
    "steps/zenml_model.py",
)
"""Folders and files that name no family; another one is a line here and in the import contract."""

FAMILY = re.compile("|".join((*family_names(), "creditcard")), re.IGNORECASE)


def columns() -> frozenset[str]:
    """The columns of raw and feature tables of all families."""
    families = [model_family(name) for name in family_names()]
    return frozenset(name for family in families for name in (*family.schema.columns, *family.features.column_types))


def files() -> Iterator[Path]:
    for room in ROOMS:
        place = ROOT / room
        assert place.exists(), room
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


@pytest.mark.parametrize("file", list(files()), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_family_and_no_column_is_named(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = [f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if FAMILY.search(line)]
    assert not lines, f"It names a family; ask for it: {lines}"
    texts = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    named = [f"{node.lineno}: '{node.value}'" for node in texts if node.value in columns()]
    assert not named, f"It names a column; ask the family's schema, features or fields: {named}"


def test_columns_are_looked_for() -> None:
    assert {"Amount", "V14", "hour_of_day", "Balance", "Geography", "tenure_to_age"} <= columns()
