"""The feature store: feature tables in folders named by what they were made from, each with a manifest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fusionguard.data.provenance import Origin, Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import PREPARED_FORMAT
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.definitions import features_of
from fusionguard.features.make_engine import make_engine
from fusionguard.files import atomic_folder, json_text, write_json

_MANIFEST = "manifest.json"
_FEATURES = "features"


class FeatureManifest(BaseModel):
    """What a feature table is and where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int
    dataset: str
    origin: Origin
    source_sha256: str
    engine: str
    rows: int
    raw_rows: int
    duplicates_dropped: int
    negative_sampling_rate: float = Field(gt=0, le=1)
    columns: dict[str, str]
    """Column names with their Arrow types."""
    features_sha256: str
    """SHA-256 of the content: names, types and values, whatever the engine and the layout of the files."""
    described: ResolvedDataset | None = None
    """The data set, as it was declared and found; None where a call named no more than one that ships."""

    @property
    def definition(self) -> FeatureDefinition:
        """What the columns are."""
        return features_of(self.dataset, self.described)

    @property
    def negative_weight(self) -> float:
        """How many real legitimate rows one legitimate row here stands for."""
        return 1.0 / self.negative_sampling_rate

    @property
    def simulated(self) -> bool:
        """Whether the rows were made by the simulator."""
        return self.origin == "simulated"


@dataclass(frozen=True)
class FeatureSet:
    """A feature table and its manifest."""

    table: Table
    manifest: FeatureManifest


def build_features(
    raw: Table, provenance: Provenance, engine: str, store: Path, described: ResolvedDataset | None = None
) -> FeatureSet:
    """Return the features of ``raw`` from the store, made there first where they are absent or damaged.

    Parameters
    ----------
    raw
        A raw table that satisfies its contract.
    engine
        ``duckdb`` or ``spark``; another name raises :class:`UnknownChoiceError`.
    store
        The feature store's folder; the table lands in ``store/<dataset>/<key>/features`` beside its ``manifest.json``.
    described
        The data set, where it is not just one that ships.
    """
    definition = features_of(provenance.dataset, described)
    runner = make_engine(engine, definition)
    folder = store / provenance.dataset / feature_key(definition, provenance, engine, described)
    kept = _open(folder)
    if kept is not None:
        folder.touch()  # what is in use is not old
        # The manifest's keys are sorted, and the order in which a declaration names columns is that of the features.
        return FeatureSet(kept.table, kept.manifest.model_copy(update={"described": described}))
    with atomic_folder(folder) as temporary:
        built = runner.build(raw, temporary / _FEATURES)
        manifest = FeatureManifest(
            schema_version=definition.schema_version,
            dataset=provenance.dataset,
            origin=provenance.origin,
            source_sha256=provenance.sha256,
            engine=engine,
            rows=built.rows,
            raw_rows=raw.rows,
            duplicates_dropped=raw.rows - built.rows,
            negative_sampling_rate=provenance.negative_sampling_rate,
            columns={name: str(built.schema.field(name).type) for name in sorted(built.columns)},
            features_sha256=content_sha256(built),
            described=described,
        )
        write_json(temporary / _MANIFEST, manifest.model_dump(mode="json", exclude_unset=True))
    return FeatureSet(Table(folder / _FEATURES), manifest)


def feature_key(
    definition: FeatureDefinition, provenance: Provenance, engine: str, described: ResolvedDataset | None = None
) -> str:
    """Return the 16 hexadecimal digits that stand for everything a feature table and its manifest depend on."""
    ingredients = provenance.model_dump(exclude={"description", "rows", "sampling_declared", "file"})
    ingredients |= {"schema_version": definition.schema_version, "definition": definition.sha256(), "engine": engine}
    if described is not None:
        ingredients |= {"described": described.to_json(), "prepared": PREPARED_FORMAT}
    return hashlib.sha256(json_text(ingredients).encode()).hexdigest()[:16]


def content_sha256(table: Table) -> str:
    """Return the SHA-256 of a table's names, types and values in order; how its files are cut makes no difference."""
    columns = {name: _ColumnDigest() for name in table.columns}
    for file in table.files:
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                for name, column in zip(columns, parquet.read_row_group(group).itercolumns(), strict=True):
                    columns[name].add(column)
    whole = hashlib.sha256()
    for field in table.schema:
        whole.update(f"{field.name}:{field.type}:{columns[field.name].hexdigest()}\n".encode())
    return whole.hexdigest()


class _ColumnDigest:
    """The SHA-256 of a column that arrives in chunks: its values, empty cells as zero or "", then where the empty cells are.

    A text stands behind its length, so that no two columns of texts read the same.
    """

    def __init__(self) -> None:
        self._values, self._empty, self._rows = hashlib.sha256(), hashlib.sha256(), 0

    def add(self, column: pa.ChunkedArray) -> None:
        for chunk in column.chunks:
            text = pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)
            if chunk.null_count:
                self._empty.update((np.flatnonzero(chunk.is_null()) + self._rows).tobytes())
                chunk = chunk.fill_null("" if text else 0)
            if text:
                self._values.update("".join(f"{len(value)}:{value}" for value in chunk.to_pylist()).encode())
            else:
                self._values.update(np.ascontiguousarray(chunk.to_numpy()).data)
            self._rows += len(chunk)

    def hexdigest(self) -> str:
        return self._values.hexdigest() + self._empty.hexdigest()


def _open(folder: Path) -> FeatureSet | None:
    """Return the feature set in ``folder`` if it is whole, else None: what the store lost, it makes again."""
    table = Table(folder / _FEATURES)
    try:
        manifest = FeatureManifest.model_validate_json((folder / _MANIFEST).read_bytes())
        intact = bool(table.files) and content_sha256(table) == manifest.features_sha256
    except (OSError, ValidationError, pa.ArrowException):
        return None
    return FeatureSet(table, manifest) if intact else None
