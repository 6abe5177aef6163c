"""Why a model of any family says what it says: what each feature adds to a score, and the reasons in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.scored import Floats, Integers


def _by_name(name: str, row: Mapping[str, float]) -> str:
    return name


@dataclass(frozen=True)
class Wording:
    """How reasons are told to people.

    Parameters
    ----------
    describe
        Turns a feature's name and its row, all values by name, into words.
    speaks_for
        By feature, another one that tells its part, too: a person who reads reasons knows no ratios.
    untold
        Features that are no reason for anybody; their importance shows their weight.
    categories
        By feature whose values are codes, what the codes stand for, from 0 on.
    """

    describe: Callable[[str, Mapping[str, float]], str] = _by_name
    speaks_for: Mapping[str, str] = field(default_factory=dict)
    untold: frozenset[str] = frozenset()
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """``contributions`` (n, k) to the calibrated log-odds and the ``values`` (n, k) behind them; ``names`` has k entries."""

    contributions: Floats
    values: Floats
    names: tuple[str, ...]
    base: float = 0.0
    """What the contributions of a row are added to; the sum is its calibrated log-odds."""
    wording: Wording = Wording()

    def importance(self) -> list[tuple[str, float]]:
        """Return (name, mean absolute contribution), largest first."""
        means = np.abs(self.contributions).mean(axis=0)
        return sorted(zip(self.names, means.tolist(), strict=True), key=lambda pair: -pair[1])

    def reasons(self, top: int = 3) -> list[list[str]]:
        """Return for each row what raises its risk most, in words, largest first, at most ``top``."""
        told, summed = self._summed()
        order = np.argsort(-summed, axis=1, kind="stable")[:, :top]
        return [self._words([told[place] for place in places if summed[row, place] > 0], row) for row, places in enumerate(order)]

    def in_words(self, row: int = 0) -> list[str]:
        """Return every feature of a row in words, in the order of ``names``; those that reasons do not tell by their names."""
        silent = {*self.wording.untold, *self.wording.speaks_for}
        told = iter(self._words([name for name in self.names if name not in silent], row))
        return [name if name in silent else next(told) for name in self.names]

    def _summed(self) -> tuple[Sequence[str], Floats]:
        """Return the features that are told, and (n, their number) what each adds with those that it speaks for."""
        if not (self.wording.speaks_for or self.wording.untold):
            return self.names, self.contributions  # as it stands: a service waits for this
        spoken = [self.wording.speaks_for.get(name, name) for name in self.names]
        told = [name for name in dict.fromkeys(spoken) if name not in self.wording.untold]
        parts = [[place for place, name in enumerate(spoken) if name == each] for each in told]
        return told, np.column_stack([self.contributions[:, places].sum(axis=1) for places in parts])

    def _words(self, names: Sequence[str], row: int) -> list[str]:
        values = dict(zip(self.names, self.values[row].tolist(), strict=True)) if names else {}
        return [self.wording.describe(name, values) for name in names]


class Importance(BaseModel):
    """Mean absolute contribution to the calibrated log-odds by feature, largest first, over a sample of so many ``rows``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    features: tuple[tuple[str, float], ...]


def sample_rows(rows: int, wanted: int, seed: int) -> Integers:
    """Return at most ``wanted`` row numbers of ``rows``, without repeats, in order."""
    chosen = np.random.default_rng(seed).choice(rows, size=min(rows, wanted), replace=False)
    return np.sort(chosen)
