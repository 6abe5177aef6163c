"""The section about kinds of fraud that no model has learned from."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.fraud.card.unseen import SignalReading, UnseenKinds, overall

BEGIN = "<!-- benchmarks/novelty -->"
_AGAINST = "against trees alone"
_OPENING = """\
## Kinds of fraud that nobody knew

Written by `python -m benchmarks.novelty`. For each kind, trees (200 rounds of one) are trained on 28 days without it, wait 7 \
days for outcomes, which the table then has, and are judged on the 7 days after, in which it appears for the first time; so in \
some different weeks. A measure of the unusual is learned from the same rows and gets the last of a day's reviews; the trees \
alone keep all. The tables have the share of the cards, or customers, hit by a kind that were found in that week, the mean of \
these, and the share of the kinds that were learned from. Intervals draw cases of fraud, whose cards are alike: of a kind with \
a handful of cases they are narrower than what is known of it."""


def section(found: Sequence[UnseenKinds], machine: str) -> str:
    """Return the section: of each data set a table for each budget, kind by kind; ``machine`` made the latest."""
    return "\n\n".join([_OPENING, machine, *(part for each in found for part in _of_one(each)), overall(found)])


def _of_one(found: UnseenKinds) -> list[str]:
    parts = [f"### On {found.name}", f"Of {found.about}, {found.weeks} weeks, {found.day.isoformat()}."]
    kinds = [f"{kind.replace('_', ' ')}: {hit.owners} {found.owner}s, cases: {hit.cases}" for kind, hit in found.hit.items()]
    for each in found.readings:
        rows = [
            (name, *(read.unseen.get(kind, Interval()).text(2) for kind in found.hit), *(value.text(2) for value in _last(read)))
            for name, read in each.signals.items()
        ]
        head = ("", *kinds, "mean", _AGAINST, "known kinds", _AGAINST)
        parts += [f"{each.budget.reviews} reviews a day, {each.budget.unusual} of them for the unusual:", table(head, rows)]
    return [*parts, found.verdict()]


def _last(read: SignalReading) -> tuple[Interval, ...]:
    return read.mean, read.gain, read.known, read.known_gain
