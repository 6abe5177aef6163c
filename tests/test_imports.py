"""What commands import: no command waits for libraries that it does not use. Names of modules are checked, not seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.register import register_bundle

from .registry.conftest import PROVENANCE

ROOT = Path(__file__).resolve().parents[1]
RUN = "import runpy; runpy.run_path('run.py', run_name='__main__')"
FUSIONGUARD = "from fusionguard.cli import main; main()"
NOTE = """
import atexit, sys
from pathlib import Path
file = Path(sys.argv.pop(1))
atexit.register(lambda: file.write_text(" ".join(sorted({name.partition(".")[0] for name in sys.modules}))))
sys.argv[0] = "run.py"
"""

NEEDED_BY_NO_SCORE = {
    *("mlflow", "sqlalchemy", "alembic", "zenml", "torch", "great_expectations", "evidently", "matplotlib", "plotly", "altair"),
    *("optuna", "shap", "fairlearn", "gradio", "bentoml", "starlette", "fastapi", "uvicorn", "kaggle", "pyspark", "onnx"),
}
HEAVY = NEEDED_BY_NO_SCORE | {
    *("numpy", "pandas", "scipy", "sklearn", "pyarrow", "duckdb", "xgboost", "lightgbm", "catboost", "onnxruntime", "rich"),
}


def _imported(tmp_path: Path, program: str, *words: str, status: int) -> set[str]:
    """Return the top-level modules that a command has loaded when it ends."""
    file = tmp_path / "modules.txt"
    command = [sys.executable, "-c", NOTE + program, str(file), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return set(file.read_text().split())


@pytest.mark.parametrize(
    ("program", "words", "status"),
    [
        (RUN, ["--help"], 0),
        (RUN, ["--pipelin", "fraud"], 2),
        (RUN, ["--pipeline", "frud"], 2),
        (RUN, ["--stack", "locl"], 2),
        (RUN, ["--set", "data.rws=20000"], 2),
        (RUN, ["--engine", "dukdb"], 2),
        (FUSIONGUARD, ["--help"], 0),
        (FUSIONGUARD, ["score", "--help"], 0),
        (FUSIONGUARD, ["serve", "--help"], 0),
        (FUSIONGUARD, ["simulate", "traffic", "--help"], 0),
        (FUSIONGUARD, ["scroe"], 2),
        (FUSIONGUARD, ["score", "--modle", "fraud@champion"], 2),
        (FUSIONGUARD, ["score", "--model", "fraud@champion"], 2),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_help_and_usage_errors_load_nothing_heavy(
    home: Home, tmp_path: Path, program: str, words: list[str], status: int
) -> None:
    loaded = _imported(tmp_path, program, *words, status=status)
    assert "argparse" in loaded or "typer" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.full
def test_listing_models_loads_nothing_heavy(store: Home, fraud_bundle: Bundle, tmp_path: Path) -> None:
    version = register_bundle(store, fraud_bundle, metrics={}, plots={}, provenance=PROVENANCE, config={})
    set_alias(store, "fraud", "champion", version.version, why="a test says so")
    assert _imported(tmp_path, FUSIONGUARD, "models", status=0) & HEAVY == set()
    assert _imported(tmp_path, FUSIONGUARD, "models", "fraud", "--json", status=0) & HEAVY == set()


def test_the_public_names_load_nothing_before_they_are_asked_for(tmp_path: Path) -> None:
    loaded = _imported(tmp_path, "from fusionguard import api; assert 'score' in dir(api)", status=0)
    assert "fusionguard" in loaded and loaded & HEAVY == set()


@pytest.mark.full
def test_scoring_with_the_champion_loads_what_scores_and_no_more(store: Home, fraud_bundle: Bundle, tmp_path: Path) -> None:
    version = register_bundle(store, fraud_bundle, metrics={}, plots={}, provenance=PROVENANCE, config={})
    set_alias(store, "fraud", "champion", version.version, why="a test says so")
    rows, scores = tmp_path / "rows.csv", tmp_path / "scores.csv"
    _imported(tmp_path, FUSIONGUARD, "simulate", "--rows", "150", "--output", str(rows), status=0)
    words = ("score", "--model", "fraud@champion", "--input", str(rows), "--output", str(scores))
    loaded = _imported(tmp_path, FUSIONGUARD, *words, status=0)
    assert scores.read_text().count("\n") == 151
    assert {"xgboost", "duckdb", "pyarrow"} <= loaded
    assert loaded & NEEDED_BY_NO_SCORE == set()


@pytest.mark.full
def test_a_service_loads_the_libraries_of_no_model_before_its_release(tmp_path: Path) -> None:
    loaded = _imported(tmp_path, "import fusionguard.serving.app, fusionguard.serving.service", status=0)
    assert "bentoml" in loaded
    assert loaded & {"xgboost", "lightgbm", "catboost", "onnxruntime", "duckdb", "mlflow", "sklearn"} == set()


@pytest.mark.full
def test_onnx_runtime_keeps_and_sends_nothing_of_the_machine(tmp_path: Path) -> None:
    """By itself it writes an identifier and a database of events below the home as soon as it is imported."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    script = "import fusionguard.families.fraud.model, onnxruntime; print(onnxruntime.get_available_providers())"
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert "CPUExecutionProvider" in done.stdout, done.stderr
    assert list(tmp_path.rglob("*")) == []
