"""A bundle as an MLflow model: a folder of code and files that MLflow loads and serves by itself."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fusionguard.models.bundle import Bundle
from fusionguard.models.family import ModelFamily, model_family

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

BUNDLE_PATH = "artifacts/bundle"
"""Where the bundle lies within a model version's files."""


def save_model(folder: Path, bundle: Bundle, *, run_id: str, model_id: str) -> None:
    """Write a bundle as an MLflow model of code and files into ``folder``."""
    import mlflow.pyfunc
    from mlflow.models import Model

    family = model_family(bundle.manifest.model)
    description = Model(run_id=run_id, model_id=model_id)
    with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:
        staged = Path(temporary) / Path(BUNDLE_PATH).name
        shutil.copytree(bundle.folder, staged)
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(staged)},
            signature=_signature(family),
            input_example=example_rows(family),
            pip_requirements=[f"{package}=={importlib.metadata.version(package)}" for package in family.packages],
            mlflow_model=description,
        )
    # MLflow writes down where the files were on this machine, and reads only the last part of it.
    flavor = description.flavors["python_function"]
    flavor["artifacts"]["bundle"]["uri"] = BUNDLE_PATH
    flavor["model_code_path"] = Path(flavor["model_code_path"]).name
    description.save(str(folder / "MLmodel"))


def example_rows(family: ModelFamily) -> pd.DataFrame:
    """Return one row, nobody's, with the columns that the registered model asks for, in their order and types."""
    import pandas as pd

    types = _input_types(family)
    return pd.DataFrame([family.example], columns=list(types)).astype(
        {name: kind for name, kind in types.items() if kind != "string"}
    )


def _signature(family: ModelFamily) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    types = {"double": DataType.double, "int32": DataType.integer, "int64": DataType.long, "string": DataType.string}
    inputs, outputs = (
        Schema([ColSpec(types[kind], name) for name, kind in columns.items()])
        for columns in (_input_types(family), family.outputs)
    )
    return ModelSignature(inputs, outputs)


def _input_types(family: ModelFamily) -> dict[str, str]:
    """Return the columns that the registered model asks for, with their Arrow types."""
    return {name: family.features.column_types[name] for name in family.features.model_features if name in family.example}
