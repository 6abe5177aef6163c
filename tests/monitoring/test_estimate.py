"""Estimates without labels: their values, whose calibration they start from, and what they say when they cannot know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import binom
from sklearn.metrics import average_precision_score, roc_auc_score

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.monitoring.calibration import fit_line, read_calibration
from fusionguard.monitoring.findings import Check, Finding, Kind, Level, judge
from fusionguard.monitoring.score_groups import MOST_GROUPS, ScoreGroups, draw_positives, group_scores, group_window, read_ranking
from fusionguard.monitoring.thresholds import MonitoringThresholds
from tests.monitoring.outcomes import estimate_rows, holds, outcomes


def test_recent_labels_count_for_more_than_the_evaluation_where_there_are_enough() -> None:
    probability, flagged, label = outcomes(2_000, 11)
    line = fit_line(np.array([300.0]), np.array([3_000.0]), np.array([0.01]), source="the evaluation")
    evaluated = estimate_rows(probability, flagged, evaluated=line)
    few = read_calibration(label[:100], probability[:100])
    assert few.positives < 20
    assert estimate_rows(probability, flagged, evaluated=line, calibration=few).metrics == evaluated.metrics
    many = read_calibration(label, probability)
    recent = estimate_rows(probability, flagged, evaluated=line, calibration=many)
    assert recent.expected_positives == pytest.approx(label.sum(), rel=0.02)
    assert recent.sentence().startswith("expected by the calibration of the last labels: precision")
    assert "of the evaluation: precision" in evaluated.sentence()
    assert evaluated.expected_positives > 2 * recent.expected_positives
    assert any("chance alone" in reason for reason in estimate_rows(probability, flagged).reasons)


def test_the_expected_confusion_matrix_is_the_sum_of_probabilities() -> None:
    probability, flagged = np.array([0.9, 0.7, 0.6, 0.2, 0.1]), np.array([True, True, True, False, False])
    confusion = estimate_rows(probability, flagged).confusion
    assert confusion.true_positives.value == pytest.approx(2.2)
    assert confusion.false_positives.value == pytest.approx(0.8)
    assert confusion.false_negatives.value == pytest.approx(0.3)
    assert confusion.true_negatives.value == pytest.approx(1.7)


def test_sure_probabilities_give_the_metrics_themselves() -> None:
    """Where each outcome is sure, every draw is the truth: 7 of 19 rows are positive, 8 are flagged, 5 of them rightly."""
    label = np.array([1] * 5 + [0] * 3 + [1] * 2 + [0] * 9, dtype=np.int8)
    flagged = np.arange(19) < 8
    score = np.array([9, 8, 7, 6, 3, 5, 4, 1, 6, 2, *np.linspace(-4, 1.5, 9)])
    read = estimate_rows(label.astype(float), flagged, score=score, samples=50)
    cells = read.confusion
    found = [cell.value for cell in (cells.true_positives, cells.false_positives, cells.false_negatives, cells.true_negatives)]
    assert found == [5.0, 3.0, 2.0, 9.0]
    exact = {
        "precision": 5 / 8,
        "recall": 5 / 7,
        "roc_auc": roc_auc_score(label, score),
        "average_precision": average_precision_score(label, score),
    }
    for name, value in exact.items():
        interval = read.metrics[name]
        assert (interval.value, interval.low, interval.high) == pytest.approx((value, value, value), abs=1e-12), name
    assert (read.rows, read.flagged, read.expected_positives, read.samples, read.seed) == (19, 8, 7.0, 50, 7)
    for cell in (cells.true_positives, cells.false_positives, cells.false_negatives, cells.true_negatives):
        assert (cell.low, cell.high) == (cell.value, cell.value)


def test_bands_are_the_middle_95_percent_of_the_draws() -> None:
    """Of 40,000 rows of chance 0.25, 12,000 flagged: the binomial's own percentiles; the next percent is 7 rows and more away."""
    probability, flagged = np.full(40_000, 0.25), np.arange(40_000) < 12_000
    read = estimate_rows(probability, flagged, samples=3_000).confusion
    for cell, rows in ((read.true_positives, 12_000), (read.false_negatives, 28_000)):
        assert cell.value == pytest.approx(rows / 4)
        assert (cell.low, cell.high) == pytest.approx(tuple(binom.ppf([0.025, 0.975], rows, 0.25)), abs=4)
    assert read.false_positives.value == pytest.approx(9_000.0)
    assert read.true_negatives.value == pytest.approx(21_000.0)


