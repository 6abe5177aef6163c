"""Untuned models on declared tables: how sampled rows are read, what is kept of other calls, and how the section shows it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.declared import __main__ as command
from benchmarks.declared import measure
from benchmarks.declared.measure import TRUTH, XGBOOST, TableQuality, measure_table, read_folds
from benchmarks.declared.results import RESULTS, TableResult, keep, read_results
from benchmarks.declared.section import BEGIN, declared_section
from benchmarks.declared.tails import ESTIMATED, EVEN, Place, Tails, Tried, compared, lightgbm_places, xgboost_places
from benchmarks.machine import Machine
from benchmarks.markdown import END, kept
from benchmarks.measure import CHECKOUT
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.churn.config import LightGBMConfig
from fusionguard.families.churn.out_of_fold import Floats, OutOfFold, Scorer
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS
from fusionguard.families.fraud.config import XGBoostConfig

_READ = {"average_precision": 0.25, "roc_auc": 0.75}
_AHEAD = {"average_precision": Interval(value=0.06, low=0.01, high=0.11), "roc_auc": Interval(value=0.06)}
_MACHINE = Machine(cores=2, memory_gb=23, system="Linux", python="3.11", libraries={"lightgbm": "4.7"}, load=0.5)


def _quality(chosen: str, *models: str, **changed: Any) -> TableQuality:
    facts: dict[str, Any] = {
        "about": "from a shop",
        "simulated": False,
        "rows": 9_000,
        "share": 0.125,
        "negatives_kept": 1.0,
        "folds": 3,
        "timed": False,
    }
    return TableQuality(chosen=chosen, models={name: dict(_READ) for name in models}, ahead=_AHEAD, **(facts | changed))


def _result(problem: str, name: str, quality: TableQuality, day: int = 1) -> TableResult:
    return TableResult(problem=problem, name=name, day=date(2026, 12, day), machine=_MACHINE, quality=quality)


_TREES = _quality(XGBOOST, LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS, XGBOOST, share=0.2, negatives_kept=0.05, timed=True)


def test_a_negative_row_counts_as_often_as_it_stands_for() -> None:
    label, scores = np.array([0, 1, 0, 1, 0, 1], dtype=np.int8), np.array([0.5, 0.9, 0.8, 0.7, 0.1, 0.2])
    folds = [(np.array([4, 5]), np.array([0, 1, 2, 3])), (np.array([0, 1, 2, 3]), np.array([4, 5]))]
    read = read_folds(label, scores, folds, 4.0)
    # Of the first fold's frauds one stands before all, the other behind a row that stands for four: (1 + 2 / 6) / 2.
    assert read["average_precision"] == pytest.approx([2 / 3, 1.0])
    assert read["roc_auc"] == pytest.approx([3 / 4, 1.0])
    assert read_folds(label, scores, folds, 1.0)["average_precision"] == pytest.approx([5 / 6, 1.0])


def test_a_table_is_read_at_its_real_share_on_folds_of_all_rows_that_go_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 126_000
    fraud = (np.arange(rows) % 10 == 3).astype(int)
    pd.DataFrame({"second": np.arange(rows), "size": np.arange(rows) % 7, "fraud": fraud}).to_csv(tmp_path / "r.csv", index=False)
    (tmp_path / "declaration.yaml").write_text(
        "version: 1\nname: shop-payments\nproblem: fraud\nsimulated: true\nrows: r.csv\n"
        "time: {column: second, unit: seconds, since: start}\nlabel: {column: fraud, positive: [1]}\nnumeric: {size: }\n"
        "sampling: {negatives_kept: 0.25}\n"
    )

    def fit(table: Any) -> tuple[OutOfFold, str]:
        assert table.rows.count == 100_800  # the first four fifths, none left out
        folds = table.plan.fold_places(table.rows)
        assert [(rest.size, places[0], places.size) for rest, places in folds] == [
            (50_400, 50_400, 25_200),
            (75_600, 75_600, 25_200),
        ]
        scores = {name: [np.zeros(table.rows.count)] for name in (XGBOOST, LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS)}
        scores[XGBOOST][0][table.rows.label == 1] = 1.0
        return OutOfFold(table.rows, folds, scores), XGBOOST

    def tails(table: Any) -> tuple[str, Place, dict[Place, Scorer]]:
        def score(rows: Any, known: Any, unseen: Any) -> Floats:
            return np.asarray(unseen.matrix()[:, 0] * 0.0)

        return XGBOOST, (512, ESTIMATED), {(256, ESTIMATED): score}

    monkeypatch.setattr(measure, "_MODELS", {"fraud": fit})
    monkeypatch.setattr(measure, "_TAILS", {"fraud": tails})
    quality = measure_table(tmp_path / "declaration.yaml", "of a shop", tmp_path / "work", folds=2, truth=None)
    assert quality.models[XGBOOST]["average_precision"] == 1.0
    # One fraud in ten rows, and each of the nine others stands for four.
    assert quality.models[LIGHTGBM_DEFAULTS]["average_precision"] == pytest.approx(1 / 37)
    assert quality.ahead["average_precision"].value == pytest.approx(36 / 37)
    assert (quality.share, quality.real_share) == (pytest.approx(0.1), pytest.approx(1 / 37))
    assert quality.tails is not None
    (usual,) = quality.tails.others
    assert (usual.bins, usual.start, usual.average_precision) == (256, ESTIMATED, pytest.approx(1 / 37))
    assert quality.tails.own == Tried(bins=512, start=ESTIMATED, average_precision=1.0)
    assert quality.tails.ahead is not None and quality.tails.ahead.value == pytest.approx(36 / 37)
    assert (quality.simulated, quality.timed, quality.folds, quality.rows) == (True, True, 2, rows)


def test_the_chosen_model_is_bold_and_a_file_has_no_truth() -> None:
    file = _quality(
        "CatBoost", "LightGBM defaults", "CatBoost defaults", "LightGBM", "CatBoost", "average of both", simulated=True
    )
    file.models["CatBoost"].update({"average_precision": 0.31, "roc_auc": 0.81})
    schema = file.model_copy(update={"models": file.models | {TRUTH: {"average_precision": 0.4, "roc_auc": 0.9}}})
    text = declared_section(
        [_result("churn", "mine", file), _result("churn", "wide", schema), _result("fraud", "trees", _TREES, day=2)]
    )
    assert "| mine | 0.250 | 0.250 | 0.250 | 0.250 | **0.310** | – | 0.060 (0.010 to 0.110) |" in text
    assert "| trees | 0.250 | 0.250 | **0.250** | – | 0.060 (0.010 to 0.110) |" in text
    assert "| wide | 0.750 | 0.750 | 0.750 | 0.750 | **0.810** | 0.900 | 0.060 |" in text
    assert text.index("### Fraud") < text.index("### Churn"), "whatever was measured first"
    assert text.index("| wide |") < text.index("| mine |"), "files come behind the schemas"


def test_a_table_shows_what_other_bins_and_another_start_give() -> None:
    read = {
        (4_096, EVEN): np.array([0.7, 0.5]),
        (256, ESTIMATED): np.array([0.4, 0.2]),
        (256, EVEN): np.array([0.5, 0.3]),
        (4_096, ESTIMATED): np.array([0.6, 0.3]),
    }
    rare, usual = compared((4_096, EVEN), read, 2), compared((256, ESTIMATED), read, 2)
    assert usual.ahead is None and rare.ahead is not None and rare.ahead.value == pytest.approx(0.3)
    with_tails = {"rare": _TREES.model_copy(update={"tails": rare}), "usual": _TREES.model_copy(update={"tails": usual})}
    text = declared_section([_result("fraud", name, each) for name, each in (with_tails | {"other": _TREES}).items()])
    assert (
        "| table | 256 bins, estimated start | 256 bins, even start | more bins, estimated start | more bins, even start |"
        in text
    )
    assert f"| rare | 0.300 | 0.400 | 0.450 | **0.600** | 4,096 | {rare.ahead.text()} |" in text
    assert "| usual | **0.300** | 0.400 | 0.450 | 0.600 | 4,096 | – |" in text
    assert Tails.model_validate_json(rare.model_dump_json()) == rare


@pytest.mark.parametrize(
    ("own_bins", "base_score", "own", "others"),
    [
        (1_024, 0.5, (1_024, EVEN), {(256, ESTIMATED): None, (256, EVEN): 0.5, (1_024, ESTIMATED): None}),
        (256, None, (256, ESTIMATED), {(256, EVEN): 0.5, (4_096, ESTIMATED): None, (4_096, EVEN): 0.5}),
    ],
)
def test_every_other_pair_of_bins_and_start_is_fitted(
    own_bins: int, base_score: float | None, own: Place, others: dict[Place, float | None]
) -> None:
    config = XGBoostConfig(rounds=7, max_bin=None, base_score=base_score)
    asked = []

    def trees(changed: XGBoostConfig) -> Scorer:
        asked.append(changed)
        return lambda rows, known, unseen: np.zeros(1)

    found, scorers = xgboost_places(config, own_bins, trees)
    assert (found, list(scorers)) == (own, list(others))
    assert [(each.max_bin, each.base_score, each.rounds) for each in asked] == [
        (None if bins == own_bins else bins, start, 7) for (bins, _), start in others.items()
    ]


def test_lightgbm_starts_where_it_is_told() -> None:
    x = np.concatenate([np.zeros(160), np.arange(1, 41)])
    rows: Any = SimpleNamespace(matrix=lambda: x[:, None], columns=SimpleNamespace(names=("x",), categories=()), rows=x.size)
    own, others = lightgbm_places(LightGBMConfig(rounds=1, learning_rate=1e-6), seed=3)
    assert (own, list(others)) == ((255, ESTIMATED), [(255, EVEN), (4_096, ESTIMATED), (4_096, EVEN)])
    known = np.concatenate([np.zeros(160), np.ones(40)]).astype(np.int8)
    said = {place: float(score(rows, known, rows)[0]) for place, score in others.items()}
    assert said[4_096, ESTIMATED] == pytest.approx(np.log(0.2 / 0.8), abs=1e-3)
    assert said[255, EVEN] == said[4_096, EVEN] == pytest.approx(0.0, abs=1e-3)


def test_each_table_says_what_it_is_how_it_was_folded_and_when() -> None:
    mine = _quality("CatBoost", "CatBoost", simulated=True)
    idle = _result("churn", "idle", mine, day=2).model_copy(update={"machine": _MACHINE.model_copy(update={"load": 0.1})})
    text = declared_section([_result("churn", "mine", mine), _result("fraud", "trees", _TREES, day=2), idle])
    assert "- mine: **simulated**, from a shop; 9,000 rows, 12.5 % positive; 3 folds, measured on 2026-12-01\n" in text
    share = "20.0 % positive (1.23 % in truth: 5.00 % of the negative rows are there)"
    assert f"- trees: from a shop; 9,000 rows, {share}; 3 folds forward in time, measured on 2026-12-02\n" in text
    machine = "Machine: 2 cores, 23 GB of memory, Linux, Python 3.11, lightgbm 4.7. Load before it began: 0.5."
    assert f"- Measured on 2026-12-02. {machine}\n" in text
    assert text.count("- Measured on ") == 2, "one line a day, with the load of the busiest call"


def test_a_call_renews_what_it_measures_and_keeps_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration, results, document = (tmp_path / name for name in ("d.yaml", "results.json", "benchmarks.md"))
    declaration.write_text("version: 1\nname: trees\nproblem: fraud\nlabel: fraud\nnumeric: {size: }\n")
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    other = _result("churn", "trees", _quality("CatBoost", "CatBoost"))
    keep(_result("fraud", "trees", _TREES), results)
    keep(other, results)

    def measured(file: Path, about: str, folder: Path, *, folds: int, truth: object) -> TableQuality:
        assert (file, truth) == (declaration, None)
        return _TREES.model_copy(update={"about": about, "folds": folds})

    monkeypatch.setattr(command, "measure_table", measured)
    monkeypatch.setattr(command, "RESULTS", results)
    monkeypatch.setattr(command, "_DOCUMENT", document)
    assert command.main(["--file", str(declaration), "--about", "from a bank", "--folds", "4"]) == 0
    renewed, kept_one = read_results(results)
    assert (renewed.quality.about, renewed.quality.folds, renewed.day > date(2026, 1, 1)) == ("from a bank", 4, True)
    assert kept_one == other
    text = document.read_text()
    assert text == f"before\n{BEGIN}\n{declared_section([renewed, other])}\n{END}\nafter\n"
    assert command.main(["--kept"]) == 0
    assert document.read_text() == text
    trial = tmp_path / "trial.md"
    assert command.main(["--file", str(declaration), "--about", "from nobody", "--output", str(trial)]) == 0
    assert "from nobody" in trial.read_text() and "### Churn" not in trial.read_text()
    assert (document.read_text(), read_results(results)) == (text, (renewed, other))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--file", "a.yaml"], 2, "say of each --file what its rows are, with an --about TEXT"),
        (["--about", "rows", "--kept"], 2, "say of each --file what its rows are, with an --about TEXT"),
        (["--file", "none.yaml", "--about", "rows"], 2, "There is no declaration 'none.yaml'"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = command.main(arguments)
    except SystemExit as stop:
        ended = int(str(stop.code))
    assert ended == status
    assert message in capsys.readouterr().err


def test_the_document_shows_what_is_kept() -> None:
    document = (CHECKOUT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert kept(document, BEGIN) == f"{BEGIN}\n{declared_section(read_results(RESULTS))}\n{END}"


def test_a_section_is_found_whole_or_not_at_all() -> None:
    assert kept(f"a\n{BEGIN}\nb\n{END}\nc", BEGIN) == f"{BEGIN}\nb\n{END}"
    assert kept(f"a\n{BEGIN}\nb\n", BEGIN) == kept("a", BEGIN) == ""
