"""A project of one's own: our steps in its pipeline, and the artifacts of every pipeline in its hands, from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PipelineRun

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_pipeline.py"
READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
from zenml.client import Client
from zenml.integrations.registry import integration_registry
integration_registry.activate_integrations = lambda: None
told = []
for name in sys.argv[1:]:
    for run in Client().list_pipeline_runs(name=f"startswith:{name}", sort_by="asc:created", hydrate=True).items:
        outputs = {name: versions[0] for step in run.steps.values() for name, versions in step.outputs.items()}
        read = {name: type(version.load()).__name__ for name, version in outputs.items()}
        cached = [name for name, step in run.steps.items() if str(step.status) == "cached"]
        sources = sorted({version.materializer.import_path for version in outputs.values()})
        told.append({"read": read, "cached": cached, "steps": list(run.steps), "materializers": sources})
print(json.dumps(told))
"""
"""Reads all artifacts of the runs whose names begin so, the oldest first, in a process that has imported nothing of ours."""


def elsewhere(python: Path, folder: Path, *arguments: object, **settings: str) -> str:
    """Run Python in ``folder`` with nothing in its environment that says where the checkout is; return what it prints."""
    kept = ("PATH", "HOME", "ZENML_CONFIG_PATH", "PYTHONPYCACHEPREFIX")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | settings
    environment |= {"ZENML_ANALYTICS_OPT_IN": "false", "ZENML_LOGGING_VERBOSITY": "ERROR"}
    words = [str(word) for word in (python, *arguments)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


def artifacts_of(python: Path, folder: Path, *runs: str, **settings: str) -> list[dict[str, Any]]:
    """Return what a process in ``folder`` reads of the runs whose names begin so."""
    (folder / "read.py").write_text(READ)
    return list(json.loads(elsewhere(python, folder, "read.py", *runs, **settings).splitlines()[-1]))


def run_example(python: Path, folder: Path, name: str = "hourly") -> None:
    """Run the example in ``folder``, its pipeline called ``name``."""
    (folder / EXAMPLE.name).write_text(EXAMPLE.read_text().replace('"hourly"', f'"{name}"'))
    elsewhere(python, folder, EXAMPLE.name, FUSIONGUARD_HOME=str(folder / "home"))


def check_runs(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Assert what both runs of the example must have done."""
    steps = ["load_data", "check_raw_data", "build_features", "count_frauds"]
    assert (sorted(first["steps"]), first["cached"]) == (sorted(steps), [])
    assert sorted(second["cached"]) == sorted(steps)
    assert first["read"] == second["read"]
    assert first["read"] == {
        "hourly_raw": "Table",
        "hourly_provenance": "Provenance",
        "hourly_dataset": "ResolvedDataset",
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
    (told,) = artifacts_of(Path(sys.executable), tmp_path, fraud_run.summary["zenml_run"], ZENML_CUSTOM_SOURCE_ROOT=str(other))
    read = told["read"]
    assert len(read) >= 25 and all(name.startswith("fraud_") for name in read)
    expected = {
        "raw": "Table",
        "booster": "Booster",
        "autoencoder": "ModelProto",
        "bundle": "Bundle",
        "evaluation_plots": "Figures",
    }
    assert expected.items() <= {name.removeprefix("fraud_"): kind for name, kind in read.items()}.items()
    assert "materializers.tables.TableMaterializer" in told["materializers"]
