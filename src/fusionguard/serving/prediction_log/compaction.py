"""Merging small parts of a log into large ones, which are read faster."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fusionguard.errors import StorageError
from fusionguard.families.catalog import family_names
from fusionguard.files import atomic_path, locked, storage_errors
from fusionguard.serving.prediction_log.parts import (
    ROW_GROUP_ROWS,
    DamagedPartError,
    OpenPart,
    list_parts,
    note_merge,
    part_name,
    part_writer,
    remove_stale_temporaries,
)
from fusionguard.serving.prediction_log.schema import Logged, log_layout, log_name


@dataclass(frozen=True)
class Compaction:
    """What a compaction did: how many parts became how many, and the parts it left alone because it cannot read them."""

    merged: int
    into: int
    skipped: tuple[Path, ...]


def compact(
    folder: Path,
    model: Logged,
    *,
    rotate_rows: int = 500_000,
    everything: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Compaction:
    """Merge parts that hold fewer than ``rotate_rows`` rows; services may go on writing and readers reading.

    A merged part stands before the first of those it is made of is removed: a kill leaves some rows twice, which readers see
    once. Another compaction of the same folder waits for this one. Memory is bounded by some 65,536 rows.

    Parameters
    ----------
    folder, model
        As in :meth:`PredictionLog.open`.
    rotate_rows
        No merged part holds more rows.
    everything
        False leaves a part alone for now that is larger than all smaller ones together, so that, over time, each row is copied a
        number of times that grows with the logarithm of the rows.
    stopped
        Asked now and then: when it says so, the merge at work is given up, and nothing is lost.

    Raises
    ------
    StorageError
        The disk refuses; nothing is lost.
    """
    name = log_name(model)
    home = folder / name
    if not home.is_dir():
        return Compaction(0, 0, ())
    with storage_errors(home), locked(home):
        remove_stale_temporaries(home)
        sizes, skipped = _sizes(home, name)
        merged = into = 0
        for alike in sizes:
            small = {path: rows for path, rows in alike.items() if rows < rotate_rows}
            for group in _groups(small if everything else _cheap(small), rotate_rows):
                sources = _merge(home, group, name, skipped, stopped)
                merged += len(sources)
                into += bool(sources)
    return Compaction(merged, into, tuple(skipped))


def _sizes(home: Path, model: str) -> tuple[list[dict[Path, int]], list[Path]]:
    """Return the rows of each part, those of the same columns together, and the parts that cannot be read."""
    layout = log_layout(model) if model in family_names() else None
    sizes: list[tuple[pa.Schema, dict[Path, int]]] = []
    skipped = []
    for path in list_parts(home):
        try:
            with OpenPart(path, model, layout) as part:
                alike = next((rows for schema, rows in sizes if schema.equals(part.schema, check_metadata=True)), None)
                if alike is None:
                    sizes.append((part.schema, alike := {}))
                alike[path] = part.rows
        except StorageError:  # damaged, newer or foreign: whoever reads the log is told why
            skipped.append(path)
    return [rows for _, rows in sizes], skipped


def _cheap(small: dict[Path, int]) -> dict[Path, int]:
    """Return the smallest parts, up to the first that is larger than all before it together; in the order of their names."""
    chosen: set[Path] = set()
    total = 0
    for path, rows in sorted(small.items(), key=lambda item: item[1]):
        if len(chosen) > 1 and rows > total:
            break
        chosen.add(path)
        total += rows
    return {path: rows for path, rows in small.items() if path in chosen}


def _groups(chosen: dict[Path, int], rotate_rows: int) -> Iterator[list[Path]]:
    group: list[Path] = []
    total = 0
    for path, rows in chosen.items():
        if total + rows > rotate_rows:
            yield group
            group, total = [], 0
        group.append(path)
        total += rows
    yield group


def _merge(home: Path, group: list[Path], model: str, skipped: list[Path], stopped: Callable[[], bool]) -> list[Path]:
    """Merge the readable parts of a group; return those that were, none if one alone is left or the merge was stopped."""
    while len(group) > 1:
        try:
            with atomic_path(home / part_name(os.getpid(), 0, secrets.token_hex(4))) as temporary:
                _copy(group, temporary, model, stopped)
        except DamagedPartError as error:
            skipped.append(error.path)
            group = [path for path in group if path != error.path]
            continue
        except _Stopped:
            break
        note_merge(home)
        for path in group:
            path.unlink(missing_ok=True)
        return group
    return []


class _Stopped(Exception):  # noqa: N818 - it is a wish, not an error
    """Somebody wants the merge to end."""


def _copy(group: list[Path], target: Path, model: str, stopped: Callable[[], bool]) -> None:
    waiting: list[pa.Table] = []
    with OpenPart(group[0], model) as first:
        schema = first.schema
    with part_writer(target, schema) as writer:
        for path in group:
            with OpenPart(path, model) as part:
                for number in range(part.groups):
                    if stopped():
                        raise _Stopped
                    waiting.append(part.read(number))
                    if sum(table.num_rows for table in waiting) >= ROW_GROUP_ROWS:
                        writer.write_table(pa.concat_tables(waiting), row_group_size=ROW_GROUP_ROWS)
                        waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=ROW_GROUP_ROWS)
