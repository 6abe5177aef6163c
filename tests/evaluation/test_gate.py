from __future__ import annotations

from typing import Any

import pytest

from fusionguard.config import GateConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.gate import Contender, GateVerdict, LostChampion, decide_gate
from fusionguard.evaluation.report import EvaluationReport

CHALLENGER = Contender(
    version="2", sha256="aa", origin="kaggle", source_sha256="s2", features_sha256="f2", train_range_seconds=(0, 130_000)
)
CHAMPION = Contender(
    version="1", sha256="bb", origin="kaggle", source_sha256="s1", features_sha256="f1", train_range_seconds=(0, 130_000)
)


def difference(probability_better: float, value: float = 0.02) -> PairedDifference:
    return PairedDifference(value=value, low=value - 0.03, high=value + 0.03, probability_better=probability_better)


def decide(report: EvaluationReport, champion: Contender | None, challenger: Contender = CHALLENGER, **found: Any) -> GateVerdict:
    def compare() -> PairedDifference:
        if "difference" not in found:
            pytest.fail("no comparison was called for")
        return found["difference"]

    return decide_gate(challenger, champion, report=report, compare=compare, config=GateConfig(probability_better=0.8))


def test_a_first_model_that_beats_the_logistic_regression_is_promoted(report: EvaluationReport) -> None:
    verdict = decide(report, None)
    assert verdict.promoted
    assert verdict.champion_version is None
    assert "no champion yet" in verdict.reason and " beats the logistic regression's" in verdict.reason


def test_a_champion_that_cannot_be_loaded_defends_nothing(report: EvaluationReport) -> None:
    verdict = decide_gate(
        CHALLENGER, None, report=report, compare=pytest.fail, config=GateConfig(), lost=LostChampion("1", "kaggle")
    )  # type: ignore[arg-type]
    assert verdict.promoted
    assert verdict.reason.startswith("The champion, version 1, cannot be loaded any more, and average precision")


def test_a_simulated_model_does_not_replace_a_lost_champion_of_real_data(report: EvaluationReport) -> None:
    simulated = CHALLENGER.model_copy(update={"origin": "simulated"})
    lost = LostChampion("1", "kaggle")
    verdict = decide_gate(simulated, None, report=report, compare=pytest.fail, config=GateConfig(), lost=lost)  # type: ignore[arg-type]
    assert not verdict.promoted
    assert verdict.reason.endswith("a model trained on simulated data never replaces one trained on real data.")


def test_a_first_model_that_does_not_beat_it_is_not(report: EvaluationReport) -> None:
    tied = report.model_copy(update={"metrics": report.references["logistic regression"]})
    verdict = decide(tied, None)
    assert not verdict.promoted
    assert "does not beat" in verdict.reason


def test_the_bar_must_have_been_read(report: EvaluationReport) -> None:
    with pytest.raises(DataError, match="needs the logistic regression's reading"):
        decide(report.model_copy(update={"references": {}}), None)


@pytest.mark.parametrize(("share", "promoted"), [(0.79, False), (0.80, True), (1.0, True), (0.0, False)])
def test_the_paired_bootstrap_decides(report: EvaluationReport, share: float, promoted: bool) -> None:
    verdict = decide(report, CHAMPION, difference=difference(share))
    assert verdict.promoted is promoted
    assert (verdict.challenger_version, verdict.champion_version) == ("2", "1")
    assert verdict.difference == difference(share)
    assert f"{100 * share:.1f} % of the draws; 80 % are needed" in verdict.reason
    assert verdict.reason.endswith("challenger takes over." if promoted else "champion stays.")


@pytest.mark.parametrize(("value", "words"), [(0.02, "0.020 above"), (-0.02, "0.020 below"), (0.0, "the same as")])
def test_the_reason_says_by_how_much(report: EvaluationReport, value: float, words: str) -> None:
    assert f"Average precision is {words} the champion's" in decide(report, CHAMPION, difference=difference(0.5, value)).reason


def test_the_same_bundle_is_already_champion(report: EvaluationReport) -> None:
    verdict = decide(report, CHAMPION.model_copy(update={"sha256": "aa"}))
    assert not verdict.promoted
    assert "already champion" in verdict.reason


def test_a_simulated_challenger_never_replaces_a_real_champion(report: EvaluationReport) -> None:
    verdict = decide(report, CHAMPION, CHALLENGER.model_copy(update={"origin": "simulated"}))
    assert not verdict.promoted
    assert "simulated" in verdict.reason


@pytest.mark.parametrize(("champion_origin", "challenger_origin"), [("simulated", "local"), ("simulated", "simulated")])
def test_a_simulated_champion_can_be_replaced(report: EvaluationReport, champion_origin: str, challenger_origin: str) -> None:
    verdict = decide(
        report,
        CHAMPION.model_copy(update={"origin": champion_origin}),
        CHALLENGER.model_copy(update={"origin": challenger_origin}),
        difference=difference(0.9),
    )
    assert verdict.promoted


def test_a_champion_that_saw_the_test_window_cannot_be_compared(report: EvaluationReport) -> None:
    saw = CHAMPION.model_copy(update={"source_sha256": "s2", "train_range_seconds": (0, report.test.first_second)})
    verdict = decide(report, saw)
    assert not verdict.promoted
    assert "overlap the test window" in verdict.reason
    assert verdict.difference is None


def test_a_champion_of_the_same_source_that_ended_before_it_can(report: EvaluationReport) -> None:
    before = CHAMPION.model_copy(update={"source_sha256": "s2", "train_range_seconds": (0, report.test.first_second - 1)})
    assert decide(report, before, difference=difference(0.9)).promoted


def test_the_same_hours_of_another_source_are_no_obstacle(report: EvaluationReport) -> None:
    other = CHAMPION.model_copy(update={"train_range_seconds": (0, 999_999)})
    assert decide(report, other, difference=difference(0.9)).promoted


def test_a_verdict_survives_json(report: EvaluationReport) -> None:
    verdict = decide(report, CHAMPION, difference=difference(0.9))
    assert GateVerdict.model_validate_json(verdict.model_dump_json()) == verdict
