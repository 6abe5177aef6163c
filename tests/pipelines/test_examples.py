"""The examples go from raw rows to scores without ZenML, and come to the model and the numbers of a run, to the last digit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fusionguard.models.bundle import Bundle
from tests.conftest import SMALL_CHURN, SMALL_FRAUD, PipelineRun

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RUN = """
import json, runpy, sys
names = runpy.run_path(sys.argv[0], run_name="__main__")
unwanted = {"zenml", "mlflow"} & set(sys.modules)
assert not unwanted, unwanted
found = {"evaluation": json.loads(names["evaluation"].to_json()), "bundle": str(names["delivered"].folder)}
found["joined"] = names["joined"].reset_index(names="place").to_dict("list")
print(json.dumps(found))
"""


def _run(name: str, folder: Path, *settings: str) -> dict[str, Any]:
    """Run an example as a user does, and return what it came to."""
    program = f"import sys; sys.argv = sys.argv[1:]{RUN}"
    command = [sys.executable, "-c", program, str(EXAMPLES / name), str(folder), *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    *_, last = done.stdout.splitlines()
    return dict(json.loads(last))


def _compare(found: dict[str, Any], run: PipelineRun, words: tuple[str, str]) -> None:
    kept = json.loads(Path(run.summary["model_card"]).with_name("evaluation.json").read_text())
    assert found["evaluation"] == kept
    assert kept["metrics"]["average_precision"]["value"] > 0.3
    assert _facts(Path(found["bundle"])) == _facts(Path(run.summary["bundle"])), "the same bundle, byte by byte"
    joined = found["joined"]
    assert joined["row"] == list(range(1_000)) and joined["place"][0] > 0
    assert set(joined["decision"]) <= set(words)


def _facts(bundle: Path) -> dict[str, object]:
    manifest = Bundle.open(bundle).manifest.model_dump()
    # CatBoost writes a model that was stored on the way, as an artifact of a run is, with other bytes than one just trained.
    manifest["files"].pop("evaluated_catboost.cbm", None)
    return manifest


@pytest.mark.full
def test_the_fraud_example_gives_the_runs_model(fraud_run: PipelineRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path / "home"))
    found = _run("fraud_without_zenml.py", tmp_path, "data.source=simulated", *SMALL_FRAUD)
    _compare(found, fraud_run, ("review", "accept"))
    assert not (tmp_path / "home").exists(), "nothing outside the folder that was named"


@pytest.mark.long
@pytest.mark.full
def test_the_churn_example_gives_the_runs_model_with_and_without_the_columns_that_nobody_reads(
    churn_run: PipelineRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path / "home"))
    found = _run("churn_without_zenml.py", tmp_path / "a", "data.source=simulated", *SMALL_CHURN)
    _compare(found, churn_run, ("offer", "none"))
    nameless = pq.read_table(tmp_path / "a" / "raw" / "raw.parquet").drop_columns(["RowNumber", "CustomerId", "Surname"])
    pacsv.write_csv(nameless, tmp_path / "customers.csv")
    again = _run("churn_without_zenml.py", tmp_path / "b", f"data.source={tmp_path / 'customers.csv'}", *SMALL_CHURN)
    assert again["evaluation"] == found["evaluation"] | {"origin": "local"}
