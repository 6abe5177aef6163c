"""Each rule of the decision table: the cause, the action, and the words for both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fusionguard.monitoring.decision import Evidence, advised_action, likely_cause
from tests.monitoring.verdicts import CALIBRATION, DAY, FELL, GONE, MOVED, WORSE, finding, outcomes_of

OFF, UNFAIR, ALERTS = CALIBRATION, finding("fairness", "recall by age"), finding("alert_rate", "decision")
HOLDS = outcomes_of(finding("metric", "average_precision", "none", effect=0.01), labelled=870)


@pytest.mark.parametrize(
    ("evidence", "cause", "why"),
    [
        (
            Evidence([finding("burst", "rows"), MOVED]),
            "burst",
            "many rows that are nearly the same came within an hour: a repeated batch, a test, or an attack",
        ),
        (
            Evidence([GONE, MOVED, finding("new_category", "V3"), *(finding("missing", f"V{n}") for n in (9, 7, 8, 5, 4))]),
            "upstream data",
            "missing, new or impossible values in V3, V9, V7, V8, V5 point to the data before the model",
        ),
        (
            Evidence([finding("miscoded", "Gender"), MOVED]),
            "upstream data",
            "exchanged codes of Gender point to the data before the model",
        ),
        (
            Evidence([GONE, finding("miscoded", "Gender", "watch")]),
            "upstream data",
            "missing, new or impossible values in V3, Gender point to the data before the model",
        ),
        (
            Evidence([finding("psi", "V1", "watch"), OFF]),
            "concept",
            "outcomes disagree with the model while the rows are about what they were",
        ),
        (
            Evidence([MOVED, OFF, FELL], outcomes_of(labelled=870)),
            "concept",
            "outcomes no longer follow from the features as they did, which is more than other rows explain",
        ),
        (
            Evidence([MOVED, OFF], outcomes_of(labelled=870)),
            "population",
            "the rows are not those the model learned from, and outcomes have suffered with them",
        ),
        (Evidence([MOVED], HOLDS), "population", "the rows are not those the model learned from, and outcomes hold"),
        (
            Evidence([MOVED, finding("missing", "V3", "watch")]),
            "population",
            "the rows are not those the model learned from, and no outcome contradicts the model so far",
        ),
        (
            Evidence([finding("spike", "V7", "watch"), WORSE, OFF], outcomes_of()),
            "concept",
            "outcomes disagree with the model while the rows are about what they were",
        ),
        (
            Evidence([finding("spike", "V7", "watch"), GONE]),
            "upstream data",
            "missing, new or impossible values in V3 point to the data before the model",
        ),
        (
            Evidence([finding("displaced", "V5", approved="the desk"), finding("psi", "V5")], HOLDS),
            "population",
            "the rows are not those the model learned from, by a change of V5 that is approved",
        ),
        (
            Evidence(
                [*(finding("displaced", f"V{n}", approved="the desk") for n in (5, 9, 5, 2, 8, 4, 6)), finding("psi", "V5")],
                HOLDS,
            ),
            "population",
            "the rows are not those the model learned from, by a change of V5, V9, V2, V8, V4 that is approved",
        ),
        (
            Evidence([finding("displaced", "V5", approved="the desk"), GONE]),
            "upstream data",
            "missing, new or impossible values in V3 point to the data before the model",
        ),
        (
            Evidence([MOVED, finding("displaced", "V5", "watch", approved="the desk")], HOLDS),
            "population",
            "the rows are not those the model learned from, and outcomes hold",
        ),
        (Evidence([ALERTS]), "unknown", "scores have changed and nothing else that was checked"),
    ],
)
def test_the_likely_cause_and_why(evidence: Evidence, cause: str, why: str) -> None:
    assert likely_cause(evidence) == (cause, why)


@pytest.mark.parametrize(
    ("evidence", "action", "advice"),
    [
        (
            Evidence([finding("spike", "V1", "watch")]),
            "keep watching",
            "the change is real and small: look again with the next window",
        ),
        (
            Evidence([finding("burst", "rows"), MOVED]),
            "look at the burst",
            "find out who sent these rows and why, and leave them out until that is known: they would outweigh all others",
        ),
        (
            Evidence([finding("spike", "V1"), MOVED]),
            "fix data",
            "correct the source of these values; until then take the scores of such rows with care",
        ),
        (
            Evidence([GONE, WORSE]),
            "fix data",
            "correct the source of these values; until then take the scores of such rows with care",
        ),
        (
            Evidence([WORSE], model_since=DAY),
            "roll back",
            "it began with the present model: go back to the one before and look for what changed",
        ),
        (
            Evidence([WORSE, OFF]),
            "retrain",
            "the model ranks worse than it did: train on recent labelled rows and let the gate decide",
        ),
        (
            Evidence([finding("spike", "V7", "watch"), WORSE, OFF], outcomes_of()),
            "retrain",
            "the model ranks worse than it did: train on recent labelled rows and let the gate decide; "
            "not on rows whose data look broken (V7)",
        ),
        (
            Evidence([finding("missing", "V7", "watch"), OFF]),
            "recalibrate",
            "no fall of ranking is shown, the level of the probabilities is off: fit the calibration on recent labels; "
            "not on rows whose data look broken (V7)",
        ),
        (
            Evidence([finding("metric", "brier"), UNFAIR]),
            "retrain",
            "a gap between groups has passed the gate's limit: train on recent labelled rows; the gate keeps its limits",
        ),
        (
            Evidence([OFF, finding("fairness", "recall by age", "watch")]),
            "recalibrate",
            "no fall of ranking is shown, the level of the probabilities is off: fit the calibration on recent labels",
        ),
        (
            Evidence([MOVED], HOLDS),
            "find out what changed",
            "outcomes of 87% of the rows show that the model has not become worse: "
            "leave it, find out what has changed, and whether it lasts",
        ),
        (
            Evidence([finding("displaced", "V5", approved="the desk"), OFF], HOLDS),
            "retrain",
            "the change is meant: train on recent labelled rows, for the model to know it, and let the gate decide",
        ),
        (
            Evidence([finding("displaced", "V5", "watch", approved="the desk")]),
            "keep watching",
            "the change is real and small: look again with the next window",
        ),
        (
            Evidence([MOVED], outcomes_of(labelled=300)),
            "retrain",
            "train on recent labelled rows and let the gate decide; where there are no labels yet, collect them",
        ),
        (
            Evidence([ALERTS]),
            "find out what changed",
            "look at what is flagged and collect labels before the model is changed: nothing shows that it ranks worse",
        ),
    ],
)
def test_the_advised_action_and_why(evidence: Evidence, action: str, advice: str) -> None:
    assert advised_action(evidence, likely_cause(evidence)[0]) == (action, advice)


@pytest.mark.parametrize(("hours", "action"), [(-1, "retrain"), (0, "roll back"), (1, "roll back")])
def test_a_model_is_rolled_back_where_nothing_began_before_it(hours: int, action: str) -> None:
    evidence = Evidence([finding("metric", "roc_auc", since=DAY + timedelta(hours=hours)), OFF], model_since=DAY)
    assert advised_action(evidence, "concept")[0] == action


def test_a_finding_is_looked_up_by_kind_and_level() -> None:
    evidence = Evidence([finding("psi", "V1", "watch"), GONE])
    assert evidence.has("psi") and evidence.has("psi", "watch") and evidence.has("missing", "act")
    assert not evidence.has("psi", "act") and not evidence.has("ks") and not evidence.has("ks", "act")
