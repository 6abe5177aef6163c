"""The registered model as MLflow runs it. MLflow copies this file beside each bundle and executes it; nothing else imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

from fusionguard.errors import DataError, FusionGuardError, UsageError

if TYPE_CHECKING:
    from fusionguard.families.scoring_model import ScoringModel


class Pyfunc(PythonModel):  # type: ignore[misc]  # MLflow is not typed
    """Score raw rows with the bundle, of whatever family, that lies among the model's artifacts."""

    model: ScoringModel

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle, which checks each file's SHA-256."""
        from pathlib import Path

        from fusionguard.families.of_bundle import family_of
        from fusionguard.models.bundle import Bundle

        bundle = Bundle(Path(context.artifacts["bundle"]))
        self.model = family_of(bundle).load(bundle)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the family's answer to each row, in order: ``score``, ``probability``, ``decision`` and what else it tells.

        Reasons are empty: they would cost about 1 ms a flagged row. ``fusionguard score`` tells them.

        Parameters
        ----------
        model_input
            Raw rows in the data set's own columns, with whatever types ``read_csv`` gives them; a dict of columns and a list of
            rows do as well. Columns that no model reads may be there or not. The answer keeps a DataFrame's index.

        Raises
        ------
        MlflowException
            A column is missing, or a cell is empty, unknown, of another type or out of range; MLflow's server answers 400.
        """
        try:
            rows = _table(model_input)
            answer = self.model.answer(rows).to_pandas()
        except FusionGuardError as error:  # of any other exception MLflow's server shows a traceback, and not what it says
            code = INVALID_PARAMETER_VALUE if isinstance(error, DataError | UsageError) else INTERNAL_ERROR
            raise MlflowException(str(error), error_code=code) from None
        return answer.set_index(rows.index) if isinstance(rows, pd.DataFrame) else answer


def _table(given: Any) -> pd.DataFrame | pa.Table:
    if isinstance(given, pd.DataFrame | pa.Table):
        return given
    try:
        return pd.DataFrame(given)
    except (TypeError, ValueError):
        raise UsageError(f"Rows cannot be read from this {type(given).__name__}.", "Give a pandas DataFrame.") from None


mlflow.models.set_model(Pyfunc())
