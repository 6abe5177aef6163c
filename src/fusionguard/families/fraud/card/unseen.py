"""What is known of frauds of a kind that no model has learned from, as ``python -m benchmarks.novelty`` measured it."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

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

    def verdict(self) -> str:
        """Say in a sentence which signals find more of unseen kinds than the trees alone, beyond what chance does."""
        helpful = [
            f"{name}: {each.gain.text(2)} more, and {each.known_gain.text(2)} of known ones"
            for name, each in self.signals.items()
            if each.gain.low is not None and each.gain.low >= _LEAST_GAIN
        ]
        gain = f"more of unseen kinds is found ({'; '.join(helpful)})" if helpful else "no signal finds more beyond chance"
        return f"With {self.budget.text()} reviews for the unusual, {gain}."


class UnseenKinds(BaseModel):
    """One measurement, with several budgets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
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
        return " ".join([*(each.verdict() for each in self.readings), caution, "Answers carry the probability alone."])


def measured() -> UnseenKinds:
    """Return the measurement that this version ships."""
    return UnseenKinds.model_validate_json(files(__package__).joinpath("unseen_kinds.json").read_bytes())


def unseen_kinds(found: UnseenKinds) -> str:
    """Say how much of an unseen kind of fraud is found in its first week, with and without a signal of what is unusual."""
    cards, cases = (sum(each) for each in zip(*((hit.owners, hit.cases) for hit in found.hit.values()), strict=True))
    rows = [
        (f"{kinds}, {each.budget.text()}", *(value.text(2) for value in values))
        for each in found.readings
        for kinds, values in (
            ("unseen", [read.mean for read in each.signals.values()]),
            ("known", [read.known for read in each.signals.values()]),
        )
    ]
    return paragraphs(
        f"Fraudsters change their ways. How much is found of a way that is in no training row was measured with trees of"
        f" {found.about}, not with this model (`python -m benchmarks.novelty`, {found.day.isoformat()}). For each of"
        f" {len(found.hit)} kinds of fraud they were trained without it, and judged on the first week in which it appears, in"
        f" {found.weeks} different weeks: {count(cards)} hit cards in {count(cases)} cases. As many cards a day are"
        " reviewed as the table says: those of the highest probability, or with some reviews for the most unusual of the others."
        " The table has the share that is found of the cards that were hit, by unseen and by known kinds.",
        table(("kinds, reviews for the unusual", *found.readings[0].signals), rows),
        found.verdict(),
    )
