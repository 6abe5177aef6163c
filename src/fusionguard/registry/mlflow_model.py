"""A bundle as an MLflow model: a folder that MLflow loads and serves by itself, where FusionGuard is not installed, too."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import fusionguard
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

BUNDLE_PATH = "artifacts/bundle"
"""Where the bundle lies within a model version's files."""
CODE_PATH = "code"
"""Where MLflow puts FusionGuard itself."""

MLFLOW_TYPES = {"float": "double", "integer": "long", "text": "string"}
"""What MLflow calls the types of a data set's columns."""


def save_model(folder: Path, bundle: Bundle, *, run_id: str, model_id: str) -> None:
    """Write a bundle as an MLflow model of code and files into ``folder``.

    FusionGuard itself lies beside the bundle, as it is here, so the requirements name public packages alone.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    family = family_of(bundle)
    description = Model(run_id=run_id, model_id=model_id)
    with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:
        staged = Path(temporary) / Path(BUNDLE_PATH).name
        shutil.copytree(bundle.folder, staged)
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(staged)},
            code_paths=[str(Path(fusionguard.__file__).parent)],
            signature=_signature(family),
            metadata={"input_columns": _input_columns(family).to_dict()},
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
    """Return one raw row, nobody's, with the columns that the registered model asks for."""
    import pandas as pd

    return pd.DataFrame([family.example])


def _input_columns(family: ModelFamily) -> Schema:
    """Return the columns that the registered model asks for, in the data set's order, with MLflow's names of their types."""
    from mlflow.types import ColSpec, Schema

    fields = {field.name: field for field in family.request_fields.all}
    columns = {name: kind for name, kind in family.schema.columns.items() if name in fields}
    return Schema([ColSpec(MLFLOW_TYPES[kind], name, required=fields[name].required) for name, kind in columns.items()])


def _signature(family: ModelFamily) -> ModelSignature:
    """Return what the model answers. What it asks for is in the metadata, and checked by the model.

    MLflow would refuse what ``read_csv`` gives where a column is whole by chance (int64 is no double) or has gaps (float64 is no
    long), in words of its own; and of columns of any type its server reads no CSV.
    """
    from mlflow.models import ModelSignature

    return ModelSignature(outputs=_columns(family.outputs))


def _columns(types: Mapping[str, str]) -> Schema:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name) for name, kind in types.items()])
