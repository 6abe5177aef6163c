"""The registered model as MLflow runs it. MLflow copies this file beside each bundle and executes it; nothing else imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc import PythonModel, PythonModelContext

from fusionguard.errors import DataError

if TYPE_CHECKING:
    from fusionguard.models.fraud.model import FraudModel


class FraudPyfunc(PythonModel):  # type: ignore[misc]  # MLflow is not typed
    """Score feature rows with the bundle that lies among the model's artifacts."""

    model: FraudModel

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle, which checks each file's SHA-256."""
        from pathlib import Path

        from fusionguard.models.fraud.model import FraudModel

        self.model = FraudModel.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ``score``, calibrated ``probability`` and ``decision`` (``review`` or ``accept``) of each row, in order."""
        gaps = [str(name) for name, missing in model_input.isna().any().items() if missing]
        if gaps:
            raise DataError(f"These columns have empty cells: {', '.join(gaps)}.", "Fill them at their source.")
        scores = self.model.score(pa.Table.from_pandas(model_input, preserve_index=False))
        review = self.model.policy.decide(scores.probability, model_input["Amount"].to_numpy(dtype="float64"))
        return pd.DataFrame(
            {
                "score": scores.score,
                "probability": scores.probability,
                "decision": ["review" if alert else "accept" for alert in review],
            },
            index=model_input.index,
        )


mlflow.models.set_model(FraudPyfunc())