@pytest.mark.parametrize(
    ("positives", "caught", "trust", "reason"),
    [
        (20, 20, "with care", None),
        (19, 19, "no", "only 19.0 positives are expected, fewer than 20"),
        (31, 19, "with care", "only 19.0 of them are expected among the flagged rows"),
        (31, 20, "with care", None),
    ],
)
def test_trust_needs_as_many_expected_positives_as_the_limit_says(
    positives: int, caught: int, trust: str, reason: str | None
) -> None:
    probability = (np.arange(400) < positives).astype(float)
    flagged = np.arange(400) < caught
    read = estimate_rows(probability, flagged, samples=20, thresholds=MonitoringThresholds(minimum_positives=20))
    assert read.trust == trust
    counted = [one for one in read.reasons if one.startswith("only")]
    assert counted == ([reason] if reason else [])


@pytest.mark.parametrize(("positives", "source"), [(19, "the evaluation"), (20, "the last labels")])
def test_the_last_labels_need_both_classes(positives: int, source: str) -> None:
    line = fit_line(np.array([300.0]), np.array([3_000.0]), np.array([0.01]), source="the evaluation")
    probability = np.linspace(0.02, 0.98, 50)
    for label in (np.arange(50) < positives, np.arange(50) >= positives):
        calibration = read_calibration(label.astype(np.int8), probability)
        read = estimate_rows(
            probability, probability > 0.5, evaluated=line, calibration=calibration, samples=20,
            thresholds=MonitoringThresholds(minimum_positives=20),
        )  # fmt: skip
        assert read.line is not None
        assert read.line.source == source


def test_concept_drift_is_not_seen_and_labels_say_so() -> None:
    """The band misses the truth, as it must; with the last labels' calibration the estimate is no longer to be trusted."""
    probability, flagged, label = outcomes(20_000, 4, moved=-1.5)
    read = estimate_rows(probability, flagged, samples=60)
    assert not holds(read, "precision", float(label[flagged].mean()))
    assert read.trust == "with care"
    calibration = read_calibration(label, probability)
    warned = estimate_rows(probability, flagged, samples=40, calibration=calibration)
    assert warned.trust == "no"
    assert "at the last labels" in warned.reasons[0]
    assert "not to be trusted" in warned.sentence()


def test_rare_positives_make_a_wide_band_and_no_trust() -> None:
    rng = np.random.default_rng(5)
    probability = np.full(5_000, 2e-4)
    probability[:10] = 0.5
    read = estimate_rows(probability, probability > 0.3)
    precision = read.metrics["precision"]
    assert precision.low is not None and precision.high is not None
    assert precision.high - precision.low > 0.5
    assert read.trust == "no"
    assert "only 6.0 positives are expected" in read.reasons[0]
    assert estimate_rows(rng.random(500) * 0.2, np.zeros(500, dtype=np.bool_)).metrics["precision"].reason


def test_confirmed_calibration_earns_trust_and_its_error_widens_the_band() -> None:
    probability, flagged, label = outcomes(2_000, 6)
    bare = estimate_rows(probability, flagged)
    confirmed = estimate_rows(probability, flagged, calibration=read_calibration(label[:600], probability[:600]))
    assert confirmed.trust == "yes"
    assert confirmed.reasons == ()
    widths = [read.metrics["precision"].high - read.metrics["precision"].low for read in (bare, confirmed)]  # type: ignore[operator]
    assert widths[1] > 1.2 * widths[0]


def test_drift_lowers_trust() -> None:
    probability, flagged, label = outcomes(2_000, 7)
    calibration = read_calibration(label, probability)
    moved = judge([Check("psi", "V1", 0.5, 0.1, 0.2, 0.0, "V1 moved")], 0.01)
    broken = judge([Check("missing", "V2", 0.5, 0.1, 0.2, 0.0, "V2 is missing")], 0.01)
    assert estimate_rows(probability, flagged, samples=40, calibration=calibration, drift=moved).trust == "with care"
    read = estimate_rows(probability, flagged, samples=40, calibration=calibration, drift=[*moved, *broken])
    assert read.trust == "no"
    assert "V2 look broken" in read.reasons[0]
    burst = judge([Check("burst", "rows", 0.5, 0.1, 0.2, 0.0, "rows came at once")], 0.01)
    assert "the data of some rows look broken" in estimate_rows(probability, flagged, drift=burst).reasons[0]


def test_a_drift_of_answers_is_not_told_as_one_of_rows() -> None:
    probability, flagged, label = outcomes(2_000, 7)
    calibration = read_calibration(label, probability)
    answers = [
        Check("alert_rate", "decision", 0.9, 0.25, 0.5, 0.0, "more are flagged"),
        Check("psi", "probability", 0.5, 0.1, 0.2, 0.0, "scores moved"),
    ]
    read = estimate_rows(probability, flagged, samples=40, calibration=calibration, drift=judge(answers, 0.01))
    assert (read.trust, len(read.reasons)) == ("with care", 1)
    assert "the model's answers differ much" in read.reasons[0]
    moved = Check("psi", "V1", 0.5, 0.1, 0.2, 0.0, "V1 moved")
    read = estimate_rows(probability, flagged, samples=40, calibration=calibration, drift=judge([*answers, moved], 0.01))
    assert "the rows differ much from the training data (V1)" in read.reasons[0]


