from __future__ import annotations

from typing import Any

import pytest

from fusionguard.config import GateConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.comparison import Comparison
from fusionguard.evaluation.gate import Contender, GateFacts, GateVerdict, LostChampion, decide_gate

CHALLENGER = Contender(
    version="2", sha256="aa", origin="kaggle", source_sha256="s2", features_sha256="f2", train_range_seconds=(0, 130_000)
)
CHAMPION = Contender(
    version="1", sha256="bb", origin="kaggle", source_sha256="s1", features_sha256="f1", train_range_seconds=(0, 130_000)
)

FACTS = GateFacts(own=0.8, bar=0.6, test_seconds=(140_000, 172_792))
TIMELESS = GateFacts(own=0.8, bar=0.6)
REFUSALS = ("Gender's gap of calibration, 0.12, is above its limit of 0.05.", "Geography's is 0.09.")


def timeless(contender: Contender, holdout: str | None, **facts: str) -> Contender:
    """Return the contender as a model of rows without a time axis."""
    return contender.model_copy(update={"train_range_seconds": None, "holdout_sha256": holdout, **facts})


def difference(probability_better: float, value: float = 0.02) -> PairedDifference:
    return PairedDifference(value=value, low=value - 0.03, high=value + 0.03, probability_better=probability_better)


ALIKE = PairedDifference(value=0.0, low=0.0, high=0.0, probability_better=0.0)
LOWER_LOSS = PairedDifference(value=0.0012, low=-0.0003, high=0.0021, probability_better=0.93)
LOWER_BRIER = PairedDifference(value=0.0005, low=-0.0002, high=0.0009, probability_better=0.71)


HELD_OUT_OTHERS = (
    "The champion was trained on the same source but held out other rows, so it has seen answers of the test rows and the two"
    " cannot be compared: train the challenger with the champion's seed and share of test rows to compare them."
)


def stays(reason: str) -> GateVerdict:
    """Return the verdict that leaves the champion where it is without a comparison."""
    return GateVerdict(promoted=False, challenger_version="2", champion_version="1", reason=reason)


def decide(champion: Contender | None, challenger: Contender = CHALLENGER, facts: GateFacts = FACTS, **found: Any) -> GateVerdict:
    def compare() -> Comparison:
        if "difference" not in found:
            pytest.fail("no comparison was called for")
        losses = {"log_loss": found.get("log_loss", LOWER_LOSS), "brier": found.get("brier", LOWER_BRIER)}
        return Comparison(average_precision=found["difference"], **losses)

    lost = found.get("lost")
    return decide_gate(challenger, champion, facts=facts, compare=compare, config=GateConfig(probability_better=0.8), lost=lost)


def test_a_first_model_that_beats_the_logistic_regression_is_promoted() -> None:
    reason = "There is no champion yet, and average precision 0.800 beats the logistic regression's 0.600."
    assert decide(None) == GateVerdict(promoted=True, challenger_version="2", reason=reason)


def test_a_champion_that_cannot_be_loaded_defends_nothing() -> None:
    reason = (
        "The champion, version 1, cannot be loaded any more, and average precision 0.800 beats the logistic regression's 0.600."
    )
    expected = GateVerdict(promoted=True, challenger_version="2", reason=reason)
    assert decide(None, lost=LostChampion("1", "kaggle")) == expected
    simulated = CHALLENGER.model_copy(update={"origin": "simulated"})
    assert decide(None, simulated, lost=LostChampion("1", "simulated")) == expected


@pytest.mark.parametrize(("own", "promoted"), [(0.813, True), (0.8, False), (0.87, False), (0.55, True)])
def test_what_a_champion_read_that_cannot_be_compared_holds_on_the_same_rows(own: float, promoted: bool) -> None:
    """The challenger read 0.82 or 0.8, the logistic regression 0.6."""
    facts = FACTS.model_copy(update={"own": 0.82 if promoted else 0.8})
    verdict = decide(None, facts=facts, lost=LostChampion("1", "kaggle", "reads other features (a)", own=own))
    assert (verdict.promoted, verdict.champion_version) == (promoted, "1" if own > 0.6 else None)
    bar = f"its {own:.3f} on the same test rows" if own > 0.6 else "the logistic regression's 0.600"
    verb = "beats" if promoted else "does not beat"
    assert verdict.reason == (
        f"The champion, version 1, reads other features (a), and average precision {facts.own:.3f} {verb} {bar}."
    )


