"""How much features of what happened before change by themselves, from one span of the training to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.reference import Reading, Reference, past_features
from fusionguard.monitoring.reference_rows import fitted_rows, kept_share
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds

MOST_SPANS = 5
"""So many earlier spans are read at most: the latest ones."""

FEWEST_SPANS = 2
"""Fewer show no change from one to the next: nothing is judged by them."""


def against_earlier_spans(
    reference: Reference,
    kept: Table | None,
    window_rows: int,
    *,
    scratch: Path,
    thresholds: MonitoringThresholds | None = None,
    seed: int = 7,
) -> Reference:
    """Return ``reference`` with what its features of what happened before are to be judged by.

    Rows of one card or shop have nearly the same past, so that neither tests nor limits that take rows for independent hold: a
    few busy shops move all of them. The measure is what training showed without a drift: as the window is compared with all that
    was learned, so is each of the latest spans of as many rows with the rows before it (:attr:`~.reference.Reference.usual`).
    Where the later half of the training holds fewer than two such spans, or nobody has kept rows, these features are shown and
    not judged.

    Parameters
    ----------
    reference
        Of :func:`~.reference_rows.kept_reference`.
    kept
        The rows that it was made of, in order of time; None where it is a profile.
    window_rows
        How many rows the window has.
    scratch
        A folder that DuckDB may spill into.

    Returns
    -------
    The same reference for a model that reads nothing of what happened before.
    """
    owners = past_features(reference.family)
    if not owners or window_rows == 0:
        return reference
    spans = [] if kept is None else list(_spans(fitted_rows(kept), window_rows * kept_share(kept)))
    if len(spans) < FEWEST_SPANS:
        return replace(reference, unjudged=reference.unjudged | frozenset(owners))
    limits = thresholds or MonitoringThresholds()
    findings: list[Finding] = []
    for before, span in spans:
        earlier = table_reference(before, reference.family, scratch=scratch, seed=seed)
        report = read_drift(read_sketch(span, earlier, scratch=scratch, time=None, seed=seed), earlier, limits)
        findings += report.columns
    return replace(reference, usual=largest(findings, owners))


def largest(findings: Iterable[Finding], owners: Mapping[str, str]) -> dict[Reading, float]:
    """Return for each comparison of columns the largest effect of its kind in any column of the same entity.

    So many columns are compared at once that the largest of all counts (Westfall and Young, *Resampling-based multiple testing*,
    1993): few spans show each what one of them may do. A fall is as large as a rise.

    Parameters
    ----------
    owners
        The columns that count, with whose past each tells.
    """
    found: dict[Reading, float] = {}
    for each in findings:
        if each.subject in owners:
            reading = (each.kind, owners[each.subject])
            found[reading] = max(abs(each.effect), found.get(reading, 0.0))
    return {(kind, name): effect for (kind, owner), effect in found.items() for name, own in owners.items() if own == owner}


def _spans(rows: pa.Table, length: float) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the latest spans of ``length`` rows, each after the rows before it, which are half of all at least."""
    most = min(MOST_SPANS, int(rows.num_rows / 2 / length))
    for place in range(1, most + 1):
        first, last = (int(np.ceil(rows.num_rows - each * length)) for each in (place, place - 1))
        yield rows.slice(0, first), rows.slice(first, last - first)
