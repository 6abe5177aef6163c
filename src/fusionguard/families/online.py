"""A model that answers requests: single rows in microseconds, batches as batch scoring does them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from fusionguard.families.request_fields import Columns
from fusionguard.models.bundle import Bundle

REASONS_TOLD = 3
"""Reason codes told for a flagged row, at most: as many as batch scoring tells."""


class Answer(NamedTuple):
    """The answer to one row: ``values`` of the family's outputs in their order, the features behind them, why so decided."""

    values: tuple[Any, ...]
    features: list[Any]
    why: str
    flagged: bool

    def with_reasons(self, reasons: list[str]) -> Answer:
        """Return it with reasons, which are the last of the outputs."""
        return self._replace(values=(*self.values[:-1], "; ".join(reasons)))


class Answers(NamedTuple):
    """The answers to a batch: a row for each in ``values`` (the family's outputs) and ``features``; ``whys`` line by line."""

    values: pa.Table
    features: pa.Table
    whys: list[str]
    unexplained: int
    """Flagged rows without reason codes, because there were more than are explained in a batch."""


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of one row: ``base`` and all ``values`` add up to the score, to 1e-5."""

    answer: Answer
    names: tuple[str, ...]
    values: list[float]
    base: float
    words: list[str]
    """Each feature with what the row has of it, as reasons say it."""


class OnlineModel(ABC):
    """A loaded model that answers requests; it holds all that it needs, and its bundle's files may go."""

    @property
    @abstractmethod
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""

    def one(self, values: list[Any]) -> Answer:
        """Answer one checked row, given in the order of the fields: with reasons, where it is flagged."""
        answer = self.decide(values)
        return self.add_reasons(answer) if answer.flagged else answer

    @abstractmethod
    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked row without reasons: what it takes is a fraction of what reasons take."""

    @abstractmethod
    def add_reasons(self, answer: Answer) -> Answer:
        """Return an answer of :meth:`decide` with its reasons; from another thread, if that is wanted."""

    @abstractmethod
    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""

    @abstractmethod
    def explain(self, values: list[Any]) -> Contributions:
        """Explain the answer to one checked row, exactly."""
