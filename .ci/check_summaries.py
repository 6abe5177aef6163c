"""Check what CI's runs said: cached the second time, one model on both engines, better than the references on real data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    """Print what does not hold and return 1, or 0."""
    runs: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    problems = []
    for name, run in runs.items():
        computed = [step["name"] for step in run["steps"] if not step["cached"]]
        cost = f"{run['seconds']:6.1f} s  {run['peak_memory_mb']:6.0f} MB"
        print(f"{name:24} {cost}  model {run['model_version']}  computed {len(computed)} steps")
        if name.endswith("-again") and {"load_data", "build_features", "train_xgboost", "build_bundle"} & set(computed):
            problems.append(f"{name}: these steps were not cached: {', '.join(computed)}")
    for data in ("real", "simulated"):
        versions = {run["model_version"] for name, run in runs.items() if name.startswith(data)}
        if len(versions) > 1:
            problems.append(f"{data}: the engines and repetitions gave different models: {', '.join(sorted(versions))}")
    if "real-duckdb" in runs:
        run = runs["real-duckdb"]
        reading = run["metrics"]["average_precision"]["value"]
        for name, reference in run["references"].items():
            if reading <= reference["average_precision"]["value"]:
                problems.append(f"real: average precision {reading:.4f} is not above that of {name}")
        error = run["metrics"]["expected_calibration_error"]["value"]
        if error > 0.001:
            problems.append(f"real: expected calibration error {error:.5f} is above 0.001")
    for problem in problems:
        print(f"PROBLEM {problem}")
    print(f"{len(runs)} runs checked, {len(problems)} problems")
    return 1 if problems or not runs else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
