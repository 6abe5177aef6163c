"""A promoted model in the hands of the service."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import ServingConfig
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.handover import Handover, hand_over, keep_back
from steps.release_folder import Release


@step(enable_cache=False)
def release_model(
    bundle: Bundle, verdict: GateVerdict, card: Release, config: ServingConfig
) -> Annotated[Handover, "{pipeline}_handover"]:
    """Give the service the model where this run promoted it; ``card`` is taken so that the card is written before."""
    if not verdict.promoted:
        return keep_back("the run promoted no model")
    family = family_of(bundle)
    if family.features.past:
        return keep_back("its models read what happened before each row: fusionguard state build, then fusionguard release")
    return hand_over(find_home(), family.model, config.release)
