"""A bounded part of the tests, on the Python that runs this file: `python3.13 .ci/newer_python.py FOLDER`.

The environment, made in FOLDER from the lock files, holds neither PyTorch nor Spark nor SHAP: they are large, and PyTorch's CPU
build may be out of reach for that Python. What uses them is tested on the Python of `.venv`.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import install  # noqa: E402

LEFT_OUT = ("torch==", "pyspark==", "shap==", "numba==", "llvmlite==")
TESTS = (
    "tests/assistant/test_retrieval.py",
    "tests/test_checkpoint.py",
    "tests/test_files.py",
    "tests/test_garbage.py",
    "tests/data/test_local.py",
    "tests/data/test_parquet_types.py",
    "tests/evaluation/test_metric_properties.py",
    "tests/evaluation/test_metrics.py",
    "tests/evaluation/test_splits.py",
    "tests/features/test_churn.py",
    "tests/materializers",
    "tests/families/churn/test_calibration.py",
    "tests/families/churn/test_contacts.py",
    "tests/families/churn/test_explain.py",
    "tests/families/churn/test_model.py",
    "tests/models/tuning/test_study.py",
    "tests/pipelines/test_runner.py",
    "tests/registry/test_register.py",
    "tests/stacks/test_session.py",
)


def main() -> int:
    """Make the environment and test in it; return the tests' exit status."""
    environment = install.Environment(sys.argv[1])
    environment.make()
    environment.bring_uv()
    locks = ("requirements.lock", install.GROUPS["dev"])
    names = {line for lock in locks for line in install.locked(lock) if not line.startswith(LEFT_OUT)}
    environment.install(sorted(names))
    environment.install(["--no-deps", "--editable", "."])
    command = [environment.python, "-m", "pytest", "-m", "not full", "-n", "2", "-q", *TESTS]
    return subprocess.run(command, cwd=HERE).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except install.SetupError as error:
        sys.exit(str(error))
