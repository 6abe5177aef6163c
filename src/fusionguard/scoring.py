"""Batch scoring: raw rows in, scores and decisions out; of a file to a file in memory that does not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fusionguard.data.ingest import raw_header, read_raw
from fusionguard.data.local import read_declaration
from fusionguard.data.rows_in_memory import read_column
from fusionguard.data.table import CARRIED, Table
from fusionguard.datasets.history_checks import history_remarks
from fusionguard.datasets.scoring_rows import prepare_file, read_earlier, scored_columns
from fusionguard.errors import UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.duckdb_engine import connection, scan, score_rows
from fusionguard.features.past_engine import past_engine
from fusionguard.files import check_output
from fusionguard.home import find_home
from fusionguard.output import output_suffix, row_writer, scratch_folder
from fusionguard.spark_scoring import answer_batch, answers_by_spark

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 200_000
"""Rows scored at a time."""

REASONS_TOLD = 3
"""Reason codes told for a flagged row, at most."""


@dataclass(frozen=True)
class ScoreSummary:
    """What a scoring run did: the rows it scored and how many of them ask for somebody's attention.

    ``ambiguous_ids`` are the rows whose id is empty or is another row's, too; None where no ids were carried over. ``unseen``
    says by column how many rows hold a category that the model has not seen, where that is no reason to refuse them. ``remarks``
    are about the file of earlier rows.
    """

    rows: int
    flagged: int
    ambiguous_ids: int | None = None
    unseen: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def score_columns(family: ModelFamily, carried: pa.Field | None = None) -> pa.Schema:
    """Return the columns of a file of scores.

    ``row`` counts the input's rows of data from 0, as pandas and the service's labels do; then come the carried column, if any,
    and the family's ``outputs``; ``model_version`` is the first 12 digits of the bundle's SHA-256.
    """
    ids = [] if carried is None else [carried]
    return pa.schema([("row", pa.int64()), *ids, *family.answer_columns, ("model_version", pa.string())])


def load_model(where: Path | str) -> ScoringModel:
    """Check and load a model of any family.

    Parameters
    ----------
    where
        The folder of a bundle, or a registered version as ``NAME@champion`` or ``NAME@3`` name it.

    Raises
    ------
    UsageError
        There is no such folder or version.
    BundleError
        The bundle is damaged, or holds a model that this version cannot read.
    """
    from fusionguard.registry.aliases import resolve_bundle

    bundle = resolve_bundle(find_home(), str(where))
    return family_of(bundle).load(bundle)


def score(
    model: ScoringModel,
    rows: pd.DataFrame | pa.Table | Path | str,
    *,
    id_column: str | None = None,
    history: Path | str | None = None,
    reasons: int = REASONS_TOLD,
) -> pd.DataFrame | pa.Table:
    """Score raw rows, in memory or in a file, and keep their order.

    Parameters
    ----------
    model
        A model of any family; its bundle names the family.
    rows
        A DataFrame or an Arrow table in the data set's own columns, or a file as :func:`score_file` reads it. The label and what
        else no model reads may be there, and are not looked at.
    id_column
        A column of the rows that the answer gets, too, as it is; of a file, by default the one that is declared beside it.
    history
        Of a file, the file of the rows that happened before, as :func:`score_file` takes it.
    reasons
        How many reason codes are told for each flagged row, at most; each costs about 1 ms a flagged row.

    Returns
    -------
    The columns of :func:`score_columns`, a row for each of ``rows``: a DataFrame with the index of ``rows`` where they are one,
    else an Arrow table.

    Raises
    ------
    UsageError
        ``rows`` is of another type or a file that does not exist, or the id's column has the name of one of the answer's own.
    DataError
        They cannot be read as rows of the family, or a cell is empty, unknown or out of range.
    """
    if isinstance(rows, str | Path):
        with tempfile.TemporaryDirectory(prefix="fusionguard-") as folder:
            output = Path(folder) / "scores.parquet"
            score_file(model, Path(rows), output, id_column, history=None if history is None else Path(history), reasons=reasons)
            return pq.read_table(output)
    family = family_of(model.bundle)
    _check_id(family, id_column)
    features = family.make_features(rows)
    ids = None if id_column is None else read_column(rows, id_column)
    columns = score_columns(family, None if ids is None else pa.field(str(id_column), ids.type))
    batches = [
        answer_batch(model, family, batch, reasons) for batch in features.combine_chunks().to_batches(max_chunksize=BATCH_ROWS)
    ]
    answer = pa.Table.from_batches(batches)
    told = {"row": pa.array(np.arange(answer.num_rows)), **{name: answer[name] for name in answer.column_names}}
    table = pa.table([ids if name == id_column else told[name] for name in columns.names], schema=columns)
    return table if isinstance(rows, pa.Table) else table.to_pandas().set_index(rows.index)


def score_file(
    model: ScoringModel,
    input_file: Path,
    output_file: Path,
    id_column: str | None = None,
    *,
    history: Path | None = None,
    reasons: int = REASONS_TOLD,
    engine: str = "duckdb",
) -> ScoreSummary:
    """Score every row of a file in its data set's columns, with or without the label (which is not used), and keep their order.

    Parameters
    ----------
    model
        A model of any family; its bundle names the family.
    input_file
        CSV (plain, gzip or zip) or parquet.
    output_file
        ``.csv``, ``.csv.gz`` or ``.parquet``; replaced when the last row has been scored, and untouched if anything fails.
    id_column
        A column of the input that the output gets, too, as it is written; by default the one that is declared beside the input,
        or as the id of the data set, where the input has it.
    history
        The rows that happened before, for a model that reads what windows remember; needed then, and only then.
    engine
        Where the work is done: ``duckdb``, in this process, or ``spark``, which finds what windows remember and scores.

    Raises
    ------
    UnknownChoiceError
        There is no such engine.
    EngineError
        Spark is missing, cannot be reached, or gave up.
    UsageError
        The input does not exist, the output's suffix or folder is unknown, both are the same file, or the column to be carried
        over has the name of one of the output's own.
    DataError
        The input cannot be read as rows of the family, or a cell is empty, unknown or out of range.
    StorageError
        The output's folder is full or cannot be written.
    """
    looks_back = past_engine(engine)
    output_suffix(output_file)
    check_output(output_file, "the scores")
    if output_file.exists() and input_file.exists() and output_file.samefile(input_file):
        raise UsageError(f"'{output_file}' is both input and output.", "Write the scores to another file.")
    family = family_of(model.bundle)
    _check_history(family, history)
    id_column = id_column or read_declaration(input_file).id_column or _declared_id(family, input_file)
    _check_id(family, id_column)
    with scratch_folder(output_file) as scratch:
        raw = _read(family, input_file, scratch / "raw.parquet", id_column)
        rows_table, unseen, remarks = raw, dict[str, int](), tuple[str, ...]()
        if family.declared is not None:
            earlier = None if history is None else read_earlier(family.declared, history, scratch / "history.parquet")
            files = None if history is None else (input_file.name, history.name)
            rows_table, unseen = prepare_file(
                family.declared, raw, scratch / "prepared.parquet", earlier, files=files, engine=looks_back
            )
            if earlier is not None:
                remarks = tuple(history_remarks(family.declared.declaration, raw, earlier))
        features = score_rows(family.features, rows_table, scratch / "features.parquet")
        carried = None if id_column is None else pa.field(id_column, raw.schema.field(CARRIED).type)
        ids = _carried_batches(raw) if carried is not None else None
        rows = flagged = 0
        with row_writer(output_file, score_columns(family, carried)) as writer:
            for batch in _answers(model, family, features, reasons, None if looks_back is None else scratch):
                if ids is not None:
                    batch = batch.add_column(0, carried, next(ids))
                batch = batch.add_column(0, "row", pa.array(np.arange(rows, rows + batch.num_rows)))
                writer.write_batch(batch)
                rows += batch.num_rows
                flagged += int(pc.sum(pc.equal(batch["decision"], family.flagged)).as_py())
        return ScoreSummary(rows, flagged, None if carried is None else _ambiguous(raw, scratch), unseen, remarks)


def _read(family: ModelFamily, file: Path, destination: Path, id_column: str | None) -> Table:
    """Read the columns that are scored; where nothing may be known, a declared text file's as they are written."""
    if family.declared is None:
        return read_raw(file, family.schema, destination, only=family.features.model_columns, carried=id_column)
    header, typed = raw_header(file, family.schema)
    needed = scored_columns(family.declared, header)
    declaration = family.declared.declaration
    allowed = {name for name, (_, each) in declaration.measured.items() if each.missing == "allow"}
    written = set() if typed else allowed | set(declaration.missing_values)
    columns = {name: "text" if name in written else kind for name, kind in family.schema.columns.items()}
    return read_raw(file, replace(family.schema, columns=columns), destination, only=needed, carried=id_column)


