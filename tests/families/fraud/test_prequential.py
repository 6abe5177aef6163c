"""The fraud model on folds in time: what each is trained on, what it is compared with, and what the card tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from benchmarks import prequential as benchmark
from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Known
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import DataError, UsageError
from fusionguard.evaluation.card.prequential import folds_in_time
from fusionguard.evaluation.metrics import average_precision
from fusionguard.evaluation.planned_rows import NEVER
from fusionguard.evaluation.prequential.plot import prequential_plots
from fusionguard.evaluation.prequential.report import OWNER_PRECISION, PrequentialReport
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.fraud import prequential
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.card import FraudCardInputs, model_card, results
from fusionguard.families.fraud.config import FraudConfig, FraudEvaluationConfig, PrequentialConfig, XGBoostConfig
from fusionguard.families.fraud.references import LOGISTIC_REGRESSION, XGBOOST_DEFAULTS
from fusionguard.families.fraud.report import FRAUD_MODEL
from fusionguard.families.fraud.rows import Encoding, ModelRows
from tests.families.fraud.test_card import make_inputs as make_inputs
from tests.foreign import write_payments

TREES = XGBoostConfig(rounds=20, learning_rate=0.15)
CONFIG = FraudConfig(
    xgboost=TREES,
    evaluation=FraudEvaluationConfig(bootstrap_samples=25),
    prequential=PrequentialConfig(retraining_days=(10, 40)),
)
BLOCK = """
windows:
  card: {spans: [30d], of: [count, mean]}
