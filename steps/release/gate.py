"""Challenger against champion."""

from __future__ import annotations

import logging
from typing import Annotated

from zenml import step

from fusionguard.config import GateConfig
from fusionguard.data.table import Table
from fusionguard.errors import BundleError, RegistryError
from fusionguard.evaluation.bootstrap import PairedDifference, paired_difference
from fusionguard.evaluation.gate import Contender, GateVerdict, decide_gate
from fusionguard.evaluation.report import EvaluationReport
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.models.fraud.model import FraudModel
from fusionguard.models.fraud.reading import read_test
from fusionguard.registry.versions import CHALLENGER, CHAMPION, RegisteredVersion

_log = logging.getLogger("fusionguard.gate")


@step(enable_cache=False)
def gate(
    version: RegisteredVersion,
    bundle: Bundle,
    evaluation: EvaluationReport,
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    config: GateConfig,
    seed: int,
) -> Annotated[GateVerdict, "verdict"]:
    """Compare the challenger with the champion on the same test rows, and move the alias if it wins."""
    from fusionguard.registry.aliases import champion, resolve_bundle, set_alias

    home, model = find_home(), bundle.manifest.model
    current = champion(home, model)
    try:
        rival = FraudModel.load(resolve_bundle(home, f"{model}@{CHAMPION}")) if current is not None else None
    except (BundleError, RegistryError) as error:
        _log.warning("The champion, version %s, cannot be loaded: %s", current.version if current else "?", error)
        rival = None

    def compare() -> PairedDifference:
        assert rival is not None
        rows = [read_test(each, features, split, manifest.negative_weight) for each in (FraudModel.load(bundle), rival)]
        label, weight = rows[0].label, rows[0].weight
        samples = evaluation.bootstrap_samples
        return paired_difference(label, weight, rows[0].score, rows[1].score, samples=samples, seed=seed)

    verdict = decide_gate(
        _contender(str(version.version), bundle),
        _contender(str(current.version), rival.bundle) if current is not None and rival is not None else None,
        report=evaluation,
        compare=compare,
        config=config,
        lost=str(current.version) if current is not None and rival is None else None,
    )
    set_alias(home, model, CHALLENGER, version.version)
    if verdict.promoted:
        set_alias(home, model, CHAMPION, version.version)
    return verdict


def _contender(version: str, bundle: Bundle) -> Contender:
    manifest = bundle.manifest
    return Contender(
        version=version,
        sha256=bundle.sha256,
        origin=manifest.origin,
        source_sha256=manifest.source_sha256,
        train_range_seconds=manifest.train_range_seconds,
    )
