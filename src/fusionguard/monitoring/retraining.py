"""A window's labelled rows as a raw file, for the training pipeline to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from pydantic import BaseModel, ConfigDict

from fusionguard.data.table import Table
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Integers
from fusionguard.families.catalog import model_family
from fusionguard.families.family import LABEL, TIME, ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.files import atomic_folder
from fusionguard.models.bundle import Bundle, BundleManifest
from fusionguard.monitoring.decision import KNOWN_SHARE
from fusionguard.monitoring.outcomes import labelled_rows
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.window import WindowFacts
from fusionguard.serving.prediction_log.schema import OBSERVED_AT

_SECONDS_PER_HOUR = 3600

SETTINGS = "champion.yaml"
"""The settings that the champion was made with, beside the rows."""


_FORMER = {"xgboost.num_parallel_tree": 1, "catboost.one_hot_max_size": 10}
"""What models were made with before bundles held the setting."""


DECLARED = (
    "the log of the declared data set '{dataset}' holds features and not the table's own columns, so that no model can learn from"
    " it: train on recent rows of the table with their outcomes, with run.py --dataset FILE.yaml --source NEW_ROWS"
)


class LabelledFile(BaseModel):
    """The file that a new model may be trained on, or why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path | None
    rows: int
    positives: int
    why: str
    """Why there is no file; else what the file holds."""
    settings: Path | None = None
    """A file with the settings that the champion was made with."""
    training: Path | None = None
    """A file with other settings of the training, which win over those, where there is one."""
    remarks: tuple[str, ...] = ()
    """What the champion's bundle does not say of its training, and what is taken instead."""


def export_labelled(
    window: Table,
    facts: WindowFacts,
    champion: Bundle,
    config: MonitoringConfig,
    folder: Path,
    *,
    approved: Sequence[str] = (),
) -> LabelledFile:
    """Write the window's rows whose outcome is known as raw data in Kaggle's layout, and declare where they come from.

    The settings that the champion was made with lie beside them: a challenger differs from it by its rows, and by no costs,
    limits or sizes that nobody chose.

    Outcomes are taken as monitoring takes them (``labels.negative_after_days``). The model then learns of the window's
    population alone; where outcomes are told of flagged rows only, that population is not the one it scores, and the file should
    not be trained on. Columns that say who somebody is are absent: the log does not know.

    There is no such file of a data set that somebody has declared: its log holds what was made of the table's columns (amounts in
    one currency, known categories, hours and days) and not these.

    Parameters
    ----------
    champion
        The model whose window it is.
    folder
        What to write; it is replaced as a whole.
    approved
        Changes of the data that were found and are meant; the file's declaration names them, and so does what is trained on it.

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written.
    """
    family = family_of(champion)
    if family.declared is not None:
        why = DECLARED.format(dataset=family.declared.declaration.name)
        return LabelledFile(file=None, rows=facts.labelled, positives=0, why=why)
    schema, hour = family.schema, family.features.hour_column
    columns = [name for name in schema.columns if name in window.schema.names]
    own = [*dict.fromkeys([*columns, *([] if hour is None else [hour]), TIME, LABEL, OBSERVED_AT])]
    labelled = labelled_rows(window.read(own))
    rows, positives = labelled.table.num_rows, labelled.coverage.positives
    least, least_positives = config.minimum_retraining_rows, config.minimum_retraining_positives
    if rows < least or positives < least_positives:
        why = f"{rows:,} rows with an outcome, {positives:,} of them positive: retraining needs {least:,} and {least_positives:,}"
        return LabelledFile(file=None, rows=rows, positives=positives, why=why)
    table = _raw(labelled.table, family)
    note = f"answers of {facts.model} {facts.model_version} with their outcomes, {facts.first:%Y-%m-%d} to {facts.last:%Y-%m-%d}"
    note += f"; approved: {', '.join(approved)}" if approved else ""
    name = f"{Path(schema.file_name).stem}.parquet"
    made_with, remarks = champion_settings(champion.manifest)
    with atomic_folder(folder) as temporary:
        pq.write_table(table.select(list(schema.within(table.column_names).columns)), temporary / name)
        declaration = {"note": note, "simulated": facts.simulated > 0}
        (temporary / SETTINGS).write_text(yaml.safe_dump(made_with), encoding="utf-8")
        if labelled.coverage.share >= KNOWN_SHARE:  # where most are unknown, which they are may depend on the outcome
            declaration["negative_sampling_rate"] = 1.0
        (temporary / f"{name}.source.yaml").write_text(yaml.safe_dump(declaration), encoding="utf-8")
    training = None if config.training is None else Path(config.training).expanduser().resolve()
    settings = folder / SETTINGS
    return LabelledFile(
        file=folder / name, rows=rows, positives=positives, why=note, settings=settings, training=training, remarks=remarks
    )