validation: {folds: 2, train: 20d, test: 10d, blocked: 10d, k: 3}
"""


@dataclass(frozen=True)
class Judged:
    """A report, and the table that it is of."""

    made: benchmark.FoldedTable
    report: PrequentialReport
    file: Path


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    folder = tmp_path_factory.mktemp("folds")
    file = write_payments(folder / "source", 4_000)
    file.write_text(file.read_text() + BLOCK)
    made = benchmark.read_table(file, folder / "made", CONFIG, {})
    yield Judged(made, benchmark.measure(made, read_declaration(file).declaration, CONFIG), file)


def days(judged: Judged) -> dict[str, np.ndarray]:
    """Return what each row of the table has, by what it is."""
    definition = judged.made.manifest.definition
    read = judged.made.features.read()
    encoding = Encoding.of(definition)
    seconds = read[definition.time_column].to_numpy()
    known = read[definition.known_column].combine_chunks().fill_null(NEVER).to_numpy(zero_copy_only=False)
    label = read[definition.label].to_numpy().astype(np.int8)
    return {"x": encoding.matrix(read), "day": seconds // 86_400, "known": known, "label": label}


def test_the_last_fold_ends_before_the_test_slice_and_the_wait_is_that_of_the_outcomes(judged: Judged) -> None:
    report, first = judged.report, judged.made.split.test.first_second
    assert first is not None
    assert [fold.rows.last_day for fold in report.folds] == [first // 86_400 - 1, first // 86_400 - 11]
    assert report.shared_days == 0 and report.simulated and not report.sampled
    protocol = report.protocol
    assert (protocol.learned_days, protocol.judged_days, protocol.checked, protocol.by) == (20, 10, 3, "card")
    assert protocol.wait_days == 11, "outcomes are told 2 to 11 days after their row, and count when nearly all are there"
    for fold in report.folds:
        assert fold.rows.blocked_rows > 0 and fold.rows.judged_positives >= fold.rows.positive_owners > 1


def test_a_fold_is_trained_on_its_days_that_were_known_and_read_on_those_after(judged: Judged) -> None:
    has, fold = days(judged), judged.report.folds[1]
    made = fold.rows.made_day
    stop = made - judged.report.protocol.wait_days
    learned = (has["day"] >= stop - 20) & (has["day"] < stop) & (has["known"] <= made * 86_400)
    assert (fold.rows.learned_rows, fold.rows.learned_positives) == (learned.sum(), has["label"][learned].sum())
    assert fold.readings[FRAUD_MODEL][AVERAGE_PRECISION].value == pytest.approx(
        _reading(judged, has, learned, fold.rows.made_day), abs=1e-9
    )


def _reading(judged: Judged, has: dict[str, np.ndarray], learned: np.ndarray, first: int) -> float:
    """Return the average precision of a model of these rows on those that the fold judges which begins on a day."""
    rows = ModelRows(has["x"], has["label"], np.ones(has["label"].size), Encoding.of(judged.made.manifest.definition))
    known = rows.part(np.flatnonzero(learned))
    settings = benchmark.presets.settle_settings(read_declaration(judged.file).declaration, TREES).part("xgboost", XGBoostConfig)
    settings = settings.model_copy(update={"num_parallel_tree": 1})
    booster = fit_booster(known, known, settings, seed=CONFIG.seed, threads=1)
    declaration, validation = prequential._declared(judged.made.manifest)
    dated = prequential._dated(judged.made.features, judged.made.manifest.definition)
    plan = prequential.prequential_plan(validation, declaration, dated, judged.made.split)
    (asked,) = (fold.judged for fold in prequential.prequential_folds(dated, plan) if fold.made_day == first)
    margin = booster.inplace_predict(has["x"][asked], predict_type="margin", validate_features=False)
    return average_precision(has["label"][asked], margin.astype(np.float64), np.ones(int(asked.sum())))


def test_older_models_are_those_of_what_was_known_then(judged: Judged) -> None:
    has, report = days(judged), judged.report
    (ten,) = report.older  # 40 days earlier there is no fold with 20 days to learn from
    assert (ten.days, ten.folds, report.too_old_days) == (10, 2, (40,))
    expected = []
    for fold in report.folds:
        made = fold.rows.made_day - 10
        stop = made - report.protocol.wait_days
        learned = (has["day"] >= stop - 20) & (has["day"] < stop) & (has["known"] <= made * 86_400)
        expected.append(_reading(judged, has, learned, fold.rows.made_day))
    assert ten.older[AVERAGE_PRECISION].value == pytest.approx(np.mean(expected), abs=1e-9)
    assert ten.fresh == report.mean[FRAUD_MODEL]
    change = ten.change[AVERAGE_PRECISION]
    assert change.value == pytest.approx(np.mean(expected) - (ten.fresh[AVERAGE_PRECISION].value or 0), abs=1e-9)
    assert change.low < change.value < change.high


def test_references_are_read_on_the_same_rows(judged: Judged) -> None:
    report = judged.report
    assert list(report.mean) == [FRAUD_MODEL, LOGISTIC_REGRESSION, XGBOOST_DEFAULTS]
    for name, gains in report.gains.items():
        gap = (report.mean[FRAUD_MODEL][OWNER_PRECISION].value or 0) - (report.mean[name][OWNER_PRECISION].value or 0)
        assert gains[OWNER_PRECISION].value == pytest.approx(gap)
    positives = sum(fold.rows.judged_positives for fold in report.folds)
    assert [(band.low, band.high) for band in report.bands] == [(None, 20), (20, 100), (100, None)]
    assert sum(band.positives for band in report.bands) == positives
    assert 0 < (report.mean[FRAUD_MODEL][OWNER_PRECISION].value or 0) < report.perfect <= 1


def test_the_benchmark_can_judge_the_last_days_and_learn_from_all(judged: Judged) -> None:
    changed = benchmark.with_changes(judged.made, {"until": "end", "train": "all", "folds": 1})
    config = CONFIG.model_copy(update={"prequential": PrequentialConfig(retraining_days=())})
    report = benchmark.measure(changed, read_declaration(judged.file).declaration, config)
    last = judged.made.split.test.last_second
    assert last is not None and report.folds[0].rows.last_day == last // 86_400
    assert (report.shared_days, report.older, report.protocol.learned_days) == (10, (), None)
    assert report.folds[0].rows.learned_rows > judged.report.folds[0].rows.learned_rows
    told = folds_in_time(report, about="About.", dated=True)
    assert "10 of the judged days have rows of the test slice" in told and "all days up to 11 days before" in told


def test_the_card_tells_it(judged: Judged) -> None:
    told = folds_in_time(judged.report, about="About.", dated=True, image_folder="plots")
    assert told.startswith("**Simulated rows.** ") and "![Readings of each fold](plots/folds_in_time.png)" in told
    assert "25 draws of cards with all of their rows, not of rows" in told
    assert "No judged day is one of the test slice's" in told
    first = judged.report.folds[0]
    row = next(line for line in told.splitlines() if line.startswith("| 1 "))
    assert f"{first.rows.judged_rows:,}" in row and first.readings[FRAUD_MODEL][AVERAGE_PRECISION].text() in row
    assert "2024-04-" in row and "day " not in row
    assert "| below 20.00 " in told and "| 100.00 and more " in told
    older = next(line for line in told.splitlines() if line.startswith("| 10 days "))
    assert judged.report.older[0].older[OWNER_PRECISION].text() in older
    assert f"{judged.report.older[0].change[OWNER_PRECISION].value:+.3f}" in older
    assert "There are too few days for models that are made 40 days earlier." in told
    assert folds_in_time(None, about="", dated=True) == ""
    assert "| day 198" in folds_in_time(judged.report, about="", dated=False)
    assert "too high" in folds_in_time(judged.report.model_copy(update={"sampled": True}), about="", dated=True)
    assert PrequentialReport.model_validate_json(judged.report.to_json()) == judged.report
    assert prequential_plots(judged.report)["folds_in_time"].startswith(b"\x89PNG")


def test_too_few_days_are_refused_before_anything_is_trained(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: Any, **__: Any) -> xgb.Booster:
        raise AssertionError

    monkeypatch.setattr(prequential, "fit_booster", train)
    declaration = read_declaration(judged.file).declaration
    with pytest.raises(DataError, match="before the test slice, and 9 folds need 121") as found:
        benchmark.measure(benchmark.with_changes(judged.made, {"folds": 9}), declaration, CONFIG)
    assert "Set validation.folds to 4 at most" in str(found.value)
    plain = replace(judged.made, manifest=judged.made.manifest.model_copy(update={"described": None}))
    with pytest.raises(UsageError, match="declares no validation"):
        benchmark.measure(plain, declaration, CONFIG)


def test_the_card_has_a_section_where_there_were_folds(judged: Judged, make_inputs: Callable[..., FraudCardInputs]) -> None:
    plain = make_inputs()
    with_folds = plain.model_copy(update={"prequential": judged.report})
    told = model_card(with_folds, image_folder="plots")
    assert "## Folds in time" not in model_card(plain)
    assert told.index("## Results") < told.index("## Folds in time") < told.index("## Slices")
    assert "plots/folds_in_time.png" in told
    assert "Trained anew are the trees, 1 a round, without calibration, autoencoder and policy. No judged day" in told
    searched = model_card(with_folds.model_copy(update={"searched": ("Ten were tried.",)}))
    assert "searched for on the train slice, of which judged days may be" in searched


def test_the_card_says_how_dated_outcomes_are_known(judged: Judged, make_inputs: Callable[..., FraudCardInputs]) -> None:
    told, described = [], judged.made.manifest.described
    assert described is not None
    for known in (Known(after="11d"), Known(column="told_at")):
        label = described.declaration.label.model_copy(update={"known": known})
        changed = described.model_copy(update={"declaration": described.declaration.model_copy(update={"label": label})})
        inputs = make_inputs().model_copy(update={"prequential": judged.report})
        features = inputs.features.model_copy(update={"described": changed})
        told.append(results.folds(inputs.model_copy(update={"features": features}), None))
    assert ["Whoever was reported is not judged any more from that date on" in each for each in told] == [False, True]


def test_a_table_of_an_earlier_version_is_refused(judged: Judged) -> None:
    made = judged.made.features.read()
    file = judged.made.features.path.parent.parent / "earlier.parquet"
    pq.write_table(made.drop_columns(["outcome_told_seconds"]), file)
    with pytest.raises(DataError, match=r"made by an earlier version: .* Build it again with `--no-cache`"):
        benchmark.measure(replace(judged.made, features=Table(file)), read_declaration(judged.file).declaration, CONFIG)
