"""The registered model as MLflow runs it. MLflow copies this file beside each bundle and executes it; nothing else imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc import PythonModel, PythonModelContext

from fusionguard.errors import DataError

if TYPE_CHECKING:
    from fusionguard.models.family import ScoringModel


class Pyfunc(PythonModel):  # type: ignore[misc]  # MLflow is not typed
    """Score feature rows with the bundle, of whatever family, that lies among the model's artifacts."""

    model: ScoringModel

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle, which checks each file's SHA-256."""
        from pathlib import Path

        from fusionguard.models.bundle import Bundle
        from fusionguard.models.family import model_family

        bundle = Bundle(Path(context.artifacts["bundle"]))
        self.model = model_family(bundle.manifest.model).load(bundle)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the family's answer to each row, in order: ``score``, ``probability``, ``decision`` and what else it tells.

        Reasons are empty: they would cost about 1 ms a flagged row. ``fusionguard score`` tells them.
        """
        gaps = [str(name) for name, missing in model_input.isna().any().items() if missing]
        if gaps:
            raise DataError(f"These columns have empty cells: {', '.join(gaps)}.", "Fill them at their source.")
        answer = self.model.answer_features(pa.Table.from_pandas(model_input, preserve_index=False))
        return answer.to_pandas().set_index(model_input.index)


mlflow.models.set_model(Pyfunc())
