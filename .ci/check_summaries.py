"""Check what CI's runs said: cached the second time, one model on both engines, better than the references on real data, and
no alarm of monitoring but where the traffic had drifted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    """Print what does not hold and return 1, or 0."""
    said: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    runs = {name: run for name, run in said.items() if run["pipeline"] != "monitoring"}
    problems = _verdicts({name: run for name, run in said.items() if name not in runs})
    for name, run in runs.items():
        computed = [step["name"] for step in run["steps"] if not step["cached"]]
        cost = f"{run['seconds']:6.1f} s  {run['peak_memory_mb']:6.0f} MB"
        print(f"{name:24} {cost}  model {run['model_version']}  computed {len(computed)} steps")
        kept = {"load_data", "build_features", "train_xgboost", "build_bundle", "cross_validate", "train_catboost"}
        if name.endswith("-again") and kept & set(computed):
            problems.append(f"{name}: these steps were not cached: {', '.join(computed)}")
    for data in ("fraud-real", "fraud-simulated", "churn-real", "churn-simulated"):
        versions = {run["model_version"] for name, run in runs.items() if name.startswith(data)}
        if len(versions) > 1:
            problems.append(f"{data}: the engines and repetitions gave different models: {', '.join(sorted(versions))}")
    if "fraud-real-duckdb" in runs:
        problems += _quality("fraud-real-duckdb", runs["fraud-real-duckdb"])
        error = runs["fraud-real-duckdb"]["metrics"]["expected_calibration_error"]["value"]
        if error > 0.001:
            problems.append(f"fraud-real: expected calibration error {error:.5f} is above 0.001")
    if "churn-real-duckdb" in runs:
        problems += _quality("churn-real-duckdb", runs["churn-real-duckdb"]) + _folds(runs["churn-real-duckdb"])
    for problem in problems:
        print(f"PROBLEM {problem}")
    print(f"{len(said)} runs checked, {len(problems)} problems")
    return 1 if problems or not runs else 0


def _verdicts(runs: dict[str, dict[str, Any]]) -> list[str]:
    wanted = {"monitoring-none": ("healthy", "none", "none"), "monitoring-unit-error": ("act", "upstream data", "fix data")}
    problems = [f"{name}: there is no summary" for name in wanted if name not in runs]
    for name, run in runs.items():
        verdict = run["verdict"]
        found = (verdict["state"], verdict["cause"], verdict["action"])
        print(f"{name:24} {run['seconds']:6.1f} s  {run['peak_memory_mb']:6.0f} MB  {', '.join(found)}")
        if found != wanted[name]:
            problems.append(f"{name}: the verdict is {', '.join(found)}, not {', '.join(wanted[name])}")
        if run["facts"]["rows"] != run["facts"]["labelled"] or run["facts"]["rows"] < 6_000:
            problems.append(
                f"{name}: of 6,000 rows {run['facts']['rows']} are in the log, {run['facts']['labelled']} with an outcome"
            )
        if not run["simulated"] or not Path(run["page"]).is_file():
            problems.append(f"{name}: it is not called simulated, or has no page")
    return problems


def _quality(name: str, run: dict[str, Any]) -> list[str]:
    problems = []
    reading = run["metrics"]["average_precision"]["value"]
    for reference, metrics in run["references"].items():
        if reading <= metrics["average_precision"]["value"]:
            problems.append(f"{name}: average precision {reading:.4f} is not above that of {reference}")
    return problems


def _folds(run: dict[str, Any]) -> list[str]:
    models = run["cross_validation"]
    references = [models.pop(name) for name in run["references"]]
    own = max(models.values(), key=lambda read: float(read["average_precision"]["value"]))
    wanted = {"roc_auc": 0.868, "average_precision": 0.713}
    problems = [
        f"churn-real: mean {name} over the folds is {own[name]['value']:.4f}, below {bound}"
        for name, bound in wanted.items()
        if own[name]["value"] < bound
    ]
    for name in wanted:
        if any(own[name]["value"] <= reference[name]["value"] for reference in references):
            problems.append(f"churn-real: mean {name} over the folds is not above every reference's")
    if own["expected_calibration_error"]["value"] > 0.02:
        problems.append("churn-real: the expected calibration error over the folds is above 0.02")
    return problems


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
