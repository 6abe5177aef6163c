"""The windows of the benchmark of alike rows: what a real fall is, and what counts as an alarm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.monitoring.alike import Counted, _fallen
from fusionguard.families.family import LABEL, OWNER


def test_in_a_real_fall_frauds_of_most_cards_look_like_some_honest_rows() -> None:
    owner = np.repeat(np.arange(400), 3)
    label = (owner % 4 == 0).astype(np.int8)
    probability = np.where(label == 1, 0.9, 0.01 + owner / 1e5)
    window = pa.table({LABEL: label, OWNER: owner, "probability": probability, "score": probability * 2})
    fallen = _fallen(window, seed=3)
    low = (fallen["probability"].to_numpy() < 0.5) & (label == 1)
    cards = {int(each) for each in owner[low]}
    assert 55 <= len(cards) <= 85 and low.sum() == 3 * len(cards), "70 of 100 cards, each with all of its frauds"
    assert np.array_equal(fallen["score"].to_numpy(), 2 * fallen["probability"].to_numpy())
    assert np.array_equal(fallen["probability"].to_numpy()[label == 0], probability[label == 0])


def test_a_window_counts_once_however_many_findings_it_has() -> None:
    counted = Counted("no drift, each row a case")
    reports: list[Any] = [
        SimpleNamespace(remarks=("7 of 90 labelled rows are positive: too few to judge metrics",), findings=()),
        SimpleNamespace(remarks=(), findings=("one", "two")),
        SimpleNamespace(remarks=(), findings=()),
    ]
    for report in reports:
        counted.add(report)
    assert counted.row() == ("no drift, each row a case", "3", "1: 0.33 (0.06 to 0.79)", "1")
