"""CatBoost beside itself: its calls that set up a logger must not overlap, or the process dies of a segmentation fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import catboost as cb
import numpy as np
import pytest

from fusionguard.families.churn import catboost_model
from fusionguard.families.churn.rows import CustomerRows
from tests.families.churn.cases import COLUMNS


class Watched:
    """Counts how many threads are within the calls it wraps."""

    def __init__(self) -> None:
        self.most = self.inside = 0
        self._lock = threading.Lock()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **more: Any) -> Any:
            with self._lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            try:
                time.sleep(0.002)
                return call(*arguments, **more)
            finally:
                with self._lock:
                    self.inside -= 1

        return watched


def test_threads_fit_and_explain_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    rows = CustomerRows(COLUMNS, generator.normal(size=(200, len(COLUMNS.numeric))), np.zeros((200, 2), np.int32))
    label = (rows.numeric[:, 0] > 0.3).astype(np.int8)
    watched = Watched()
    for name in ("_train", "_calc_fstr"):  # the compiled parts of fit and get_feature_importance
        monkeypatch.setattr(cb.CatBoost, name, watched.around(getattr(cb.CatBoost, name)))

    def work(seed: int) -> bytes:
        model = catboost_model.fit(rows, label, {"iterations": 5}, seed=1)
        catboost_model.contributions(model, rows)
        return catboost_model.margins(model, rows).tobytes()

    with ThreadPoolExecutor(4) as pool:
        told = set(pool.map(work, range(12)))
    assert watched.most == 1
    assert len(told) == 1, "the same rows give the same model, whoever else is at work"
