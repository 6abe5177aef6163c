"""A trained model of a family on a table, with what tests of the contract ask of it, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.explanation import Explanation
from fusionguard.evaluation.report import Report
from fusionguard.families.family import LABEL, ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.online import OnlineModel
from fusionguard.families.scoring_model import ScoringModel
from tests.families.trained import Trained, evaluate
from tests.monitoring.declared import logged_window

ROWS = 80
"""Raw rows that are scored one by one, too."""


@dataclass(frozen=True)
class Pair:
    """A family on a table."""

    kind: str
    trained: Trained
    folder: Path

    @cached_property
    def family(self) -> ModelFamily:
        return family_of(self.trained.bundle)

    @cached_property
    def model(self) -> ScoringModel:
        return self.family.load(self.trained.bundle)

    @cached_property
    def online(self) -> OnlineModel:
        return self.family.open_online(self.trained.bundle)

    @cached_property
    def report(self) -> Report:
        return evaluate(self.trained, self.folder)

    @cached_property
    def test(self) -> pa.Table:
        """The test slice: model features and label."""
        return self.trained.rows.read_test()

    @cached_property
    def label(self) -> NDArray[np.int8]:
        return self.test[self.trained.rows.definition.label].to_numpy().astype(np.int8)

    @cached_property
    def answers(self) -> pa.Table:
        """What the model says of the test slice."""
        return self.model.answer_features(self.test)

    @cached_property
    def explanation(self) -> Explanation:
        return self.model.explain(self.test.slice(0, 300))

    @cached_property
    def _some(self) -> pd.DataFrame:
        readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
        return readers[self.trained.given.suffix](self.trained.given).sample(ROWS, random_state=2)

    @cached_property
    def history(self) -> Path | None:
        """All rows, where models read what happened before each; None where they read nothing."""
        return self.trained.given if self.family.features.past else None

    @cached_property
    def learned(self) -> pa.Table:
        """The features that training made of the rows of :attr:`file`, in their order."""
        rows = self.trained.rows.features.read().to_pandas().set_index(self.family.features.row_column)
        return pa.Table.from_pandas(rows.loc[self._some.index, list(self.family.features.model_features)], preserve_index=False)

    @cached_property
    def file(self) -> Path:
        """Some rows as their owner has them."""
        frame = self._some
        frame.to_csv(self.folder / "some.csv", index=False)
        return self.folder / "some.csv"

    @cached_property
    def frame(self) -> pd.DataFrame:
        return pd.read_csv(self.file, float_precision="round_trip")

    @cached_property
    def requests(self) -> list[dict[str, Any]]:
        """The same rows as a client tells them."""
        fields = [field.name for field in self.family.request_fields.all]
        rows = self.frame[fields].to_dict("records")
        return [{str(name): None if pd.isna(value) else value for name, value in row.items()} for row in rows]

    @cached_property
    def logged(self) -> pa.Table:
        """The test slice as a log has it, with its outcomes."""
        rows = self.test.drop_columns(self.trained.rows.definition.label)
        for name in ("score", "probability", "decision"):
            rows = rows.append_column(name, self.answers[name])
        return logged_window(rows).append_column(LABEL, pa.array(self.label))

    @cached_property
    def card_inputs(self) -> CardInputs:
        """What the card is written from."""
        facts = {
            "provenance": self.trained.provenance,
            "features": self.trained.rows.manifest,
            "plan": self.trained.rows.plan,
            "evaluation": self.report,
            "importance": self.explanation.importance(),
            "config": self.trained.config,
            "bundle_sha256": self.trained.bundle.sha256,
        }
        return self.family.training.card_inputs(self.trained.bundle, facts)

    def readable(self, text: str) -> None:
        """Assert that a text tells numbers where it should, and nothing that is private of a row."""
        described = self.trained.rows.manifest.described
        assert described is not None and not {"nan", "None", "NaN", "inf"} & {*text.split()}
        told = {str(value) for name in described.declaration.private for value in self.frame[name]} & {*text.split()}
        assert not told

    def same(self, told: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
        """Assert that rows are answered alike; ONNX and batches of trees add single precision up in another order."""
        for name, kind in self.family.outputs.items():
            found, right = ([row[name] for row in rows] for rows in (told, wanted))
            tolerance = 1e-4 if name == self.family.worth else 1e-5
            assert found == (pytest.approx(right, rel=1e-5, abs=tolerance, nan_ok=True) if kind == "double" else right), name
