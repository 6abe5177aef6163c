"""Two runs that are the first ones on a ZenML store, at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.test_runs import expected

RUN_TOY = Path(__file__).resolve().parents[1] / "slurm" / "run_toy.py"
STACKS = Path(__file__).resolve().parents[2] / "stacks"


@pytest.mark.long
@pytest.mark.full
@pytest.mark.parametrize("homes", [("home", "home"), ("one", "other")])
def test_both_end_well(tmp_path: Path, homes: tuple[str, str]) -> None:
    runs = []
    for number, home in enumerate(homes):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
        environment |= {"ZENML_CONFIG_PATH": str(tmp_path / "zenml"), "FUSIONGUARD_HOME": str(tmp_path / home)}
        toy = [sys.executable, str(RUN_TOY), str(STACKS), "--pipeline", "slurmtoy", "--stack", "local"]
        words = ["--summary", str(tmp_path / f"{number}.json"), "--set", f"rounds={3 + number}"]
        process = subprocess.Popen([*toy, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        runs.append(process)
    for number, process in enumerate(runs):
        _, err = process.communicate(timeout=250)
        assert process.returncode == 0, err
        told = json.loads((tmp_path / f"{number}.json").read_text())
        assert told["data"]["description"] == expected(3 + number)
