"""Drift of a window: every column, every segment, the scores and the alert rate, judged and dated."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError
from fusionguard.monitoring.approval import ApprovedChange, approve, not_found
from fusionguard.monitoring.checks import ColumnChecks
from fusionguard.monitoring.counted import as_reference
from fusionguard.monitoring.distributions import CategoryReference, Counts, NumberReference
from fusionguard.monitoring.faults import read_faults
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.reference import Reference, past_features, uneven, uneven_cuts
from fusionguard.monitoring.sketch import Sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds

_SHARES = frozenset({"missing", "new_category", "out_of_range", "tail", "categories", "alert_rate"})
"""Kinds whose sentences tell shares of the rows."""

_TIMES_USUAL = 2.0
"""So many times the largest change that earlier spans showed by themselves is none: a few do not show the largest."""


class DriftReport(BaseModel):
    """Every comparison of a window with its reference; those of no level are readings without a message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    reference_rows: int
    first: datetime | None
    last: datetime | None
    columns: tuple[Finding, ...]
    """Of the features, over all rows, the gravest first; likewise in the other fields."""
    segments: tuple[Finding, ...]
    scores: tuple[Finding, ...]
    """Of the probabilities and the alert rate."""
    unknown_categories: dict[str, tuple[str, ...]]
    """By column, some of the values that the model has never seen."""
    remarks: tuple[str, ...]
    """What could not be compared, and why."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those with a level, from all fields."""
        return tuple(finding for finding in (*self.columns, *self.scores, *self.segments) if finding.level != "none")

    def approving(self, approved: Sequence[ApprovedChange]) -> DriftReport:
        """Return the report with what is approved marked, and a remark on each approval that nothing was found for."""
        unmet = not_found([each for each in approved if each.kind != "miscoded"], (*self.columns, *self.segments))
        return self.model_copy(
            update={
                "columns": approve(self.columns, approved),
                "segments": approve(self.segments, approved),
                "remarks": (*self.remarks, *unmet),
            }
        )

    def reading(self, kind: str, subject: str, segment: str = "") -> Finding:
        """Return one comparison; raise :class:`DataError` where there is none."""
        for finding in (*self.columns, *self.scores, *self.segments):
            if (finding.kind, finding.subject, finding.segment) == (kind, subject, segment):
                return finding
        raise DataError(f"There is no comparison '{kind}' of '{subject}'.", "See the report's remarks for what was left out.")


def read_drift(sketch: Sketch, reference: Reference, thresholds: MonitoringThresholds | None = None) -> DriftReport:
    """Compare a window with its reference.

    Four families of checks are each judged by themselves (:func:`~.findings.judge`): columns, their faults
    (:mod:`~fusionguard.monitoring.faults`), segments, scores. The tests take
    rows as independent but for rare ones, which are counted by the reference's design effect: one campaign of positives must not
    look like a drift of the segment it falls into. Where all rows come in runs (a card's transactions), p-values are too small
    and the limits of effect size are what holds; of what happened before, they are raised to what earlier spans of the training
    have shown (:mod:`~.earlier_spans`). Segments are compared with the same segments of the reference where it has
    counted them; else only for missing values, new categories and values out of range, whose reference is 0 in every segment.

    Parameters
    ----------
    sketch
        The window, counted by the bins of ``reference``.
    reference
        What the champion was trained on.
    thresholds
        The limits; the defaults where None.
    """
    return _Comparison(sketch, reference, thresholds or MonitoringThresholds()).report()