def _check_history(family: ModelFamily, history: Path | None) -> None:
    if family.features.past and history is None:
        raise UsageError(
            f"The models of {family.model} read what happened before each row.",
            "Name the file of earlier rows with --history; of what is in neither file, nothing is known.",
        )
    if history is not None and not family.features.past:
        raise UsageError(f"The models of {family.model} read nothing of earlier rows.", "Leave --history out.")
    if history is not None and not history.exists():
        raise UsageError(f"There is no file '{history}'.", "Give the file of earlier rows with --history.")


def _declared_id(family: ModelFamily, file: Path) -> str | None:
    """Return the declared id, where the file has it and the scores have no column of that name."""
    name = None if family.declared is None else family.declared.declaration.id
    if name is None or name in score_columns(family).names:
        return None
    return name if name in raw_header(file, family.schema)[0] else None


def _carried_batches(raw: Table) -> Iterator[pa.Array]:
    with pq.ParquetFile(raw.path, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(BATCH_ROWS, columns=[CARRIED]):
            yield batch.column(0)


def _ambiguous(raw: Table, scratch: Path) -> int:
    """Count the rows whose carried value is empty or not theirs alone."""
    with connection(scratch) as database:
        counts = f"SELECT {CARRIED} AS id, COUNT(*) AS rows FROM {scan(raw)} GROUP BY id"
        query = f"SELECT COALESCE(SUM(rows), 0) FROM ({counts}) WHERE id IS NULL OR rows > 1"
        return int(database.execute(query).fetchall()[0][0])


def _answers(
    model: ScoringModel, family: ModelFamily, features: Table, reasons: int, spark: Path | None
) -> Iterator[pa.RecordBatch]:
    """Yield the answers for all rows in their order; by Spark where it has a folder to work in."""
    if spark is not None:
        yield from answers_by_spark(model, family, features, reasons, BATCH_ROWS, spark)
        return
    for file in features.files:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:  # else the whole file stays in memory
            for rows in parquet.iter_batches(BATCH_ROWS, columns=list(family.features.model_features)):
                yield answer_batch(model, family, rows, reasons)


def _check_id(family: ModelFamily, id_column: str | None) -> None:
    if id_column in score_columns(family).names:
        raise UsageError(
            f"The scores have a column '{id_column}' of their own, so the input's cannot be carried over.",
            "Rename it in the input, or carry another one.",
        )
