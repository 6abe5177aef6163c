"""What is known of frauds of a kind that no model has learned from, as ``python -m benchmarks.novelty`` measured it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.markdown import count, table
from fusionguard.evaluation.card.sections import paragraphs

TREES = "trees alone"

_LEAST_GAIN = 0.02
"""An interval that begins below is not called a gain: with few cases, intervals are narrower than what is known."""


class Budget(BaseModel):
    """How many owners of rows are reviewed a day, and how many of these because they are unusual, not because of their risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reviews: int = Field(ge=1)
    unusual: int = Field(ge=0)

    def text(self) -> str:
        """Return ``10 of 100``."""
        return f"{self.unusual} of {self.reviews}"


class Hit(BaseModel):
    """How many owners a kind of fraud hit, in how many cases: one case's are alike, so that these say how much was seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owners: int
    cases: int


class SignalReading(BaseModel):
    """What a signal found within a budget: shares of the owners that frauds hit, with 95 % intervals over cases of fraud."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unseen: dict[str, Interval]
    """By kind, in the first week in which it appears."""
    mean: Interval
    """Of these shares, of the kinds that hit anybody."""
    gain: Interval
    """How far the mean is above that of the trees alone, which have all reviews."""
    known: Interval
    """Of frauds of all kinds that were learned from, in the same weeks."""
    known_gain: Interval


class BudgetReading(BaseModel):
    """What was found within a budget, by the name of each signal; the trees alone come first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: Budget
    signals: dict[str, SignalReading]

    @property
    def helpful(self) -> dict[str, SignalReading]:
        """The signals that find more of unseen kinds than the trees alone, beyond what chance does."""
        return {name: each for name, each in self.signals.items() if each.gain.low is not None and each.gain.low >= _LEAST_GAIN}

    def verdict(self) -> str:
        """Say in a sentence which signals help."""
        helpful = [
            f"{name}: {each.gain.text(2)} more, and {each.known_gain.text(2)} of known ones"
            for name, each in self.helpful.items()
        ]
        gain = f"more of unseen kinds is found ({'; '.join(helpful)})" if helpful else "no signal finds more beyond chance"
        return f"With {self.budget.text()} reviews for the unusual, {gain}."


class UnseenKinds(BaseModel):
    """One measurement, with several budgets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    name: str
    """Of the data set: there is one measurement of each."""
    owner: str
    """What those are called whom a fraud hits, and who are reviewed."""
    about: str
    """Which rows they were."""
    weeks: int
    """In how many weeks each kind appeared for the first time."""
    hit: dict[str, Hit]
    """By kind, in the weeks in which it appeared."""
    readings: tuple[BudgetReading, ...] = Field(min_length=1)

    def verdict(self) -> str:
        """Say what the signals are worth."""
        compared = sum(len(each.signals) - 1 for each in self.readings)
        caution = (
            f"These are {compared} comparisons on few cases; budgets after the first were set once a week had been looked at."
        )
        return " ".join([*(each.verdict() for each in self.readings), caution])


def measured() -> tuple[UnseenKinds, ...]:
    """Return the measurements that this version ships, one of each data set."""
    return TypeAdapter(tuple[UnseenKinds, ...]).validate_json(files(__package__).joinpath("unseen_kinds.json").read_bytes())


def unseen_kinds(found: Sequence[UnseenKinds]) -> str:
    """Say how much of an unseen kind of fraud is found in its first week, with and without a signal of what is unusual."""
    return paragraphs(
        "Fraudsters change their ways. How much is found of a way that is in no training row was measured with trees of other"
        " data sets, not with this model (`python -m benchmarks.novelty`). For each kind of fraud they were trained without it,"
        " and judged on the first week in which it appears, in some different weeks. As many cards or customers are reviewed"
        " a day as a table says: those of the highest probability, or with some reviews for the most unusual of the others."
        " It has the share that is found of those that were hit, by unseen and by known kinds.",
        *(part for each in found for part in _measurement(each)),
        overall(found),
    )


def overall(found: Sequence[UnseenKinds]) -> str:
    """Say which signals help on every data set, and what follows for answers."""
    helpful = [{(each.budget.text(), name) for each in one.readings for name in each.helpful} for one in found]
    everywhere = sorted(set.intersection(*helpful)) if helpful else []
    named = "; ".join(f"{name} with {budget} reviews" for budget, name in everywhere) or "no signal with any of these budgets"
    where = "this data set" if len(found) == 1 else f"each of these {len(found)} data sets"
    return f"**What finds more on {where}: {named}.** Answers carry the probability alone."


def _measurement(found: UnseenKinds) -> tuple[str, str, str]:
    owners, cases = (sum(each) for each in zip(*((hit.owners, hit.cases) for hit in found.hit.values()), strict=True))
    rows = [
        (f"{kinds}, {each.budget.text()}", *(value.text(2) for value in values))
        for each in found.readings
        for kinds, values in (
            ("unseen", [read.mean for read in each.signals.values()]),
            ("known", [read.known for read in each.signals.values()]),
        )
    ]
    return (
        f"Of {found.about} ({found.day.isoformat()}): {len(found.hit)} kinds, {found.weeks} weeks,"
        f" {count(owners)} {found.owner}s hit in {count(cases)} cases.",
        table(("kinds, reviews for the unusual", *found.readings[0].signals), rows),
        found.verdict(),
    )
