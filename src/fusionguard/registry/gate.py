"""The gate at work: hold a registered challenger against the champion, and move the aliases as the verdict says."""

from __future__ import annotations

import logging

from fusionguard.config import GateConfig
from fusionguard.data.table import Table
from fusionguard.errors import BundleError
from fusionguard.evaluation.bootstrap import PairedDifference, paired_difference
from fusionguard.evaluation.gate import Contender, GateVerdict, LostChampion, decide_gate
from fusionguard.evaluation.report import EvaluationReport
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.fraud.model import FraudModel
from fusionguard.models.fraud.reading import read_test
from fusionguard.registry.aliases import champion, resolve_bundle, set_alias
from fusionguard.registry.versions import CHALLENGER, CHAMPION, RegisteredVersion

_log = logging.getLogger(__name__)


def pass_gate(
    home: Home,
    version: RegisteredVersion,
    bundle: Bundle,
    evaluation: EvaluationReport,
    features: Table,
    split: SplitPlan,
    config: GateConfig,
    *,
    negative_weight: float,
    seed: int,
) -> GateVerdict:
    """Compare the challenger ``version`` with the champion on the same test rows, and move the alias if it wins.

    A champion whose bundle is damaged or gone defends nothing but its origin.

    Raises
    ------
    RegistryError
        The registry fails; the aliases are as they were.
    """
    model = bundle.manifest.model
    current = champion(home, model)
    rival: FraudModel | None = None
    lost: LostChampion | None = None
    if current is not None:
        try:
            rival = FraudModel.load(resolve_bundle(home, f"{model}@{CHAMPION}"))
        except BundleError as error:
            _log.warning("The champion, version %s, cannot be loaded: %s", current.version, error)
            lost = LostChampion(str(current.version), current.origin)

    def compare() -> PairedDifference:
        assert rival is not None
        own, other = (read_test(each, features, split, negative_weight) for each in (FraudModel.load(bundle), rival))
        samples = evaluation.bootstrap_samples
        return paired_difference(own.label, own.weight, own.score, other.score, samples=samples, seed=seed)

    verdict = decide_gate(
        _contender(str(version.version), bundle),
        _contender(str(current.version), rival.bundle) if current is not None and rival is not None else None,
        report=evaluation,
        compare=compare,
        config=config,
        lost=lost,
    )
    set_alias(home, model, CHALLENGER, version.version)
    if verdict.promoted:
        set_alias(home, model, CHAMPION, version.version)
    return verdict


def _contender(version: str, bundle: Bundle) -> Contender:
    facts = bundle.manifest.model_dump(include={"origin", "source_sha256", "features_sha256", "train_range_seconds"})
    return Contender(version=version, sha256=bundle.sha256, **facts)
