"""A churn model that never learned anything, in the place of the real one: older customers leave, Germans more so.

It is there to test what serves every family: batch scoring, the registry, the command line.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.models.bundle import Bundle


@dataclass(frozen=True)
class FakeChurnModel:
    """Reads ``Age`` and ``Geography`` alone."""

    bundle: Bundle

    @property
    def version(self) -> str:
        return self.bundle.version

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        return self.answer_features(CHURN_FAMILY.make_features(rows), reasons=reasons)

    def answer_features(self, rows: pa.Table, *, reasons: int = 0) -> pa.Table:
        age, german = rows["Age"].to_numpy(), np.array(rows["Geography"].to_pylist()) == "Germany"
        probability = age / 100 + 0.05 * german
        offer = probability >= 0.5
        told = ["; ".join(["age", "Germany"][: min(reasons, 1 + int(there))]) for there in german]
        columns = [
            np.log(probability / (1 - probability)),
            probability,
            np.where(offer, "offer", "none"),
            100 * probability - 10,
            np.where(offer, "high", "low"),
            [reason if flag else "" for reason, flag in zip(told, offer, strict=True)],
        ]
        return pa.table(columns, schema=CHURN_FAMILY.answer_columns)


def load(bundle: Bundle, *, evaluated: bool = False) -> FakeChurnModel:
    """Stand where the real module's ``load`` does."""
    return FakeChurnModel(Bundle.open(bundle.folder))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the churn family find this module instead of the real one."""
    monkeypatch.setitem(sys.modules, CHURN_FAMILY.module, sys.modules[__name__])


def seal_bundle(folder: Path) -> Bundle:
    """Make a bundle that says it holds a churn model."""
    folder.mkdir()
    (folder / "law.json").write_text("{}")
    return Bundle.seal(
        folder,
        model="churn",
        origin="simulated",
        source_sha256="1" * 64,
        features_sha256="2" * 64,
        negative_sampling_rate=1.0,
        feature_schema_version=1,
        holdout_sha256="3" * 64,
        seed=1,
        config={},
    )


def customers() -> pa.Table:
    """Return four made-up customers in Kaggle's layout, without the label; two are for an offer."""
    return pa.table(
        {
            "RowNumber": [1, 2, 3, 4],
            "CustomerId": [15_000_004, 15_000_003, 15_000_002, 15_000_001],
            "Surname": ["Brannel", "Ostrim", "Quellan", "Tarvish"],
            "CreditScore": [600, 700, 800, 500],
            "Geography": ["Germany", "France", "Spain", "Germany"],
            "Gender": ["Female", "Male", "Female", "Male"],
            "Age": [48, 60, 30, 20],
            "Tenure": [1, 2, 3, 4],
            "Balance": [0.0, 1000.5, 90_000.0, 120_000.0],
            "NumOfProducts": [1, 2, 1, 2],
            "HasCrCard": [1, 0, 1, 0],
            "IsActiveMember": [0, 1, 0, 1],
            "EstimatedSalary": [50_000.0, 60_000.0, 70_000.0, 80_000.0],
        }
    )