def test_a_simulated_model_does_not_replace_a_lost_champion_of_real_data() -> None:
    simulated = CHALLENGER.model_copy(update={"origin": "simulated"})
    verdict = decide(None, simulated, lost=LostChampion("1", "kaggle"))
    reason = (
        "The champion, version 1, cannot be loaded any more, but a model trained on simulated data never replaces one trained"
        " on real data."
    )
    assert verdict == GateVerdict(promoted=False, challenger_version="2", champion_version="1", reason=reason)


def test_a_first_model_that_does_not_beat_it_is_not() -> None:
    verdict = decide(None, facts=GateFacts(own=0.6, bar=0.6))
    reason = "There is no champion yet, and average precision 0.600 does not beat the logistic regression's 0.600."
    assert verdict == GateVerdict(promoted=False, challenger_version="2", reason=reason)


def test_the_bar_must_have_been_read() -> None:
    with pytest.raises(DataError, match="needs the logistic regression's reading"):
        decide(None, facts=GateFacts(own=0.8))


@pytest.mark.parametrize(("share", "promoted"), [(0.79, False), (0.80, True), (1.0, True), (0.0, False)])
def test_the_paired_bootstrap_decides(share: float, promoted: bool) -> None:
    verdict = decide(CHAMPION, difference=difference(share))
    assert verdict.promoted is promoted
    assert (verdict.challenger_version, verdict.champion_version) == ("2", "1")
    assert verdict.difference == difference(share)
    assert f"{100 * share:.1f} % of the draws; 80 % are needed" in verdict.reason
    assert verdict.reason.endswith("challenger takes over." if promoted else "champion stays.")


@pytest.mark.parametrize(("value", "words"), [(0.02, "0.020 above"), (-0.02, "0.020 below"), (0.0, "the same as")])
def test_the_reason_says_by_how_much(value: float, words: str) -> None:
    assert f"Average precision is {words} the champion's" in decide(CHAMPION, difference=difference(0.5, value)).reason


def test_the_same_bundle_is_already_champion() -> None:
    assert decide(CHAMPION.model_copy(update={"sha256": "aa"})) == stays(
        "This model is already champion: the bundles are the same."
    )


def test_a_simulated_challenger_never_replaces_a_real_champion() -> None:
    assert decide(CHAMPION, CHALLENGER.model_copy(update={"origin": "simulated"})) == stays(
        "A model trained on simulated data never replaces a champion trained on real data."
    )


@pytest.mark.parametrize(("champion_origin", "challenger_origin"), [("simulated", "local"), ("simulated", "simulated")])
def test_a_simulated_champion_can_be_replaced(champion_origin: str, challenger_origin: str) -> None:
    verdict = decide(
        CHAMPION.model_copy(update={"origin": champion_origin}),
        CHALLENGER.model_copy(update={"origin": challenger_origin}),
        difference=difference(0.9),
    )
    assert verdict.promoted


def test_a_champion_that_saw_the_test_window_cannot_be_compared() -> None:
    for first, last in ((7, 140_000), (172_792, 180_000)):  # the first and the last second of the window
        saw = CHAMPION.model_copy(update={"source_sha256": "s2", "train_range_seconds": (first, last)})
        assert decide(saw) == stays(
            f"The champion was trained on seconds {first} to {last} of the same source, which overlap the test window (140000 to"
            " 172792): it has seen the answers, so the two cannot be compared."
        )


@pytest.mark.parametrize("seconds", [(0, 140_000 - 1), (172_792 + 1, 180_000)])
def test_a_champion_of_the_same_source_that_was_trained_before_or_after_it_can(seconds: tuple[int, int]) -> None:
    apart = CHAMPION.model_copy(update={"source_sha256": "s2", "train_range_seconds": seconds})
    assert decide(apart, difference=difference(0.9)).promoted


def test_the_same_hours_of_another_source_are_no_obstacle() -> None:
    other = CHAMPION.model_copy(update={"train_range_seconds": (0, 999_999)})
    assert decide(other, difference=difference(0.9)).promoted


@pytest.mark.parametrize("champion", [None, CHAMPION])
def test_a_refused_challenger_is_not_promoted_and_the_reason_says_why(champion: Contender | None) -> None:
    verdict = decide(champion, facts=FACTS.model_copy(update={"refusals": REFUSALS}))
    assert not verdict.promoted
    assert verdict.champion_version == (champion and "1")
    assert verdict.difference is None
    end = "The champion stays." if champion else "There is no champion yet."
    assert verdict.reason == f"The challenger is refused. {REFUSALS[0]} {REFUSALS[1]} {end}"
    assert verdict.challenger_version == "2"


