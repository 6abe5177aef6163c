"""A project of one's own: our steps in its pipeline, and the artifacts of every pipeline in its hands, from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PipelineRun

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_pipeline.py"
READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
from zenml.client import Client
from zenml.integrations.registry import integration_registry
integration_registry.activate_integrations = lambda: None
(run,) = Client().list_pipeline_runs(name=f"startswith:{sys.argv[1]}", sort_by="desc:created", size=1).items
outputs = {name: versions[0] for step in run.steps.values() for name, versions in step.outputs.items()}
read = {name: type(version.load()).__name__ for name, version in outputs.items()}
cached = [name for name, step in run.steps.items() if str(step.status) == "cached"]
sources = sorted({version.materializer.import_path for version in outputs.values()})
print(json.dumps({"read": read, "cached": cached, "steps": list(run.steps), "materializers": sources}))
"""
"""Reads all artifacts of the last run whose name begins so, in a process that has imported nothing of ours."""


def elsewhere(python: Path, folder: Path, *arguments: object, **settings: str) -> str:
    """Run Python in ``folder`` with nothing in its environment that says where the checkout is; return what it prints."""
    kept = ("PATH", "HOME", "ZENML_CONFIG_PATH", "PYTHONPYCACHEPREFIX")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | settings
    environment |= {"ZENML_ANALYTICS_OPT_IN": "false", "ZENML_LOGGING_VERBOSITY": "ERROR"}
    words = [str(word) for word in (python, *arguments)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def artifacts_of(python: Path, folder: Path, run: str, **settings: str) -> dict[str, object]:
    """Return what a process in ``folder`` reads of a run."""
    (folder / "read.py").write_text(READ)
    return dict(json.loads(elsewhere(python, folder, "read.py", run, **settings).splitlines()[-1]))


def run_example(python: Path, folder: Path, name: str = "hourly") -> dict[str, object]:
    """Run the example in ``folder``, its pipeline called ``name``, and return what is read of the run."""
    (folder / EXAMPLE.name).write_text(EXAMPLE.read_text().replace('"hourly"', f'"{name}"'))
    elsewhere(python, folder, EXAMPLE.name, FUSIONGUARD_HOME=str(folder / "home"))
    return artifacts_of(python, folder, f"{name}-")


def check_runs(first: dict[str, object], second: dict[str, object]) -> None:
    """Assert what both runs of the example must have done."""
    steps = ["load_data", "check_raw_data", "build_features", "count_frauds"]
    assert (sorted(first["steps"]), first["cached"]) == (sorted(steps), [])  # type: ignore[call-overload]
    assert sorted(second["cached"]) == sorted(steps)  # type: ignore[call-overload]
    assert first["read"] == second["read"]
    assert first["read"] == {
        "hourly_raw": "Table",
        "hourly_provenance": "Provenance",
        "hourly_raw_contract": "ContractReport",
        "hourly_raw_contract_page": "HTMLString",
        "hourly_features": "Table",
        "hourly_manifest": "FeatureManifest",
        "hourly_frauds": "Frauds",
    }


@pytest.mark.full
def test_artifacts_load_from_any_folder_whatever_the_source_root(fraud_run: PipelineRun, tmp_path: Path) -> None:
    other = tmp_path / "root"
    other.mkdir()
    told = artifacts_of(Path(sys.executable), tmp_path, fraud_run.summary["zenml_run"], ZENML_CUSTOM_SOURCE_ROOT=str(other))
    read = dict(told["read"])  # type: ignore[call-overload]
    assert len(read) >= 25 and all(name.startswith("fraud_") for name in read)
    expected = {
        "raw": "Table",
        "booster": "Booster",
        "autoencoder": "ModelProto",
        "bundle": "Bundle",
        "evaluation_plots": "Figures",
    }
    assert expected.items() <= {name.removeprefix("fraud_"): kind for name, kind in read.items()}.items()
    assert "materializers.tables.TableMaterializer" in told["materializers"]  # type: ignore[operator]
