"""A bundle registered once: code and files, no pickle, nobody's row, everything that is known about it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import fusionguard
from fusionguard.errors import BundleError, RegistryError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.packages import XGBOOST
from fusionguard.registry.aliases import resolve_bundle
from fusionguard.registry.register import attach_files
from fusionguard.registry.runs import end_runs
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion, list_versions
from tests.fakes import churn

from .conftest import run_named

MakeBundle = Callable[..., Bundle]
Register = Callable[..., RegisteredVersion]


def _model_folder(store: Home) -> Path:
    (folder,) = (store.mlflow_artifacts / "models").glob("*/artifacts")
    return folder


def test_a_bundle_is_registered_with_what_is_known(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundle = make_bundle()
    version = register(
        bundle,
        metrics={"average_precision": 0.5, "average_precision_low": 0.4, "undefined": float("nan")},
        plots={"precision_recall": b"png"},
        config={"seed": 7, "xgboost": {"rounds": 600}, "autoencoder": {"latent_sizes": [2, 4]}},
        run=run_named("one"),
    )
    end_runs(store, "one", "FINISHED")
    assert (version.name, version.version, version.created) == ("fusionguard-fraud", 1, True)
    assert version.bundle_sha256 == bundle.sha256
    assert version.simulated
    client = open_store(store)
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"average_precision": 0.5, "average_precision_low": 0.4}
    assert run.data.params == {"seed": "7", "xgboost.rounds": "600", "autoencoder.latent_sizes": "[2, 4]"}
    assert run.data.tags["data.origin"] == "simulated"
    assert run.data.tags["zenml.run"] == "one"
    files = {path.name for path in (store.mlflow_artifacts / version.run_id).rglob("*") if path.is_file()}
    assert client.get_model_version(version.name, "1").tags["zenml.run"] == "one"
    assert files == {"precision_recall.png", "provenance.json", "config.json"}
    entry = client.get_model_version("fusionguard-fraud", "1")
    assert entry.run_id == version.run_id
    assert entry.tags["data.sha256"] == "1" * 64


def test_the_same_bundle_again_is_the_same_version(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundle = make_bundle()
    first = register(bundle)
    again = register(bundle)
    assert again == first.model_copy(update={"created": False})
    assert register(make_bundle("another")).version == 2
    assert [version.version for version in list_versions(store, "fraud")] == [1, 2]


def test_the_model_is_code_and_files_without_pickle(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    register(make_bundle())
    folder = _model_folder(store)
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    flavor = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
    assert flavor["loader_module"] == "mlflow.pyfunc.loaders.code_model"
    assert flavor["model_code_path"] == "pyfunc_model.py"
    assert (folder / "pyfunc_model.py").is_file()
    assert "python_model" not in flavor
    assert b"pickle" not in b"".join(path.read_bytes() for path in (folder / "artifacts").rglob("*") if path.is_file())


def test_nothing_of_this_machine_is_written_into_the_model(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundle = make_bundle()
    register(bundle)
    package = Path(fusionguard.__file__).parent
    for path in _model_folder(store).rglob("*"):
        if path.is_file():
            assert str(bundle.folder.parent) not in path.read_text()
            assert str(package.parent) not in path.read_text()


def test_a_project_file_in_the_current_folder_does_not_land_in_the_model(
    store: Home, make_bundle: MakeBundle, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).write_text("[project]\n")
    monkeypatch.chdir(tmp_path)
    register(make_bundle())
    assert not [path for path in _model_folder(store).iterdir() if path.name in ("uv.lock", "pyproject.toml")]


def test_the_example_is_a_raw_row_that_is_nobodys(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    register(make_bundle())
    described = yaml.safe_load((_model_folder(store) / "MLmodel").read_text())
    columns = ["Time", *(f"V{number}" for number in range(1, 29)), "Amount"]
    assert described["metadata"]["input_columns"] == [{"name": name, "type": "double", "required": True} for name in columns]
    assert described["signature"]["inputs"] is None, "MLflow would refuse whole numbers where fractions may be"
    outputs = {column["name"]: column["type"] for column in json.loads(described["signature"]["outputs"])}
    assert outputs == FRAUD_FAMILY.outputs
    example = json.loads((_model_folder(store) / "input_example.json").read_text())
    assert example == {"columns": columns, "data": [[0.0] * 29 + [22.0]]}
    served = json.loads((_model_folder(store) / "serving_input_example.json").read_text())
    assert served == {"dataframe_split": example}


def test_the_package_lies_in_the_model_and_the_requirements_name_public_ones_alone(
    store: Home, make_bundle: MakeBundle, register: Register
) -> None:
    register(make_bundle())
    folder, package = _model_folder(store), Path(fusionguard.__file__).parent
    held = {path.relative_to(folder / "code" / "fusionguard") for path in (folder / "code").rglob("*") if path.is_file()}
    assert held == {
        path.relative_to(package) for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    }
    named = ("duckdb", "mlflow", "numpy", "pandas", "pyarrow", "pydantic", "onnxruntime", XGBOOST)
    pinned = [f"{name}=={importlib.metadata.version(name)}" for name in named]
    assert sorted((folder / "requirements.txt").read_text().splitlines()) == sorted(pinned)
    environment = yaml.safe_load((folder / "python_env.yaml").read_text())
    assert environment["python"] == platform.python_version()
    assert environment["dependencies"] == ["-r requirements.txt"]
    conda = yaml.safe_load((folder / "conda.yaml").read_text())
    assert conda["channels"] == ["conda-forge"]
    assert conda["dependencies"][-1] == {"pip": (folder / "requirements.txt").read_text().splitlines()}


def test_another_family_has_its_own_columns_and_packages(
    store: Home, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn.install(monkeypatch)
    assert register(churn.seal_bundle(tmp_path / "bundle")).name == "fusionguard-churn"
    described = yaml.safe_load((_model_folder(store) / "MLmodel").read_text())
    inputs = {column["name"]: column["type"] for column in described["metadata"]["input_columns"]}
    assert list(inputs) == list(CHURN_FAMILY.example)
    assert (inputs["Geography"], inputs["Age"], inputs["Balance"]) == ("string", "long", "double")
    assert not {"Surname", "CustomerId", "RowNumber"} & set(inputs)
    assert [column["name"] for column in json.loads(described["signature"]["outputs"])] == list(CHURN_FAMILY.outputs)
    required = (_model_folder(store) / "requirements.txt").read_text()
    assert "catboost==" in required and "lightgbm==" in required and "xgboost" not in required


def test_lost_files_are_restored_by_registering_again(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundle = make_bundle()
    register(bundle)
    shutil.rmtree(_model_folder(store))
    with pytest.raises(BundleError, match=r"files of 'fusionguard-fraud' version 1 are gone"):
        resolve_bundle(store, "fraud@1")
    assert register(bundle).version == 1
    assert resolve_bundle(store, "fraud@1").sha256 == bundle.sha256


def test_files_of_a_version_made_before_are_written_anew(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundle = make_bundle()
    register(bundle)
    folder = _model_folder(store)
    now = (folder / "pyfunc_model.py").read_bytes()
    shutil.rmtree(folder / "code")  # 0.2 left FusionGuard to whoever loads the model
    (folder / "pyfunc_model.py").write_text("# asks for features")
    assert register(bundle).version == 1
    assert (folder / "pyfunc_model.py").read_bytes() == now and (folder / "code" / "fusionguard" / "scoring.py").is_file()
    assert resolve_bundle(store, "fraud@1").sha256 == bundle.sha256


def test_a_run_that_fails_to_register_says_so_and_leaves_no_version(
    store: Home, make_bundle: MakeBundle, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fusionguard.registry.register.save_model", fail)
    with pytest.raises(Exception, match="disk is full"):
        register(make_bundle())
    assert list_versions(store, "fraud") == []
    client = open_store(store)
    (run,) = client.search_runs([client.get_experiment_by_name("fusionguard-fraud").experiment_id])
    assert run.info.status == "FAILED"


def test_files_can_be_attached_later(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    version = register(make_bundle())
    attach_files(store, version, {"model_card.md": b"# Card"})
    assert (store.mlflow_artifacts / version.run_id / "artifacts" / "model_card.md").read_bytes() == b"# Card"


def test_a_version_that_somebody_else_registered_is_refused(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    client = open_store(store)
    client.create_registered_model("fusionguard-fraud")
    client.create_model_version("fusionguard-fraud", store.mlflow_artifacts.as_uri())
    with pytest.raises(RegistryError, match="was not registered by FusionGuard"):
        register(make_bundle())