def test_a_refused_challenger_does_not_take_a_lost_champions_place() -> None:
    verdict = decide(None, facts=FACTS.model_copy(update={"refusals": REFUSALS}), lost=LostChampion("1", "kaggle"))
    assert (verdict.promoted, verdict.champion_version) == (False, "1")
    assert verdict.reason.endswith("The champion, version 1, cannot be loaded any more.")


@pytest.mark.parametrize("same", ["source_sha256", "features_sha256"])
@pytest.mark.parametrize("champions_holdout", ["h1", None])
def test_a_champion_that_held_out_other_rows_of_the_same_source_cannot_be_compared(
    same: str, champions_holdout: str | None
) -> None:
    champion = timeless(CHAMPION, champions_holdout, **{same: getattr(CHALLENGER, same)})
    for facts in (TIMELESS, FACTS):  # whether the test rows have a time or not
        assert decide(champion, timeless(CHALLENGER, "h2"), facts) == stays(HELD_OUT_OTHERS)


def test_a_champion_of_timed_rows_has_held_out_none_of_those_without_time() -> None:
    assert decide(CHAMPION.model_copy(update={"source_sha256": "s2"}), facts=TIMELESS) == stays(HELD_OUT_OTHERS)


def test_nothing_known_of_what_either_held_out_is_not_the_same_holdout() -> None:
    champion = timeless(CHAMPION, None, source_sha256="s2")
    assert decide(champion, timeless(CHALLENGER, None), TIMELESS) == stays(HELD_OUT_OTHERS)


def test_a_champion_that_held_out_the_same_rows_can_be_compared() -> None:
    champion = timeless(CHAMPION, "h", source_sha256="s2", features_sha256="f2")
    assert decide(champion, timeless(CHALLENGER, "h"), TIMELESS, difference=difference(0.9)).promoted


def test_the_holdout_of_another_source_is_no_obstacle() -> None:
    assert decide(timeless(CHAMPION, "h1"), timeless(CHALLENGER, "h2"), TIMELESS, difference=difference(0.9)).promoted


def test_a_verdict_survives_json() -> None:
    verdict = decide(CHAMPION, difference=difference(0.9))
    assert (verdict.log_loss, verdict.brier) == (LOWER_LOSS, LOWER_BRIER)
    text = verdict.to_json()
    assert GateVerdict.model_validate_json(text) == verdict
    assert text.startswith('{\n "promoted": true,\n') and text.endswith("\n}\n")


def test_other_settings_of_a_model_that_answers_alike_take_over() -> None:
    verdict = decide(CHAMPION, difference=ALIKE, log_loss=ALIKE, brier=ALIKE)
    assert verdict.promoted
    assert verdict.reason == (
        "It answers the same rows exactly as the champion does and differs in its settings, so the newer settings take over."
    )


@pytest.mark.parametrize(
    ("name", "share", "value", "words"),
    [
        ("log_loss", 0.49, -0.0041, "its log loss is 0.0041 above"),
        ("brier", 0.12, -0.00073, "its Brier score is 0.00073 above"),
    ],
)
def test_a_model_that_ranks_better_but_is_calibrated_worse_is_not_promoted(
    name: str, share: float, value: float, words: str
) -> None:
    worse = PairedDifference(value=value, low=-0.0062, high=0.0019, probability_better=share)
    verdict = decide(CHAMPION, difference=difference(0.97), **{name: worse})
    assert not verdict.promoted
    assert f"But it is calibrated worse: {words} the champion's (95 % interval of the difference -0.0019 to +0.0062)" in (
        verdict.reason
    )
    assert f"lower in {100 * share:.1f} % of the draws, so the champion stays." in verdict.reason
    assert getattr(verdict, name) == worse


@pytest.mark.parametrize("name", ["log_loss", "brier"])
@pytest.mark.parametrize(("share", "value"), [(0.5, -0.0041), (0.3, 0.0001), (0.3, 0.0)])
def test_a_loss_that_is_as_often_lower_is_not_worse(name: str, share: float, value: float) -> None:
    even = PairedDifference(value=value, low=-0.0062, high=0.0019, probability_better=share)
    verdict = decide(CHAMPION, difference=difference(0.97), **{name: even})
    assert verdict.promoted
    assert "Nor is it calibrated worse: its log loss is" in verdict.reason and "its Brier score is" in verdict.reason


@pytest.mark.parametrize(("share", "promoted"), [(0.79, False), (0.81, True), (0.0, False)])
def test_of_models_that_rank_alike_the_surely_better_calibrated_one_is_champion(share: float, promoted: bool) -> None:
    loss = PairedDifference(value=share - 0.5, low=-0.6, high=0.6, probability_better=share)
    verdict = decide(CHAMPION, difference=ALIKE, log_loss=loss)
    assert verdict.promoted is promoted
    assert verdict.reason.startswith("It ranks the same rows exactly as the champion does, and its log loss is ")
    assert f"lower in {100 * share:.1f} % of the draws; 80 % are needed" in verdict.reason


