"""Why the model says what it says: exact tree SHAP values on the log-odds, and reason codes from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xgboost as xgb

from fusionguard.families.fraud.rows import matrix
from fusionguard.features.fraud import MODEL_FEATURES

if TYPE_CHECKING:  # the model itself tells reasons
    from fusionguard.families.fraud.model import FraudModel

RECONSTRUCTION_ERROR = "reconstruction error"


@dataclass(frozen=True)
class Explanation:
    """``contributions`` (n, k) to the calibrated log-odds and the ``values`` (n, k) behind them; ``names`` has k entries."""

    contributions: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    base: float = 0.0
    """What the contributions of a row are added to; the sum is its calibrated log-odds."""

    def importance(self) -> list[tuple[str, float]]:
        """Return (name, mean absolute contribution), largest first."""
        means = np.abs(self.contributions).mean(axis=0)
        return sorted(zip(self.names, means.tolist(), strict=True), key=lambda pair: -pair[1])

    def reason_codes(self, top: int = 3) -> list[list[str]]:
        """Return for each row the names that raise its risk most, largest first, at most ``top``."""
        order = np.argsort(-self.contributions, axis=1, kind="stable")[:, :top]
        return [
            [self.names[place] for place in places if row[place] > 0]
            for places, row in zip(order, self.contributions, strict=True)
        ]


def explain(model: FraudModel, rows: pa.Table) -> Explanation:
    """Explain every given row: milliseconds a row, so give a sample or the flagged rows."""
    return explain_matrix(model, matrix(rows))


def explain_matrix(model: FraudModel, x: np.ndarray) -> Explanation:
    """Explain rows that are a matrix (n, f) float32 in the order of ``MODEL_FEATURES``.

    Tree contributions are exact SHAP values (Lundberg et al. 2020, *Nature Machine Intelligence* 2:56, computed by
    XGBoost), scaled by the fusion's slope; the autoencoder counts as one more feature, against its mean on the calibration slice.
    """
    # Copied on this thread: waking others costs more than the copy, and up to 15 ms where they are busy.
    rows = xgb.DMatrix(x, feature_names=list(MODEL_FEATURES), nthread=1)
    trees = np.asarray(model.booster.predict(rows, pred_contribs=True), dtype=np.float64)
    contributions, values, names = model.fusion.booster * trees[:, :-1], x.astype(np.float64), MODEL_FEATURES
    base = model.fusion.intercept + model.fusion.booster * float(trees[0, -1]) if len(x) else 0.0
    if model.fusion.uses_autoencoder:
        base += model.fusion.autoencoder * model.fusion.mean_log_error
        error = model.log_errors(x)
        contributions = np.column_stack([contributions, model.fusion.autoencoder * (error - model.fusion.mean_log_error)])
        values, names = np.column_stack([values, error]), (*names, RECONSTRUCTION_ERROR)
    return Explanation(contributions, values, names, base)


def sample_rows(rows: int, wanted: int, seed: int) -> np.ndarray:
    """Return at most ``wanted`` row numbers of ``rows``, without repeats, in order."""
    chosen = np.random.default_rng(seed).choice(rows, size=min(rows, wanted), replace=False)
    return np.sort(chosen)
