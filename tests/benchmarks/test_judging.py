"""The benchmark judges a window as the pipeline does: features of what happened before by how much they change by themselves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from benchmarks.monitoring import judging
from benchmarks.monitoring.judging import SETTINGS, Judge
from fusionguard.data.table import Table

ROWS = pa.table({"amount": [1.5, 2.5, 70.0]})


@pytest.mark.parametrize("alone", [True, False])
def test_a_window_is_judged_against_earlier_spans_of_as_many_rows(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SimpleNamespace(family=SimpleNamespace(features=SimpleNamespace(made_of={}), flagged="alert"))
    kept, usual = Table(Path("kept.parquet")), SimpleNamespace(family=plain.family)
    asked: list[tuple[Any, ...]] = []
    judged: list[Any] = []

    def spans(reference: Any, rows: Any, window_rows: int, **given: Any) -> Any:
        asked.append((reference, rows, window_rows, given["thresholds"], given["seed"]))
        return usual

    sketch = SimpleNamespace(total=SimpleNamespace(rows=3))
    stand_ins = {
        "against_earlier_spans": spans,
        "read_sketch": lambda *_, **__: sketch,
        "read_drift": lambda _, reference, __: judged.append(reference) or SimpleNamespace(findings=()),
        "classifier_test": lambda _, reference, *__, **___: judged.append(reference),
        "read_outcomes": lambda *_: None,
        "group_window": lambda *_: None,
        "estimate_performance": lambda *_, **__: None,
        "decide": lambda *_, **__: "verdict",
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(judging, name, stand_in)
    champion = SimpleNamespace(reference_rows=kept, calibration=lambda: None)
    judge = Judge(champion, object(), plain)  # type: ignore[arg-type]
    verdict = judge.of_rows_alone(ROWS) if alone else judge.of_rows(ROWS)[0]
    assert verdict == "verdict"
    assert asked == [(plain, kept, 3, SETTINGS.thresholds, SETTINGS.seed)]
    assert judged == [usual] * (1 if alone else 2)
