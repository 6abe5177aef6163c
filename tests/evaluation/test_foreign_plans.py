"""Tables that nobody ships, with a time and without one, are planned from what their declarations say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusionguard.config import HoldoutConfig, SplitConfig
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import PlannedRows, planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.features.store import build_features
from tests.foreign import write_payments, write_telco


def _planned(declaration: Path) -> PlannedRows:
    folder = declaration.parent
    raw, described = read_described(find_dataset(str(declaration)), "auto", folder / "read", rows=0, seed=1, earliest=0.6)
    built = build_features(raw.table, raw.provenance, "duckdb", folder / "store", described)
    again = build_features(raw.table, raw.provenance, "duckdb", folder / "store", described)
    assert list(again.manifest.definition.column_types) == built.table.columns == again.table.columns
    return planned_rows(again.table, again.manifest.definition)


@pytest.mark.parametrize("dated", ["Y", "YN"])
def test_slices_leave_out_rows_of_either_class_alike_whoever_dates_them(dated: str, tmp_path: Path) -> None:
    declaration = write_payments(tmp_path, 1_500)
    given = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    given.loc[~given["chargeback"].isin(list(dated)), "chargeback known"] = ""
    given.to_csv(tmp_path / "rows.csv", index=False)
    rows = _planned(declaration)
    plan = plan_split(rows, SplitConfig())
    for part in plan.slices().values():
        used = rows.known_by(part.known_by)[part.start : part.stop]
        assert np.flatnonzero(used).tolist() == list(range(part.rows)), "the earliest rows are used, whatever became of them"
    assert plan.train.rows > 500 and plan.calibration.unknown_rows > 100


@pytest.mark.parametrize(
    ("write", "timed", "read"),
    [
        (write_payments, True, {"time", "known"}),
        (write_payments, False, {"group"}),
        (write_telco, True, {"time"}),
        (write_telco, False, set()),
    ],
)
def test_an_invented_table_is_planned_from_its_declaration(write: type, timed: bool, read: set[str], tmp_path: Path) -> None:
    rows = _planned(write(tmp_path, 1_500, timed=timed))
    columns = rows.columns.model_dump()
    assert {name for name in ("time", "known", "group") if columns[name] is not None} == read
    plan = plan_split(rows, SplitConfig())
    used = np.array([part.rows for part in plan.slices().values()])
    assert np.abs(used / used.sum() - (0.6, 0.1, 0.1, 0.2)).max() < 0.05
    assert all(part.positives >= 5 for part in plan.slices().values())
    assert (plan.calibration.unknown_rows > 100) == ("known" in read)
    holdout = plan_holdout(rows, "f" * 64, HoldoutConfig(folds=3, repeats=2), seed=7)
    development, test = holdout.places(rows)
    assert holdout.repeats == (1 if timed else 2) and abs(test.size / rows.count - 0.2) < 0.02
    if rows.seconds is not None:
        assert rows.seconds[development].max() < rows.seconds[test].min()
    if rows.group is not None:
        assert not set(rows.group[development]) & set(rows.group[test])
