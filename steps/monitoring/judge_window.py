"""The verdict."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.recomputed import RecomputedFeatures
from fusionguard.monitoring.verdict import Verdict, decide
from fusionguard.monitoring.window import WindowFacts
from steps.monitoring.measure_outcomes import Outcomes


@step
def judge_window(
    bundle: Bundle,
    facts: WindowFacts,
    drift: DriftReport,
    classifier: ClassifierTest,
    outcomes: Outcomes,
    recomputed: RecomputedFeatures | None = None,
) -> Annotated[Verdict, "{pipeline}_verdict"]:
    """Weigh what was found: healthy, watch or act; why, since when, and what to do."""
    return decide(
        drift,
        classifier=classifier,
        performance=outcomes.measured,
        estimate=outcomes.estimated,
        recomputed=recomputed,
        model_since=facts.model_since,
        made_of=family_of(bundle).features.made_of,
    )
