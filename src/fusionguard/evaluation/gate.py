"""Whether a challenger replaces the champion: a decision from facts alone, which the registry then carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from fusionguard.config import GateConfig
from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.comparison import Comparison

BAR_OF_THE_FIRST = "logistic regression"
"""The reference model that a first champion must beat."""

FILE = "gate.json"
"""What a model's folder calls the verdict of its last run."""

FEW_POSITIVES = 50
"""A share of so many rows has a 95 % interval of up to 28 points: what fewer positives decide is said to rest on them."""

_CALIBRATED_WORSE = 0.5
"""A model whose log loss or Brier score is lower in fewer of the draws is taken for calibrated worse."""


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
    interval: tuple[float, float] | None = None
    """Its 95 % interval, where there is one."""
    positives: int | None = None
    """How many of the test rows are positive, where that is known."""
    bar: float | None = None
    """The logistic regression's on the same rows, where it was read."""
    test_seconds: tuple[int, int] | None = None
    """First and last second of the test rows; null where rows have no time."""
    refusals: tuple[str, ...] = ()
    """Whole sentences, each of which forbids that this model becomes champion: a limit it breaks, and by how much."""


@dataclass(frozen=True)
class LostChampion:
    """A champion that cannot be compared, such as one whose bundle is gone: its version, the origin of its data, and why."""

    version: str
    origin: Origin
    why: str = "cannot be loaded any more"
    own: float | None = None
    """Its average precision on the very test rows of the challenger, where it was read on these."""


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
    """The comparison by average precision on the test rows, where one was made."""
    log_loss: PairedDifference | None = None
    brier: PairedDifference | None = None
    """The same by log loss and by Brier score, turned round so that above 0 is better."""

    def flat_facts(self) -> dict[str, bool | float | str]:
        """Return what runs are compared by: the decision, its reason, and the difference where there was a comparison."""
        facts: dict[str, bool | float | str] = {"gate_promoted": self.promoted, "gate_reason": self.reason}
        if self.champion_version is not None:
            facts["gate_champion_version"] = self.champion_version
        if self.difference is not None:
            facts |= {f"gate_difference_{name}": value for name, value in self.difference.model_dump().items()}
        return facts

    def to_json(self) -> str:
        """Return the verdict as JSON text, the same for the same verdict."""
        return self.model_dump_json(indent=1) + "\n"


