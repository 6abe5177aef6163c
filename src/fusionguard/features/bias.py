"""Whom the data shows and how often its label is set for them: class balance, missing cells, and segments people think in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from fusionguard.data.provenance import Origin
from fusionguard.data.table import Table
from fusionguard.features.definition import FeatureDefinition, Segmentation
from fusionguard.proportions import wilson_interval

if TYPE_CHECKING:  # a service that reads no table needs neither
    import duckdb

    from fusionguard.features.store import FeatureManifest

_Z999 = 3.2905267314919255
"""The normal quantile of a two-sided interval, 99.9 %: of thirty segments, chance puts one or two outside 95 %."""
_FEW_POSITIVES = 5
_MOST_SEGMENTS = 30
"""Of more segments the largest are told apart, and the others together."""

EMPTY = "(empty)"
"""The segment of rows whose cell is empty, the last one."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Segment(_Frozen):
    """A part of the rows. Shares and rates are of the real population: rows with label 0 count ``negative_weight`` times."""

    name: str
    rows: int
    """Rows in the table, not weighted."""
    share: float
    """Share of the population."""
    positives: int
    """Rows with label 1."""
    label_rate: float | None
    """Share of label 1 in the segment; null where it has no rows."""
    label_rate_low: float | None
    label_rate_high: float | None
    """Wilson's 95 % interval (Wilson 1927), carried over to the real prior."""


class ClassBalance(_Frozen):
    """How many rows of each class there are, and the share of label 1 in the real population."""

    negative_rows: int
    positive_rows: int
    label_rate: float


class BiasReport(_Frozen):
    """What a reader must know about the make-up of the data before trusting a model of it."""

    dataset: str
    origin: Origin
    source_sha256: str
    rows: int
    duplicates_dropped: int
    negative_sampling_rate: float
    class_balance: ClassBalance
    missing_share: dict[str, float]
    """Share of empty cells in each column."""
    segments: dict[str, list[Segment]]
    """By segmentation of the data set's features: each a partition of the rows in its natural order."""
    findings: list[str]
    """What stands out, in words."""

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return self.model_dump_json(indent=2) + "\n"


def bias_report(features: Table, manifest: FeatureManifest) -> BiasReport:
    """Describe a feature table by aggregates that DuckDB computes; no row is read into Python."""
    from fusionguard.features.duckdb_engine import connection, scan

    definition = manifest.definition
    weight = manifest.negative_weight
    with connection(scratch=features.path.parent) as database:
        database.execute(f"CREATE TEMP VIEW features AS SELECT * FROM {scan(features)}")
        missing = _missing_share(database, features.columns)
        counts = {each.name: _count(database, definition, each) for each in definition.segmentations}
    anywhere = next(iter(counts.values()))
    positives = sum(of for _, _, of in anywhere)
    negatives = sum(rows for _, rows, _ in anywhere) - positives
    population = positives + negatives * weight
    overall = positives / population if population else 0.0
    segments = {name: [_segment(*row, weight, population) for row in rows] for name, rows in counts.items()}
    return BiasReport(
        dataset=manifest.dataset,
        origin=manifest.origin,
        source_sha256=manifest.source_sha256,
        rows=positives + negatives,
        duplicates_dropped=manifest.duplicates_dropped,
        negative_sampling_rate=manifest.negative_sampling_rate,
        class_balance=ClassBalance(negative_rows=negatives, positive_rows=positives, label_rate=overall),
        missing_share=missing,
        segments=segments,
        findings=_findings(definition, segments, overall, missing, weight),
    )


def _count(database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, cut: Segmentation) -> list[tuple[str, int, int]]:
    query = f"SELECT {cut.expression}, COUNT(*), CAST(SUM({definition.label}) AS BIGINT) FROM features GROUP BY 1 ORDER BY 1"
    found = {segment: (rows, positives) for segment, rows, positives in database.execute(query).fetchall()}
    empty = found.pop(None, None)
    told = sorted({*cut.names, *found})
    if len(told) > _MOST_SEGMENTS:
        told = sorted(sorted(told, key=lambda key: -found.get(key, (0, 0))[0])[:_MOST_SEGMENTS])
    counts = [(cut.names.get(key, str(key)), *found.pop(key, (0, 0))) for key in told]
    if found:
        counts.append(("all others", sum(rows for rows, _ in found.values()), sum(of for _, of in found.values())))
    return counts if empty is None else [*counts, (EMPTY, *empty)]


def _missing_share(database: duckdb.DuckDBPyConnection, columns: list[str]) -> dict[str, float]:
    shares = ", ".join(f"COALESCE(AVG(CAST({name} IS NULL AS INT)), 0)" for name in columns)
    return dict(zip(columns, database.execute(f"SELECT {shares} FROM features").fetchall()[0], strict=True))


def _segment(name: str, rows: int, positives: int, weight: float, population: float) -> Segment:
    weighted = positives + (rows - positives) * weight
    low = high = rate = None
    if rows:
        rate = positives / weighted
        low, high = (_at_real_prior(bound, weight) for bound in wilson_interval(positives, rows))
    share = weighted / population if population else 0.0
    return Segment(
        name=name, rows=rows, share=share, positives=positives, label_rate=rate, label_rate_low=low, label_rate_high=high
    )


def _at_real_prior(rate: float, negative_weight: float) -> float:
    """The share of label 1 once each row with label 0 counts ``negative_weight`` times; it keeps the order of rates."""
    return rate / (rate + (1 - rate) * negative_weight)


def _findings(
    definition: FeatureDefinition,
    segments: dict[str, list[Segment]],
    overall: float,
    missing: dict[str, float],
    weight: float,
) -> list[str]:
    findings = [f"Column {name}: {share:.2%} of cells are empty." for name, share in missing.items() if share > 0]
    for kind, parts in segments.items():
        for part in parts:
            where = f"{kind} {part.name}"
            if part.label_rate is None:
                findings.append(f"{where}: no rows, so nothing is known about it.")
                continue
            if part.positives < _FEW_POSITIVES:
                few = f"{part.positives} {definition.positives} in {part.rows:,} rows"
                findings.append(f"{where}: {few}, too few to judge a model on.")
            low, high = (_at_real_prior(bound, weight) for bound in wilson_interval(part.positives, part.rows, _Z999))
            if low > overall or high < overall:
                interval = f"{part.label_rate:.3%} (99.9 % interval {low:.3%} to {high:.3%})"
                findings.append(f"{where}: {interval} of {definition.rows} are {definition.positives}, {overall:.3%} overall.")
    return findings
