"""Whether a challenger replaces the champion: a decision from facts alone, which the registry then carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from fusionguard.config import GateConfig
from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.evaluation.report import FRAUD_MODEL, EvaluationReport

BAR_OF_THE_FIRST = "logistic regression"
"""The reference model that a first champion must beat."""


class Contender(BaseModel):
    """A registered model as the gate sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    """What the registry calls it."""
    sha256: str
    """SHA-256 of its bundle."""
    origin: Origin
    source_sha256: str
    """SHA-256 of the raw file its rows came from."""
    features_sha256: str
    """SHA-256 of the feature table's content, the same however the rows were packed."""
    train_range_seconds: tuple[int, int]
    """First and last second of the rows it was fitted on."""


@dataclass(frozen=True)
class LostChampion:
    """A champion whose bundle is damaged or gone: its version, and the origin of its data."""

    version: str
    origin: Origin


class GateVerdict(BaseModel):
    """What the gate decided, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promoted: bool
    """Whether the challenger becomes the champion."""
    challenger_version: str
    champion_version: str | None = None
    """The version the challenger was held against; null where there was none."""
    reason: str
    """One sentence for people."""
    difference: PairedDifference | None = None
    """The comparison on the test window, where one was made."""


def decide_gate(
    challenger: Contender,
    champion: Contender | None,
    *,
    report: EvaluationReport,
    compare: Callable[[], PairedDifference],
    config: GateConfig,
    lost: LostChampion | None = None,
) -> GateVerdict:
    """Decide whether ``challenger`` becomes the champion.

    Without a champion, the challenger must beat the logistic regression on the same test window. With one, it must be the
    better of the two in ``config.probability_better`` of the paired bootstrap draws. No comparison is made, and the champion
    stays, where one would mean nothing: the same bundle, a model of simulated rows against one of real rows, or a champion
    that was fitted on rows of the test window.

    Parameters
    ----------
    challenger, champion
        The model of this run, and the one that carries the alias now.
    report
        The challenger's reading on the test window, which belongs to the challenger's source.
    compare
        Scores the champion on that window and returns the paired difference, challenger minus champion; called only where
        it is needed.
    config
        How sure is sure enough.
    lost
        A champion that cannot be loaded any more, so that nothing can be compared and ``champion`` is null.
    """
    if champion is None:
        return _first(challenger, report, lost)
    obstacle = _obstacle(challenger, champion, report)
    if obstacle is not None:
        return _verdict(challenger, champion, promoted=False, reason=obstacle)
    difference = compare()
    promoted = difference.probability_better >= config.probability_better
    return _verdict(
        challenger, champion, promoted=promoted, reason=_comparison(difference, promoted, config), difference=difference
    )


def _first(challenger: Contender, report: EvaluationReport, lost: LostChampion | None) -> GateVerdict:
    if BAR_OF_THE_FIRST not in report.references:
        raise DataError(f"The gate needs the {BAR_OF_THE_FIRST}'s reading.", "Evaluate the reference models on the same rows.")
    vacancy = f"The champion, version {lost.version}, cannot be loaded any more" if lost else "There is no champion yet"
    if lost is not None and challenger.origin == "simulated" and lost.origin != "simulated":
        reason = f"{vacancy}, but a model trained on simulated data never replaces one trained on real data."
        return GateVerdict(promoted=False, challenger_version=challenger.version, champion_version=lost.version, reason=reason)
    own, bar = report.value(AVERAGE_PRECISION, FRAUD_MODEL), report.value(AVERAGE_PRECISION, BAR_OF_THE_FIRST)
    promoted = own > bar
    verb = "beats" if promoted else "does not beat"
    reason = f"{vacancy}, and average precision {own:.3f} {verb} the {BAR_OF_THE_FIRST}'s {bar:.3f}."
    return GateVerdict(promoted=promoted, challenger_version=challenger.version, reason=reason)


def _obstacle(challenger: Contender, champion: Contender, report: EvaluationReport) -> str | None:
    if challenger.sha256 == champion.sha256:
        return "This model is already champion: the bundles are the same."
    if challenger.origin == "simulated" and champion.origin != "simulated":
        return "A model trained on simulated data never replaces a champion trained on real data."
    first, last = champion.train_range_seconds
    same_rows = champion.source_sha256 == challenger.source_sha256 or champion.features_sha256 == challenger.features_sha256
    if same_rows and first <= report.test.last_second and report.test.first_second <= last:
        return (
            f"The champion was trained on seconds {first} to {last} of the same source, which overlap the test window"
            f" ({report.test.first_second} to {report.test.last_second}): it has seen the answers, so the two cannot be compared."
        )
    return None


def _comparison(difference: PairedDifference, promoted: bool, config: GateConfig) -> str:
    if difference.value == 0:
        relation = "the same as"
    else:
        relation = f"{abs(difference.value):.3f} {'above' if difference.value > 0 else 'below'}"
    outcome = "challenger takes over" if promoted else "champion stays"
    return (
        f"Average precision is {relation} the champion's on the same test window"
        f" (95 % interval of the difference {difference.low:+.3f} to {difference.high:+.3f}) and higher in"
        f" {100 * difference.probability_better:.1f} % of the draws;"
        f" {100 * config.probability_better:g} % are needed, so the {outcome}."
    )


def _verdict(
    challenger: Contender, champion: Contender, *, promoted: bool, reason: str, difference: PairedDifference | None = None
) -> GateVerdict:
    return GateVerdict(
        promoted=promoted,
        challenger_version=challenger.version,
        champion_version=champion.version,
        reason=reason,
        difference=difference,
    )