def test_groups_keep_counts_and_rank_as_rows_do() -> None:
    probability, flagged, label = outcomes(50_000, 8)
    groups = group_scores(probability, flagged)
    assert groups.rows.size <= MOST_GROUPS + 1
    assert (groups.rows.sum(), groups.flagged_rows.sum()) == (50_000, flagged.sum())
    assert np.sum(groups.plain_rows * groups.probability + groups.flagged_rows * groups.flagged_probability) == pytest.approx(
        probability.sum()
    )
    order = np.argsort(-probability, kind="stable")
    ends = np.cumsum(groups.rows).astype(int)
    positives = np.diff(np.concatenate([[0], np.cumsum(label[order])[ends - 1]])).astype(float)
    auc, average_precision = read_ranking(groups.rows, positives)
    assert auc == pytest.approx(roc_auc_score(label, probability), abs=2e-4)
    assert average_precision == pytest.approx(average_precision_score(label, probability), abs=2e-3)
    tied = group_scores(np.full(10_000, 0.1), np.zeros(10_000, dtype=np.bool_))
    assert tied.rows.tolist() == [10_000]
    drawn = draw_positives(tied, np.random.default_rng(0))[0]
    assert drawn[0] == pytest.approx(1_000, abs=150)


def test_groups_of_a_window_come_back_as_they_were_written(tmp_path: Path) -> None:
    probability, flagged, _ = outcomes(3_000, 11)
    score = np.round(np.log(probability), 1)
    decision = np.where(flagged, "review", "accept")
    pq.write_table(pa.table({"decision": decision, "score": score, "probability": probability}), tmp_path / "window.parquet")
    window = Table(tmp_path / "window.parquet")
    groups = ScoreGroups.read(group_window(window, "review").write(tmp_path / "scores.parquet"))
    expected = group_scores(probability, flagged, score)
    assert groups.rows.size == np.unique(score).size < 100
    for name in ("rows", "flagged_rows", "probability", "flagged_probability"):
        assert getattr(groups, name).tolist() == getattr(expected, name).tolist(), name
    assert groups.expected[0] == pytest.approx(probability[flagged].sum())
    pq.write_table(window.read(stop=0), tmp_path / "none.parquet")
    assert group_window(Table(tmp_path / "none.parquet"), "review").write(tmp_path / "scores.parquet").rows == 0


def test_the_same_seed_gives_the_same_estimate() -> None:
    probability, flagged, _ = outcomes(500, 10)
    read = estimate_rows(probability, flagged)
    assert (read.samples, read.seed) == (400, 7)
    assert read == estimate_rows(probability, flagged, samples=400, seed=7)
    assert estimate_rows(probability, flagged, seed=8) != estimate_rows(probability, flagged)


def test_unusable_rows_are_refused() -> None:
    none = np.zeros(0)
    with pytest.raises(DataError, match="no rows"):
        estimate_rows(none, none.astype(np.bool_))
    with pytest.raises(DataError, match="one length"):
        estimate_rows(np.ones(3), np.ones(2, dtype=np.bool_))
    with pytest.raises(DataError, match="outside"):
        estimate_rows(np.array([0.5, np.nan]), np.ones(2, dtype=np.bool_))


SURE = (np.arange(400) < 31).astype(float)
"""Of 400 rows, 31 are positive for sure; flagged below are the first 40 of them, so that precision is 0.775 and recall 1."""
FIRST_40 = np.arange(400) < 40


def drift_of(*subjects: str, kind: Kind = "psi", level: Level = "act") -> list[Finding]:
    return [
        Finding(kind=kind, subject=subject, level=level, effect=0.5, watch=0.1, act=0.2, chance=0.0, sentence="")
        for subject in subjects
    ]


def test_the_sentence_says_what_is_expected_by_which_calibration_and_how_far_to_trust_it() -> None:
    read = estimate_rows(SURE, FIRST_40, samples=5)
    values = "precision 0.775 (0.775 to 0.775), recall 1.000 (1.000 to 1.000), ROC AUC 1.000 (1.000 to 1.000)"
    unsure = "nothing tells how sure the calibration is: the band holds chance alone"
    unconfirmed = "no labels have confirmed the calibration since training"
    assert read.sentence() == f"expected: {values}; with care: {unsure}; {unconfirmed}"
    assert read.model_copy(update={"trust": "yes", "reasons": ()}).sentence() == f"expected: {values}"
    line = fit_line(np.array([300.0]), np.array([3_000.0]), np.array([0.1]), source="the evaluation")
    told = read.model_copy(update={"trust": "no", "reasons": ("why",), "line": line}).sentence()
    assert told == f"expected by the calibration of the evaluation: {values}; not to be trusted: why"
    assert estimate_rows(SURE, FIRST_40, samples=5, evaluated=line).reasons == (unconfirmed,)