def champion_settings(champion: BundleManifest) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings that a champion was made with, as a training takes them, and a remark on those that its bundle lacks.

    Those that this version lacks are left out. What an older version did where it had no such setting is known of some, and is
    what a training starts from, whatever the default is today; of others the remark says that the pipeline's own value is taken.
    """
    family = model_family(champion.model)
    known = family.config().model_dump()
    parts = {part: values for part, values in champion.config.items() if isinstance(known.get(part), dict)}
    found = {part: _known(values, known[part]) for part, values in parts.items()}
    former, unknown = {}, []
    for path in _missing(family.config().model_dump(include=family.settings_in_bundle), found):
        name = ".".join(path)
        if name in _FORMER:
            former[name] = _FORMER[name]
            part, setting = path
            found.setdefault(part, {})[setting] = _FORMER[name]
        else:
            unknown.append(name)
    remarks = [
        f"the champion's bundle does not say {name}: it was {value} before that was a setting" for name, value in former.items()
    ]
    if unknown:
        remarks.append(f"the champion's bundle does not say {', '.join(unknown)}: the training takes the pipeline's own")
    return {"seed": champion.seed, "refit": champion.refitted_rows is not None} | found, tuple(remarks)


def _missing(wanted: dict[str, Any], found: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each of nested settings that was not found."""
    for name, value in wanted.items():
        if isinstance(value, dict):
            yield from _missing(value, found.get(name) or {}, (*path, name))
        elif name not in found:
            yield (*path, name)


def _known(values: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return those of nested values whose names are known."""
    return {
        name: _known(value, known[name]) if isinstance(value, dict) and isinstance(known[name], dict) else value
        for name, value in values.items()
        if name in known
    }


def _raw(rows: pa.Table, family: ModelFamily) -> pa.Table:
    """Give rows what the raw layout has besides features: the outcome, and the time where rows have one."""
    time, hour = family.features.span_column, family.features.hour_column
    timed = _sorted(rows) if time is None or hour is None else _timed(rows, time, hour)
    return timed.drop_columns(LABEL).append_column(family.schema.label, timed[LABEL].cast(pa.int64()))


def _sorted(rows: pa.Table) -> pa.Table:
    """Put rows without a time in the order of their values: in whatever order they came, they train the same model."""
    names = [name for name in rows.column_names if name not in (TIME, OBSERVED_AT)]
    return rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in names]))


def _timed(rows: pa.Table, time: str, hour_column: str) -> pa.Table:
    """Put rows in order and give them the raw ``time``: seconds since the first midnight, in the hour that the model was told."""
    micros = pc.cast(rows[TIME], pa.int64()).to_numpy()
    day = micros // (SECONDS_PER_DAY * 1_000_000)
    hour = rows[hour_column].to_numpy().astype(np.int64)
    order = np.lexsort((micros, hour, day))
    rows, day, hour = rows.take(order), day[order], hour[order]
    seconds = (day - day[0]) * SECONDS_PER_DAY + hour * _SECONDS_PER_HOUR + _within(day * 24 + hour)
    return rows.append_column(time, pa.array(seconds.astype(np.float64)))


def _within(hours: Integers) -> Integers:
    """Spread rows of the same hour, which stand together, over its seconds."""
    _, first, count = np.unique(hours, return_index=True, return_counts=True)
    place = np.arange(hours.size) - np.repeat(first, count)
    return place * _SECONDS_PER_HOUR // np.repeat(count, count)
