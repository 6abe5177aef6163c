"""The step that judges: it tells the verdict's rule when the model took over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.verdicts import DAY, WORSE, drift_of, finding, outcomes_of

pytestmark = pytest.mark.usefixtures("zenml_store")

FACTS = WindowFacts(model="fraud", model_version="a1b2c3d4e5f6", rows=900, labelled=900, simulated=0)
QUIET = ClassifierTest(rows=900, reference_rows=900, auc=Interval(value=0.5))


@pytest.mark.parametrize(("model_since", "action"), [(None, "retrain"), (DAY - timedelta(days=1), "roll back")])
def test_what_began_with_the_model_is_rolled_back(fraud_bundle: Bundle, model_since: datetime | None, action: str) -> None:
    from steps.monitoring.judge_window import judge_window
    from steps.monitoring.measure_outcomes import Outcomes

    facts = FACTS.model_copy(update={"model_since": model_since})
    outcomes = Outcomes(measured=outcomes_of(WORSE), estimated=None, metric_labels={})
    verdict = judge_window.entrypoint(fraud_bundle, facts, drift_of(), QUIET, outcomes)
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "concept", action)


def test_what_a_feature_is_made_of_explains_its_drift(fraud_bundle: Bundle) -> None:
    from steps.monitoring.judge_window import judge_window
    from steps.monitoring.measure_outcomes import Outcomes

    drift = drift_of(finding("spike", "Amount", "watch"), finding("psi", "amount_fraction_cents", "act"))
    outcomes = Outcomes(measured=outcomes_of(), estimated=None, metric_labels={})
    verdict = judge_window.entrypoint(fraud_bundle, FACTS, drift, QUIET, outcomes)
    assert (verdict.cause, "values of Amount" in verdict.reasons[1]) == ("upstream data", True)
