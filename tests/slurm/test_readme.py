"""The operator's README lists the settings there are, and another project can use the folder as it stands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.slurm.cluster import Cluster

FOLDER = Path(__file__).resolve().parents[2] / "stacks" / "slurm"


def table(model: type[BaseModel], without: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    """Return the model's fields as the README shows them."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if name in without:
            continue
        default = "" if field.is_required() else field.get_default(call_default_factory=True)
        shown = "" if default in ("", None) else f"`{json.dumps(default)}`"
        lines.append(f"| `{name}` | {shown} | {field.description} |")
    return "\n".join(lines)


def test_the_readme_lists_every_setting(zenml_store: Path) -> None:
    from stacks.slurm.config import SlurmStepOperatorConfig
    from stacks.slurm.settings import SlurmSettings

    text = (FOLDER / "README.md").read_text()
    assert table(SlurmSettings) in text
    assert table(SlurmStepOperatorConfig, set(SlurmSettings.model_fields)) in text


def test_the_readme_names_every_file() -> None:
    text = (FOLDER / "README.md").read_text()
    files = {file.name for file in FOLDER.iterdir() if file.suffix in {".py", ".sh"}} - {"__init__.py", "errors.py"}
    assert {name for name in files if f"({name})" not in text} == set()


PROJECT = """\
import os
from typing import Annotated

from zenml import pipeline, step
from zenml.client import Client
from zenml.config import ResourceSettings
from zenml.enums import StackComponentType

from theirs.slurm.settings import SlurmSettings


@step(step_operator="cluster", settings={"resources": ResourceSettings(cpu_count=1), "step_operator": SlurmSettings(time="5")})
def remote() -> Annotated[str, "job"]:
    return os.environ["SLURM_JOB_ID"]


@step
def local(job: str) -> Annotated[str, "told"]:
    return f"job {job}, and SLURM_JOB_ID here is {os.environ.get('SLURM_JOB_ID')}"


@pipeline(enable_cache=False)
def theirs() -> None:
    local(remote())


if __name__ == "__main__":
    client = Client()
    client.create_flavor("theirs.slurm.flavor.SlurmStepOperatorFlavor", StackComponentType.STEP_OPERATOR)
    client.create_stack_component(
        "cluster", "slurm", StackComponentType.STEP_OPERATOR, {"folder": os.environ["JOBS"], "partition": "cpu"}
    )
    kinds = {StackComponentType.ORCHESTRATOR: "default", StackComponentType.ARTIFACT_STORE: "default"}
    client.create_stack("hpc", {**kinds, StackComponentType.STEP_OPERATOR: "cluster"})
    client.activate_stack("hpc")
    run = theirs()
    print("TOLD", run.steps["local"].outputs["told"][0].load())
"""


@pytest.mark.full
def test_another_project_uses_the_folder_as_it_stands(cluster: Cluster, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(FOLDER, project / "theirs" / "slurm", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "theirs" / "__init__.py").touch()
    (project / "main.py").write_text(PROJECT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "PYTHONPATH"))}
    environment |= cluster.environment
    environment |= {
        "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
        "JOBS": str(tmp_path / "jobs"),
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    done = subprocess.run([sys.executable, "main.py"], cwd=project, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("TOLD")]
    assert told == f"TOLD job {max(cluster.jobs())}, and SLURM_JOB_ID here is None"