def decide_gate(
    challenger: Contender,
    champion: Contender | None,
    *,
    facts: GateFacts,
    compare: Callable[[], Comparison],
    config: GateConfig,
    lost: LostChampion | None = None,
) -> GateVerdict:
    """Decide whether ``challenger`` becomes the champion.

    A challenger that is refused (``facts.refusals``) does not, whether there is a champion or not. Without a champion, it must
    beat the logistic regression on the same test rows, and what a lost champion read on them. With one, its average precision
    must be the higher one in ``config.probability_better`` of the paired bootstrap draws, and its log loss and its Brier score
    must not be the higher ones in more than half of them. One that ranks all rows alike must have the lower log loss in
    ``config.probability_better`` of the draws instead, or answer the same and differ in its settings (costs, bars, limits) alone.
    No comparison is made, and the champion stays, where one would mean nothing: the same
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
        Scores both on those rows and returns the paired differences; called only where it is needed.
    config
        How sure is sure enough.
    lost
        A champion that cannot be loaded or read any more, so that nothing can be compared and ``champion`` is null.

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
    comparison = compare()
    promoted, reason = _judge(comparison, config.probability_better)
    return _verdict(challenger, champion, promoted=promoted, reason=f"{reason}{_rests_on(facts)}", comparison=comparison)


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
    bar, whose, rival = facts.bar, f"the {BAR_OF_THE_FIRST}'s {facts.bar:.3f}", None
    if lost is not None and lost.own is not None and lost.own >= bar:
        bar, whose, rival = lost.own, f"its {lost.own:.3f} on the same test rows", lost.version
    promoted = facts.own > bar
    reason = f"{_vacancy(lost)}, and average precision {facts.own:.3f} {'beats' if promoted else 'does not beat'} {whose}."
    return GateVerdict(
        promoted=promoted,
        challenger_version=challenger.version,
        champion_version=rival,
        reason=f"{reason}{_rests_on(facts)}",
    )


def _rests_on(facts: GateFacts) -> str:
    """Return the sentence that says that few positives have decided, or nothing."""
    if facts.positives is None or facts.positives >= FEW_POSITIVES:
        return ""
    known = "" if facts.interval is None else f" ({facts.interval[0]:.3f} to {facts.interval[1]:.3f})"
    return (
        f" This was decided on {facts.positives} positive test row{'s' if facts.positives != 1 else ''}: the 95 % interval of"
        f" average precision{known} is wide, and other rows may decide otherwise."
    )


def _vacancy(lost: LostChampion | None) -> str:
    return f"The champion, version {lost.version}, {lost.why}" if lost else "There is no champion yet"


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


def _judge(comparison: Comparison, needed: float) -> tuple[bool, str]:
    """Return whether the comparison speaks for the challenger, and why."""
    ranking = comparison.average_precision
    losses = {"log loss": comparison.log_loss, "Brier score": comparison.brier}
    worse = {name: gain for name, gain in losses.items() if gain.value < 0 and gain.probability_better < _CALIBRATED_WORSE}
    if _alike(ranking) and all(_alike(gain) for gain in losses.values()):
        # Other costs, bars or limits of contacts: what somebody has set anew is not worse for answering alike.
        return (
            True,
            "It answers the same rows exactly as the champion does and differs in its settings, so the newer settings take over.",
        )
    if _alike(ranking):
        decisive, found = (
            comparison.log_loss,
            f"It ranks the same rows exactly as the champion does, and its {_loss('log loss', comparison.log_loss)}",
        )
    else:
        decisive, found = ranking, _ranking(ranking)
    found = f"{found}; {100 * needed:g} % are needed"
    if decisive.probability_better < needed:
        return False, f"{found}, so the champion stays."
    if worse:
        said = " and ".join(f"its {_loss(name, gain)}" for name, gain in worse.items())
        return False, f"{found}. But it is calibrated worse: {said}, so the champion stays."
    said = " and ".join(f"its {_loss(name, gain)}" for name, gain in losses.items() if gain is not decisive)
    return True, f"{found}. Nor is it calibrated worse: {said}, so the challenger takes over."


def _alike(difference: PairedDifference) -> bool:
    return difference.value == difference.low == difference.high == 0


def _ranking(gain: PairedDifference) -> str:
    relation = "the same as" if gain.value == 0 else f"{abs(gain.value):.3f} {'above' if gain.value > 0 else 'below'}"
    return (
        f"Average precision is {relation} the champion's on the same test rows"
        f" (95 % interval of the difference {gain.low:+.3f} to {gain.high:+.3f}) and higher in"
        f" {100 * gain.probability_better:.1f} % of the draws"
    )


def _loss(name: str, gain: PairedDifference) -> str:
    """Say a gain of a metric that is better the lower it is as what it is: a difference, challenger minus champion."""
    relation = "the same as" if gain.value == 0 else f"{abs(gain.value):.3g} {'below' if gain.value > 0 else 'above'}"
    return (
        f"{name} is {relation} the champion's (95 % interval of the difference {-gain.high:+.3g} to {-gain.low:+.3g})"
        f" and lower in {100 * gain.probability_better:.1f} % of the draws"
    )


def _verdict(
    challenger: Contender, champion: Contender, *, promoted: bool, reason: str, comparison: Comparison | None = None
) -> GateVerdict:
    return GateVerdict(
        promoted=promoted,
        challenger_version=challenger.version,
        champion_version=champion.version,
        reason=reason,
        difference=comparison.average_precision if comparison else None,
        log_loss=comparison.log_loss if comparison else None,
        brier=comparison.brier if comparison else None,
    )