def test_a_champion_that_breaks_a_limit_it_is_held_to_now_is_told() -> None:
    verdict = decide(
        CHAMPION.model_copy(update={"sha256": CHALLENGER.sha256}), facts=FACTS.model_copy(update={"refusals": REFUSALS})
    )
    assert not verdict.promoted
    assert verdict.reason == f"This model is champion already and stays until another takes over. {' '.join(REFUSALS)}"


RANKS_BETTER = (
    "Average precision is 0.020 above the champion's on the same test rows (95 % interval of the difference -0.010 to +0.050)"
    " and higher in 91.0 % of the draws; 80 % are needed"
)
LOSS_BELOW = (
    "its log loss is 0.0012 below the champion's (95 % interval of the difference -0.0021 to +0.0003) and lower in 93.0 % of the"
    " draws"
)
BRIER_BELOW = (
    "its Brier score is 0.0005 below the champion's (95 % interval of the difference -0.0009 to +0.0002) and lower in 71.0 % of"
    " the draws"
)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            {"difference": difference(0.91)},
            f"{RANKS_BETTER}. Nor is it calibrated worse: {LOSS_BELOW} and {BRIER_BELOW}, so the challenger takes over.",
        ),
        ({"difference": difference(0.79)}, f"{RANKS_BETTER.replace('91', '79')}, so the champion stays."),
        (
            {
                "difference": difference(0.91),
                "log_loss": difference(0.11, -0.0041),
                "brier": difference(0.25, -0.002),
            },
            f"{RANKS_BETTER}. But it is calibrated worse: its log loss is 0.0041 above the champion's (95 % interval of the"
            " difference -0.0259 to +0.0341) and lower in 11.0 % of the draws and its Brier score is 0.002 above the champion's"
            " (95 % interval of the difference -0.028 to +0.032) and lower in 25.0 % of the draws, so the champion stays.",
        ),
        (
            {"difference": ALIKE},
            f"It ranks the same rows exactly as the champion does, and {LOSS_BELOW}; 80 % are needed. Nor is it calibrated worse:"
            f" {BRIER_BELOW}, so the challenger takes over.",
        ),
        (
            {"difference": ALIKE, "log_loss": difference(0.4, 0.0)},
            "It ranks the same rows exactly as the champion does, and its log loss is the same as the champion's (95 % interval"
            " of the difference -0.03 to +0.03) and lower in 40.0 % of the draws; 80 % are needed, so the champion stays.",
        ),
    ],
)
def test_the_reason_is_the_whole_comparison_in_words(found: dict[str, PairedDifference], reason: str) -> None:
    assert decide(CHAMPION, **found).reason == reason


FEW = (
    " This was decided on 6 positive test rows: the 95 % interval of average precision (0.213 to 0.984) is wide, and other rows"
    " may decide otherwise."
)


def test_a_verdict_says_that_few_positives_decided_it_and_decides_the_same() -> None:
    few = FACTS.model_copy(update={"positives": 6, "interval": (0.2134, 0.9841)})
    for champion, found in (
        (None, {}),
        (CHAMPION, {"difference": difference(0.93)}),
        (CHAMPION, {"difference": difference(0.3)}),
    ):
        told, untold = decide(champion, facts=few, **found), decide(champion, **found)
        assert told == untold.model_copy(update={"reason": untold.reason + FEW})
    one = decide(None, facts=FACTS.model_copy(update={"positives": 1})).reason
    assert " on 1 positive test row: the 95 % interval of average precision is wide, and other rows may" in one


@pytest.mark.parametrize(("positives", "said"), [(49, True), (50, False), (4_000, False), (None, False)])
def test_enough_positives_need_no_words(positives: int | None, said: bool) -> None:
    verdict = decide(CHAMPION, facts=FACTS.model_copy(update={"positives": positives}), difference=difference(0.93))
    assert ("This was decided on" in verdict.reason) is said


def test_what_no_positives_decided_is_not_said_to_rest_on_them() -> None:
    few = FACTS.model_copy(update={"positives": 6})
    assert decide(CHAMPION, CHALLENGER.model_copy(update={"sha256": "bb"}), facts=few) == stays(
        "This model is already champion: the bundles are the same."
    )
    assert "decided on" not in decide(None, facts=few.model_copy(update={"refusals": REFUSALS})).reason