def test_what_drift_says_of_trust_comes_after_what_breaks_it_and_names_five_columns_at_most() -> None:
    few = (np.arange(400) < 10).astype(float)
    drift = [*drift_of("V7", "V3", "V3", "V9", "V1", "V8", "V2"), *drift_of("V0", level="watch")]
    reasons = estimate_rows(few, FIRST_40, samples=5, drift=drift).reasons
    assert reasons[0] == "only 10.0 positives are expected, fewer than 20"
    moved = "the rows differ much from the training data (V1, V2, V3, V7, V8), where calibration is unproven"
    assert reasons[-1] == moved
    assert len(reasons) == 4
    broken = estimate_rows(SURE, FIRST_40, samples=5, drift=[*drift, *drift_of("V6", "V5", kind="missing")])
    assert broken.trust == "no"
    assert broken.reasons[0] == "the data of V5, V6 look broken, and probabilities with them"
    assert moved not in broken.reasons, "that they are broken says why"
    answers = estimate_rows(SURE, FIRST_40, samples=5, drift=drift_of("decision", kind="alert_rate"))
    assert answers.reasons[-1] == "the model's answers differ much from those of the training, where calibration is unproven"
    quiet = estimate_rows(SURE, FIRST_40, samples=5, drift=drift_of("V1", level="watch"))
    assert len(quiet.reasons) == 2


def test_a_metric_without_a_value_says_why() -> None:
    nobody = estimate_rows(SURE, np.zeros(400, dtype=np.bool_), samples=5).metrics
    assert (nobody["precision"].value, nobody["precision"].reason) == (None, "no row is flagged")
    assert (nobody["recall"].value, nobody["recall"].reason) == (0.0, None)
    none = estimate_rows(np.zeros(400), FIRST_40, samples=5).metrics
    assert (none["precision"].value, none["precision"].reason) == (0.0, None)
    for name in ("recall", "roc_auc", "average_precision"):
        assert (none[name].value, none[name].reason) == (None, "one class only is expected")


def test_draws_without_a_value_are_left_out() -> None:
    """Two rows of chance 0.3: half of all draws have no positive, and their recall has no value."""
    read = estimate_rows(np.array([0.3, 0.3]), np.array([True, False]), samples=600).metrics["recall"]
    assert read.value == pytest.approx(0.5, abs=0.06)
    assert (read.low, read.high) == (0.0, 1.0)


def test_calibration_that_outcomes_confirm_or_do_not_judge_is_no_reason() -> None:
    probability = np.linspace(0.02, 0.98, 400)
    label = (np.random.default_rng(3).random(400) < probability).astype(np.int8)
    fine = read_calibration(label, probability)
    assert fine.finding is not None and fine.finding.level == "none"
    unjudged = fine.model_copy(update={"finding": None})
    for calibration in (fine, unjudged):
        read = estimate_rows(probability, probability > 0.5, calibration=calibration, samples=5)
        assert (read.trust, read.reasons) == ("yes", ())
    watched = fine.model_copy(update={"finding": fine.finding.model_copy(update={"level": "watch", "sentence": "it is off"})})
    read = estimate_rows(probability, probability > 0.5, calibration=watched, samples=5)
    assert (read.trust, read.reasons) == ("no", ("at the last labels, it is off",))


def test_labels_without_a_line_leave_that_of_the_evaluation_and_few_labels_are_better_than_nothing() -> None:
    probability = np.linspace(0.02, 0.98, 50)
    line = fit_line(np.array([300.0]), np.array([3_000.0]), np.array([0.1]), source="the evaluation")
    negative = read_calibration(np.zeros(50, dtype=np.int8), probability)
    read = estimate_rows(probability, probability > 0.5, calibration=negative, evaluated=line, samples=5)
    assert read.line == line
    few = read_calibration((np.arange(50) >= 45).astype(np.int8), probability)
    assert estimate_rows(probability, probability > 0.5, calibration=few, samples=5).line == few.line


def test_probabilities_of_0_and_1_are_allowed_and_none_beyond() -> None:
    assert estimate_rows(np.array([0.0, 1.0]), np.array([False, True]), samples=5).expected_positives == 1.0
    for wrong in (-0.01, 1.01):
        with pytest.raises(DataError, match="outside"):
            estimate_rows(np.array([wrong, 0.5]), np.ones(2, dtype=np.bool_))
    with pytest.raises(DataError, match="one length"):
        estimate_rows(np.ones(2), np.ones(2, dtype=np.bool_), score=np.ones(3))
    assert estimate_rows(np.array([0.5]), np.array([True]), samples=5).rows == 1
