"""The margin of one row is that of XGBoost's own prediction, to the last bit, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost as xgb

from fusionguard.families.fraud.single_margin import SingleMargin

ROWS = 400


@pytest.fixture(scope="module")
def made() -> tuple[xgb.Booster, np.ndarray]:
    """A booster of two numbers and a category, and rows of which some lack a cell."""
    generator = np.random.default_rng(5)
    x = np.column_stack([generator.normal(size=(ROWS, 2)), generator.integers(5, size=ROWS)]).astype(np.float32)
    label = (x[:, 0] + (x[:, 2] == 3) > 0.5).astype(np.float32)
    x[::7, 1] = x[::11, 2] = np.nan
    rows = xgb.DMatrix(x, label, feature_types=["q", "q", "c"], enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, rows, 12), x


def test_it_is_what_xgboost_predicts(made: tuple[xgb.Booster, np.ndarray]) -> None:
    booster, x = made
    margin = SingleMargin(booster)
    expected = booster.inplace_predict(x, predict_type="margin", validate_features=False).tolist()
    assert len(set(expected)) > 10
    assert [margin(row[None]) for row in x] == expected
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda row: margin(row[None]), np.repeat(x, 5, axis=0))) == np.repeat(expected, 5).tolist()


@pytest.mark.parametrize("wrong", [np.zeros((1, 4), np.float32), np.zeros((2, 3), np.float32), np.zeros((1, 3)), np.zeros(3)])
def test_it_refuses_what_is_no_row(made: tuple[xgb.Booster, np.ndarray], wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected \(1, 3\) of float32"):
        SingleMargin(made[0])(wrong)
