"""The comparisons that one column of a window gives: each an effect, its limits and its p-value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring import statistics
from fusionguard.monitoring.distributions import CategoryReference, Counts, NumberReference
from fusionguard.monitoring.faults.moves import changed_rows
from fusionguard.monitoring.findings import Check, Kind
from fusionguard.monitoring.thresholds import MonitoringThresholds, limit_name
from fusionguard.proportions import difference_interval

_TAIL = 0.01
_FEW_VALUES = 12
_LEAST_EXPECTED = 5.0

_SPREAD = 1.25
"""Quantile ratios that differ by no more than this factor from their median have grown alike."""


@dataclass(frozen=True)
class ColumnChecks:
    """Makes the checks of columns against one reference.

    Parameters
    ----------
    reference_rows
        How many rows the reference rests on.
    thresholds
        The limits.
    unjudged
        Columns that are reported only.
    segment
        The segment that the rows are of; empty for all rows.
    """

    reference_rows: int
    thresholds: MonitoringThresholds
    unjudged: frozenset[str] = frozenset()
    segment: str = ""
    design_effect: float = 1.0
    """By what counts of rare rows (flagged, in a tail, out of range) are divided before they are tested: positives, which many
    of them are, may come in campaigns of rows that are alike."""
    window_rows: int | None = None
    """Of a segment that is held against the whole reference: how many rows its window has, for any of them may be extreme."""

    def number(self, reference: NumberReference, counts: Counts) -> Iterator[Check]:
        """Compare a numeric column's counts: missing values and, of those that are there, PSI, KS, tails and values out of range.

        A distribution of fewer values than ``minimum_rows``, in the window or in the reference, is not compared.
        """
        yield from self.missing(reference, counts)
        bins = counts.bins[reference.name]
        if bins.sum() and self._known_rows(reference) >= 1:
            enough = self._are_enough(reference, bins)
            if enough:
                yield self._psi(reference, bins)
                yield self._ks(reference, bins)
            yield self.out_of_range(reference, counts)
            tail = self._tail(reference, bins) if enough else None
            if tail is not None:
                yield tail

    def category(self, reference: CategoryReference, counts: Counts) -> Iterator[Check]:
        """Compare a categorical column's counts: PSI with the chi-squared test, missing and new values."""
        yield from self.missing(reference, counts)
        found = counts.categories[reference.name]
        known, rows = found[:-1], self._known_rows(reference)
        if found.sum():
            yield self.new_category(reference, counts)
        if self._are_enough(reference, known):
            shares, grouped = _frequent(reference.shares, known, rows)
            effect = self._beyond_sampling(shares, grouped, rows)
            chance = statistics.chi_square_chance(grouped, shares * rows)
            most = int(np.argmax(np.abs(known / known.sum() - reference.shares)))
            text = (
                f"'{reference.values[most]}' has {known[most] / known.sum():.1%} of the rows, {reference.shares[most]:.1%} before"
            )
            found_text = f"the categories of {reference.title} have PSI {effect:.2f} beyond sampling: {text}"
            yield self._check("categories", reference.name, effect, chance, found_text, words=reference.words)

    def missing(self, reference: NumberReference | CategoryReference, counts: Counts) -> Iterator[Check]:
        """Compare the share of rows without a value, where it was known: the rise, and a test of two proportions."""
        if np.isnan(reference.missing):
            return
        missing, before = counts.missing[reference.name], reference.missing * self.reference_rows
        rise = missing / counts.rows - reference.missing
        low, high = difference_interval(missing, counts.rows, before, self.reference_rows)
        chance = statistics.proportions_chance(missing, counts.rows, before, self.reference_rows) if missing else 1.0
        text = f"{reference.title} is missing in {missing / counts.rows:.2%} of the rows, {reference.missing:.2%} before"
        yield self._check("missing", reference.name, rise, chance, text, low, high, words=reference.words)

    def new_category(self, reference: CategoryReference, counts: Counts) -> Check:
        """Compare the share of rows with a value that is not known: all there is, or its rise where training had some."""
        new, before = int(counts.categories[reference.name][-1]), reference.unseen
        share = new / counts.rows
        chance = (
            statistics.proportions_chance(new, counts.rows, before * self.reference_rows, self.reference_rows) if new else 1.0
        )
        text = f"{reference.title} has values the model has never seen in {share:.2%} of the rows"
        if before:
            text += f", {before:.2%} before"
        return self._check("new_category", reference.name, share - before, chance, text, words=reference.words)

    def out_of_range(self, reference: NumberReference, counts: Counts) -> Check:
        """Compare the share of rows beyond the lowest and highest bin: all there is, or its rise where the reference has some."""
        bins = counts.bins[reference.name]
        below, above = int(bins[0]), int(bins[-1])
        known = self._known_rows(reference)
        share, before = (below + above) / counts.rows, float(reference.shares[0] + reference.shares[-1])
        before *= known / self.reference_rows
        if before > 0:
            chance = self._rare(below + above, counts.rows, before * self.reference_rows, self.reference_rows)
        else:
            rows = counts.rows if self.window_rows is None else self.window_rows
            effect = self.design_effect
            sides = [statistics.beyond_extreme_chance(beyond, rows, known, design_effect=effect) for beyond in (below, above)]
            chance = min(1.0, 2 * min(sides))
        low, high = reference.edges[1], reference.edges[-1]
        text = f"{reference.title} lies outside of {low:.6g} to {high:.6g}, all it was in training, in {share:.2%} of the rows"
        return self._check("out_of_range", reference.name, share - before, chance, text, words=reference.words)

    def scale(self, reference: NumberReference, values: Floats, micros: Integers | None = None) -> Check | None:
        """Compare quantiles of a column's values (n,): have all of them grown by one large factor, as when a unit changes?

        The effect is that of all rows. The factor that is told is that of the rows since it began, where values come in order of
        time; ``micros`` (n,) says when, as microseconds since 1970.
        """
        known = np.isfinite(values)
        values = values[known]
        if values.size < self.thresholds.minimum_rows:
            return None
        places = np.array([5, 10, 25, 50, 75, 90, 95])
        before, now = reference.quantiles[places], np.quantile(values, places / 100, method="inverted_cdf")
        # Quantiles near 0 have ratios that noise decides: a column's own spread is what they are small against.
        clear = np.abs(before) > 0.2 * np.abs(before).max()
        if not clear.any() or np.unique(before[clear]).size < 3:
            return None
        ratio = now[clear] / before[clear]
        factor = float(np.median(ratio))
        if factor <= 0 or not np.all((ratio > factor / _SPREAD) & (ratio < factor * _SPREAD)):
            return None
        effect = max(factor, 1 / factor)
        reached = np.searchsorted(np.sort(values), reference.quantiles, side="right") / values.size
        distance = float(np.abs(reached - np.linspace(0, 1, reference.quantiles.size)).max())
        chance = statistics.ks_chance(distance, values.size, max(1.0, self._known_rows(reference)))
        size, began = np.sort(np.abs(reference.quantiles)), ""
        first, last = changed_rows(np.searchsorted(size, np.abs(values)) / size.size)
        part, rest = (
            float(np.median(np.quantile(rows, places / 100, method="inverted_cdf")[clear] / before[clear]))
            if rows.size
            else factor
            for rows in (values[first:last], np.concatenate([values[:first], values[last:]]))
        )
        if not factor / _SPREAD < rest < factor * _SPREAD:  # else all rows have grown, and the stretch is a chance
            factor = part
            began = f" since {_moment(micros[known][first])}" if micros is not None and first > 0 else ""
        text = f"all quantiles of {reference.title} are {factor:.3g} times what they were{began}: its unit may have changed"
        return self._check("scale", reference.name, effect, chance, text, words=reference.words)

    def alert_rate(self, flagged: tuple[int, int], counts: Counts) -> Check:
        """Compare the share of flagged rows: the relative change, and a test of two proportions."""
        before, rate = flagged[0] / flagged[1], counts.flagged / counts.rows
        effect = abs(rate / before - 1) if before > 0 else float(counts.flagged > 0)
        chance = self._rare(counts.flagged, counts.rows, *flagged)
        low, high = difference_interval(counts.flagged, counts.rows, *flagged, design_effect=self.design_effect)
        text = f"the model flags {rate:.3%} of the rows, {before:.3%} before"
        return self._check("alert_rate", "decision", effect, chance, text, low, high)

    def _psi(self, reference: NumberReference, bins: np.ndarray) -> Check:
        shares, counts = reference.grouped(reference.shares), reference.grouped(bins)
        rows = self._known_rows(reference)
        value = statistics.psi(shares, counts, rows=rows)
        chance = statistics.psi_chance(value, shares.size, float(counts.sum()), rows)
        effect = self._beyond_sampling(shares, counts, rows)
        text = f"the distribution of {reference.title} has PSI {effect:.2f} beyond sampling"
        return self._check("psi", reference.name, effect, chance, text, words=reference.words)

    def _ks(self, reference: NumberReference, bins: np.ndarray) -> Check:
        distance = max(0.0, statistics.ks_distance(reference.shares, bins) - reference.resolution)
        chance = statistics.ks_chance(distance, float(bins.sum()), self._known_rows(reference))
        text = f"the distribution of {reference.title} lies up to {distance:.2f} from what it was (Kolmogorov and Smirnov)"
        return self._check("ks", reference.name, distance, chance, text, words=reference.words)

    def _tail(self, reference: NumberReference, bins: np.ndarray) -> Check | None:
        """How many times as many rows as should lie beyond the first or the last percentile, whichever is worse."""
        rows, reached, known = int(bins.sum()), np.cumsum(reference.shares), self._known_rows(reference)
        sides = []
        if not reference.has_known_tails:
            return None
        for place in (int(np.argmin(np.abs(reached[:-1] - _TAIL))), int(np.argmin(np.abs(reached[:-1] - 1 + _TAIL)))):
            lower = reached[place] < 0.5
            share = float(reached[place] if lower else 1 - reached[place])
            beyond = int(bins[: place + 1].sum() if lower else bins[place + 1 :].sum())
            if 0.5 * _TAIL <= share <= 2 * _TAIL:  # a value that many rows share has no such tail
                chance = self._rare(beyond, rows, share * known, known)
                sides.append((beyond / rows / share, chance, share, "lowest" if lower else "highest"))
        if not sides:
            return None
        effect, chance, share, side = max(sides)
        text = f"{effect * share:.2%} of the rows have a value of {reference.title} that only the {side} {share:.2%} had before"
        return self._check("tail", reference.name, effect, min(1.0, len(sides) * chance), text, words=reference.words)

    def _rare(self, hits: float, rows: float, reference_hits: float, reference_rows: float) -> float:
        return statistics.proportions_chance(hits, rows, reference_hits, reference_rows, design_effect=self.design_effect)

    def _known_rows(self, reference: NumberReference | CategoryReference) -> float:
        """Return how many rows of the reference have a known value of a column: its distribution rests on these alone."""
        unseen = reference.unseen if isinstance(reference, CategoryReference) else 0.0
        return self.reference_rows * max(0.0, 1 - float(np.nan_to_num(reference.missing)) - unseen)

    def _are_enough(self, reference: NumberReference | CategoryReference, values: Integers) -> bool:
        return min(float(values.sum()), self._known_rows(reference)) >= min(self.thresholds.minimum_rows, self.reference_rows)

    @staticmethod
    def _beyond_sampling(shares: Floats, counts: Floats | Integers, reference_rows: float) -> float:
        expected = statistics.psi_expectation(shares.size, float(counts.sum()), reference_rows)
        return max(0.0, statistics.psi(shares, counts, rows=reference_rows) - expected)

    def _check(
        self,
        kind: Kind,
        subject: str,
        effect: float,
        chance: float,
        sentence: str,
        low: float | None = None,
        high: float | None = None,
        words: str = "",
    ) -> Check:
        name = limit_name(kind)
        act = getattr(self.thresholds, f"{name}_act")
        return Check(
            kind=kind,
            subject=subject,
            effect=effect,
            watch=getattr(self.thresholds, f"{name}_watch", act),
            act=act,
            chance=chance,
            sentence=sentence,
            segment=self.segment,
            low=low,
            high=high,
            judged=subject not in self.unjudged,
            words=words,
        )


def _frequent(shares: Floats, counts: Integers, rows: float) -> tuple[Floats, Floats]:
    """Put the values of which fewer than five rows are to be expected, here or there, into one: chi-squared needs as many.

    Only where many values are told apart: of a few, each is worth a look of its own.
    """
    if shares.size <= _FEW_VALUES:
        return shares, counts.astype(np.float64)
    pooled = (counts + shares * rows) / (counts.sum() + rows)
    rare = min(float(counts.sum()), rows) * pooled < _LEAST_EXPECTED
    if not rare.any():
        return shares, counts.astype(np.float64)
    together = (np.append(side[~rare], side[rare].sum()) for side in (shares, counts.astype(np.float64)))
    first, second = together
    return first, second


def _moment(micros: int) -> str:
    return f"{datetime.fromtimestamp(int(micros) / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
