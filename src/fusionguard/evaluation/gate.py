"""Whether a challenger replaces the champion: a decision from facts alone, which the registry then carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.config import GateConfig
from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.scored import Floats

BAR_OF_THE_FIRST = "logistic regression"
"""The reference model that a first champion must beat."""

FILE = "gate.json"
"""What a model's folder calls the verdict of its last run."""

RankedRows = tuple[NDArray[np.int8], Floats, Floats]
"""What a comparison on the test rows needs: their label, their weight and one model's score, (n,) each."""


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
    train_range_seconds: tuple[int, int] | None = None
    """First and last second of the rows it was fitted on; null where rows have no time."""
    holdout_sha256: str | None = None
    """Where rows have no time: which rows it was not fitted on, the same for the same rows."""


class GateFacts(BaseModel):
    """What the gate must know of the challenger's reading on its test rows, of whatever family it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    own: float
    """The challenger's average precision."""
    bar: float | None = None
    """The logistic regression's on the same rows, where it was read."""
    test_seconds: tuple[int, int] | None = None
    """First and last second of the test rows; null where rows have no time."""
    refusals: tuple[str, ...] = ()
    """Whole sentences, each of which forbids that this model becomes champion: a limit it breaks, and by how much."""


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
    """What decided it, in words for people."""
    difference: PairedDifference | None = None
    """The comparison on the test rows, where one was made."""

    def to_json(self) -> str:
        """Return the verdict as JSON text, the same for the same verdict."""
        return self.model_dump_json(indent=1) + "\n"


def decide_gate(
    challenger: Contender,
    champion: Contender | None,
    *,
    facts: GateFacts,
    compare: Callable[[], PairedDifference],
    config: GateConfig,
    lost: LostChampion | None = None,
) -> GateVerdict:
    """Decide whether ``challenger`` becomes the champion.

    A challenger that is refused (``facts.refusals``) does not, whether there is a champion or not. Without a champion, the
    challenger must beat the logistic regression on the same test rows. With one, it must be the better of the two in
    ``config.probability_better`` of the paired bootstrap draws; one that ranks all rows alike and differs in its settings
    (costs, bars, limits) takes over. No comparison is made, and the champion stays, where one would mean nothing: the same
    bundle, a model of simulated rows against one of real rows, or a champion that was fitted on the test rows. That is so where
    both come from the same source or the same features, and the champion's training window overlaps the test window or, of rows
    without time, the champion did not hold out the very rows that the challenger did. Of two files that share some rows nobody
    knows: their hashes differ.

    Parameters
    ----------
    challenger, champion
        The model of this run, and the one that carries the alias now.
    facts
        The challenger's reading on its test rows, which belong to the challenger's source.
    compare
        Scores the champion on those rows and returns the paired difference, challenger minus champion; called only where
        it is needed.
    config
        How sure is sure enough.
    lost
        A champion that cannot be loaded any more, so that nothing can be compared and ``champion`` is null.

    Raises
    ------
    DataError
        There is no champion, and the logistic regression was not read.
    """
    if facts.refusals:
        return _refused(challenger, champion, facts, lost)
    if champion is None:
        return _first(challenger, facts, lost)
    obstacle = _obstacle(challenger, champion, facts)
    if obstacle is not None:
        return _verdict(challenger, champion, promoted=False, reason=obstacle)
    difference = compare()
    if difference.value == difference.low == difference.high == 0:
        # Other costs, bars or limits of contacts: what somebody has set anew is not worse for ranking alike.
        reason = (
            "It ranks the same rows exactly as the champion does and differs in its settings, so the newer settings take over."
        )
        return _verdict(challenger, champion, promoted=True, reason=reason, difference=difference)
    promoted = difference.probability_better >= config.probability_better
    return _verdict(
        challenger, champion, promoted=promoted, reason=_comparison(difference, promoted, config), difference=difference
    )


def _refused(challenger: Contender, champion: Contender | None, facts: GateFacts, lost: LostChampion | None) -> GateVerdict:
    rival = champion or lost
    if champion is not None and champion.sha256 == challenger.sha256:
        reason = f"This model is champion already and stays until another takes over. {' '.join(facts.refusals)}"
    else:
        reason = f"The challenger is refused. {' '.join(facts.refusals)} {'The champion stays' if champion else _vacancy(lost)}."
    return GateVerdict(
        promoted=False,
        challenger_version=challenger.version,
        champion_version=rival.version if rival else None,
        reason=reason,
    )


def _first(challenger: Contender, facts: GateFacts, lost: LostChampion | None) -> GateVerdict:
    if facts.bar is None:
        raise DataError(f"The gate needs the {BAR_OF_THE_FIRST}'s reading.", "Evaluate the reference models on the same rows.")
    if lost is not None and challenger.origin == "simulated" and lost.origin != "simulated":
        reason = f"{_vacancy(lost)}, but a model trained on simulated data never replaces one trained on real data."
        return GateVerdict(promoted=False, challenger_version=challenger.version, champion_version=lost.version, reason=reason)
    promoted = facts.own > facts.bar
    verb = "beats" if promoted else "does not beat"
    reason = f"{_vacancy(lost)}, and average precision {facts.own:.3f} {verb} the {BAR_OF_THE_FIRST}'s {facts.bar:.3f}."
    return GateVerdict(promoted=promoted, challenger_version=challenger.version, reason=reason)


def _vacancy(lost: LostChampion | None) -> str:
    return f"The champion, version {lost.version}, cannot be loaded any more" if lost else "There is no champion yet"


def _obstacle(challenger: Contender, champion: Contender, facts: GateFacts) -> str | None:
    if challenger.sha256 == champion.sha256:
        return "This model is already champion: the bundles are the same."
    if challenger.origin == "simulated" and champion.origin != "simulated":
        return "A model trained on simulated data never replaces a champion trained on real data."
    if champion.source_sha256 == challenger.source_sha256 or champion.features_sha256 == challenger.features_sha256:
        return _answers_seen(challenger, champion, facts)
    return None


def _answers_seen(challenger: Contender, champion: Contender, facts: GateFacts) -> str | None:
    """Say which test rows a champion of the same source was fitted on, or return None where it was fitted on none of them."""
    if champion.train_range_seconds is not None and facts.test_seconds is not None:
        (first, last), (test_first, test_last) = champion.train_range_seconds, facts.test_seconds
        if last < test_first or test_last < first:
            return None
        return (
            f"The champion was trained on seconds {first} to {last} of the same source, which overlap the test window"
            f" ({test_first} to {test_last}): it has seen the answers, so the two cannot be compared."
        )
    if champion.holdout_sha256 is not None and champion.holdout_sha256 == challenger.holdout_sha256:
        return None
    return (
        "The champion was trained on the same source but held out other rows, so it has seen answers of the test rows and the"
        " two cannot be compared: train the challenger with the champion's seed and share of test rows to compare them."
    )


def _comparison(difference: PairedDifference, promoted: bool, config: GateConfig) -> str:
    if difference.value == 0:
        relation = "the same as"
    else:
        relation = f"{abs(difference.value):.3f} {'above' if difference.value > 0 else 'below'}"
    outcome = "challenger takes over" if promoted else "champion stays"
    return (
        f"Average precision is {relation} the champion's on the same test rows"
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
