"""The section about declared tables: who is bold, what lacks a truth, and that rewriting the document keeps it."""

from __future__ import annotations

from datetime import date

from benchmarks.declared.measure import TRUTH, TableQuality
from benchmarks.declared.section import BEGIN, declared_section
from benchmarks.machine import Machine
from benchmarks.markdown import END, kept
from fusionguard.evaluation.bootstrap import Interval

_READ = {"average_precision": 0.25, "roc_auc": 0.75}


def test_the_chosen_model_is_bold_and_a_file_has_no_truth() -> None:
    models = {name: dict(_READ) for name in ("LightGBM defaults", "CatBoost defaults", "LightGBM", "average of both")}
    models["CatBoost"] = {"average_precision": 0.31, "roc_auc": 0.81}
    ahead = {"average_precision": Interval(value=0.06, low=0.01, high=0.11), "roc_auc": Interval(value=0.06)}
    file = TableQuality(about="a file", rows=9, share=0.125, chosen="CatBoost", models=models, ahead=ahead, seconds=1.0)
    schema = file.model_copy(update={"models": models | {TRUTH: {"average_precision": 0.4, "roc_auc": 0.9}}})
    read = {name: dict(_READ) for name in ("XGBoost", "LightGBM defaults", "CatBoost defaults")}
    trees = file.model_copy(update={"models": read, "chosen": "XGBoost", "share": 0.0625})
    machine = Machine(cores=2, memory_gb=23, system="Linux", python="3.11", libraries={}, load=0.5)
    text = declared_section(
        {"churn": {"mine": file, "wide": schema}, "fraud": {"trees": trees}}, folds=3, day=date(2026, 11, 30), machine=machine
    )
    assert "| mine | 0.250 | 0.250 | 0.250 | 0.250 | **0.310** | – | 0.060 (0.010 to 0.110) |" in text
    assert "| trees | 0.250 | 0.250 | **0.250** | – | 0.060 (0.010 to 0.110) |" in text
    assert "- mine: a file, 12.5 % positive" in text and "- trees: a file, 6.2 % positive" in text
    assert "| wide | 0.750 | 0.750 | 0.750 | 0.750 | **0.810** | 0.900 | 0.060 |" in text


def test_a_section_is_found_whole_or_not_at_all() -> None:
    assert kept(f"a\n{BEGIN}\nb\n{END}\nc", BEGIN) == f"{BEGIN}\nb\n{END}"
    assert kept(f"a\n{BEGIN}\nb\n", BEGIN) == kept("a", BEGIN) == ""