class _Comparison:
    def __init__(self, sketch: Sketch, reference: Reference, thresholds: MonitoringThresholds) -> None:
        self._sketch, self._reference, self._thresholds = sketch, reference, thresholds
        self._unjudged = uneven(reference.family, sketch.seconds) | reference.unjudged
        self._past = frozenset(past_features(reference.family))
        self._unjudged_cuts = uneven_cuts(reference.family, self._unjudged)
        self._remarks: list[str] = []

    def report(self) -> DriftReport:
        rows, least = self._sketch.total.rows, self._thresholds.minimum_rows
        columns: tuple[Finding, ...] = ()
        segments: tuple[Finding, ...] = ()
        scores: tuple[Finding, ...] = ()
        if rows < least:
            self._remarks.append(f"the window has {rows} rows, fewer than the {least} that are needed to judge drift")
        else:
            chance = self._thresholds.chance
            checks = [*self._columns(self._sketch.total), *self._scales()]
            columns = self._dated(judge([self._beyond_usual(check) for check in checks], chance))
            faults, unjudged = read_faults(self._sketch, self._reference, self._thresholds)
            columns = (*faults, *columns)
            self._remarks += unjudged
            scores = self._dated(judge(list(self._scores(self._sketch.total)), chance))
            segments = judge([self._beyond_usual(check) for check in self._segments()], chance)
            self._remark()
        return DriftReport(
            rows=rows,
            reference_rows=self._reference.rows,
            first=self._sketch.first,
            last=self._sketch.last,
            columns=columns,
            segments=segments,
            scores=scores,
            unknown_categories=self._sketch.unknown,
            remarks=tuple(self._remarks),
        )

    def _beyond_usual(self, check: Check) -> Check:
        """Return the check of a feature of what happened before with the limits that hold for what changes by itself.

        They are raised to what spans of the training have shown without a drift. One busy shop fills the tail of its counts, a
        count that is higher than ever is no impossible value, and segments hold too few cards and shops: these are shown alone.
        """
        if check.subject not in self._past:
            return check
        least = _TIMES_USUAL * self._reference.usual.get((check.kind, check.subject), 0.0)
        judged = check.judged and not check.segment and check.kind not in ("tail", "out_of_range")
        return replace(check, watch=max(check.watch, least), act=max(check.act, least), judged=judged)

    def _checks(self, rows: int, segment: str = "", window_rows: int | None = None) -> ColumnChecks:
        """Return what checks columns against so many rows of the reference."""
        effect = self._reference.design_effect
        return ColumnChecks(rows, self._thresholds, self._unjudged, segment, effect, window_rows)

    def _columns(self, counts: Counts) -> Iterator[Check]:
        checks = self._checks(self._reference.rows)
        for number in self._reference.numbers.values():
            yield from checks.number(number, counts)
        for category in self._reference.categories.values():
            yield from checks.category(category, counts)

    def _scales(self) -> Iterator[Check]:
        for number in self._reference.numbers.values():
            values, micros = self._sketch.sample[number.name].to_numpy().astype(np.float64), self._sketch.micros
            order = np.argsort(micros, kind="stable") if micros.size else np.arange(values.size)
            times = micros[order] if micros.size else None
            check = self._checks(self._reference.rows).scale(number, values[order], times)
            if check is not None:
                yield check

    def _scores(self, counts: Counts) -> Iterator[Check]:
        reference = self._reference.scores
        checks = self._checks(reference.rows)
        yield from _of_probabilities(checks, reference, counts)
        if reference.flagged is not None:
            yield checks.alert_rate(reference.flagged, counts)

    def _segments(self) -> Iterator[Check]:
        for (cut, name), counts in self._sketch.segments.items():
            if counts.rows < self._thresholds.minimum_rows:
                continue
            judged = cut not in self._unjudged_cuts
            yield from (replace(check, judged=check.judged and judged) for check in self._segment(cut, name, counts))

    def _segment(self, cut: str, name: str, counts: Counts) -> Iterator[Check]:
        segment = f"{cut}: {name}"
        before = self._reference.segments.get((cut, name))
        if before is not None and before.rows >= self._thresholds.minimum_rows:
            yield from self._against_segment(segment, counts, before)
            scored = self._reference.scores.segments.get((cut, name))
            if scored is not None and scored.rows >= self._thresholds.minimum_rows:
                yield from self._scores_of_segment(segment, counts, scored)
        elif not self._reference.segments:
            whole = self._sketch.total.rows
            checks = self._checks(self._reference.rows, segment, whole)
            for number in self._reference.numbers.values():
                yield from (*checks.missing(number, counts), checks.out_of_range(number, counts))
            for category in self._reference.categories.values():
                yield from (*checks.missing(category, counts), checks.new_category(category, counts))

    def _against_segment(self, segment: str, counts: Counts, before: Counts) -> Iterator[Check]:
        part = as_reference(self._reference, replace(self._sketch, total=before))
        checks = self._checks(before.rows, segment)
        for number in part.numbers.values():
            yield from checks.number(number, counts)
        for category in part.categories.values():
            yield from checks.category(category, counts)

    def _scores_of_segment(self, segment: str, counts: Counts, before: Counts) -> Iterator[Check]:
        part = as_reference(self._reference.scores, replace(self._sketch, total=before))
        checks = self._checks(before.rows, segment)
        yield from _of_probabilities(checks, part, counts)
        yield checks.alert_rate((before.flagged, before.rows), counts)

    def _dated(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Say since when: the first span that is beyond the finding's limit by itself."""
        wanted = {(finding.kind, finding.subject): finding for finding in findings if finding.level != "none"}
        if not wanted:
            return findings
        since: dict[tuple[str, str], datetime] = {}
        for beginning, counts in self._sketch.spans.items():
            if counts.rows < self._thresholds.minimum_rows:
                continue
            for check in (*self._columns(counts), *self._scores(counts)):
                key = (check.kind, check.subject)
                if key in wanted and key not in since and check.beyond(wanted[key].limit, self._thresholds.chance):
                    # Spans begin at round times, the first one before any row.
                    since[key] = max(beginning, self._sketch.first or beginning)
        since_then = {moment: self._sentences(moment) for moment in set(since.values()) if moment != self._sketch.first}
        return tuple(_told_since(finding, since.get((finding.kind, finding.subject)), since_then) for finding in findings)

    def _sentences(self, since: datetime) -> dict[tuple[str, str], str]:
        """Return what the checks whose words are shares say of the rows since then alone: those before would dilute them."""
        spans = [counts for beginning, counts in self._sketch.spans.items() if beginning >= since]
        rest = reduce(operator.add, spans)
        checks = (*self._columns(rest), *self._scores(rest))
        return {(check.kind, check.subject): check.sentence for check in checks if check.kind in _SHARES}

    def _remark(self) -> None:
        past = self._past
        if past & self._unjudged:
            self._remarks.append(
                "what happened before a row: shown and not judged, as the training holds too few spans of as many rows to tell "
                "how much it changes by itself"
            )
        if self._unjudged - past:
            features = self._reference.family.features
            names = sorted((self._unjudged - past) & set(self._reference.numbers))
            names += [f"segments by {cut}" for cut in sorted(self._unjudged_cuts)]
            if names:
                told = " and ".join(features.words.get(name, name) for name in names)
                span = "less than seven days" if self._unjudged - past <= {features.hour_column} else "too few days for that"
                self._remarks.append(f"{told}: shown and not judged, as window or reference span {span}")
        bare = set(self._reference.family.features.model_features) - {*self._reference.numbers, *self._reference.categories}
        words = self._reference.family.features.words
        columns: list[NumberReference | CategoryReference] = [*self._reference.numbers.values()]
        columns += self._reference.categories.values()
        if unknown := [column.title for column in columns if np.isnan(column.missing)]:
            self._remarks.append(
                f"{', '.join(unknown)}: whether more values are missing was not judged, as the profile does not say"
            )
        if bare:
            told = ", ".join(sorted(words.get(name, name) for name in bare))
            self._remarks.append(f"{told}: not compared, as no row of the training has a value of it")
        if self._reference.scores.flagged is None:
            self._remarks.append("the alert rate was not compared: the reference does not say how many rows the model flags")
        if not self._reference.segments:
            self._remarks.append(
                "segments were compared for missing, new and out-of-range values alone: the reference has no counts by segment"
            )


def _told_since(
    finding: Finding, since: datetime | None, since_then: Mapping[datetime, Mapping[tuple[str, str], str]]
) -> Finding:
    """Date a finding; where it began inside the window, its words are those of the rows since then."""
    found = None if since is None else since_then.get(since, {}).get((finding.kind, finding.subject))
    words = finding.sentence if found is None else f"since {since:%Y-%m-%d %H:%M} UTC, {found}"
    return finding.model_copy(update={"since": since, "sentence": words})


def _of_probabilities(checks: ColumnChecks, reference: Reference, counts: Counts) -> Iterator[Check]:
    for check in checks.number(reference.probability, counts):
        # Probabilities beyond the highest one so far are what a model is for; a wider tail is seen by "tail".
        if check.kind != "out_of_range":
            yield check
