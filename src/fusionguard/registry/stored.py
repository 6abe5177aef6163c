"""Reads the registry straight out of MLflow's SQLite file: to import MLflow takes two or three seconds, this a few milliseconds.

It reads the tables of one version of MLflow only, the one that is installed with us; where they are of another, MLflow itself is
asked, as it is about every other kind of store.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fusionguard.home import Home
from fusionguard.registry.tracking import check_database, reading, sqlite_file

REVISION = "dc11669786a5"
"""The version of MLflow's tables, by Alembic's name, that is read here."""

_NAMES = "SELECT name FROM registered_models WHERE workspace = 'default' AND substr(name, 1, ?) = ? ORDER BY name"

_VERSIONS = """
SELECT version, COALESCE(run_id, ''), COALESCE(NULLIF(storage_location, ''), source), creation_time
FROM model_versions WHERE name = ? AND workspace = 'default' AND current_stage <> 'Deleted_Internal' ORDER BY version
"""
_TAGS = "SELECT version, key, value FROM model_version_tags WHERE name = ? AND workspace = 'default'"
_ALIASES = "SELECT version, alias FROM registered_model_aliases WHERE name = ? AND workspace = 'default' ORDER BY alias"

_MODEL_TAGS = "SELECT key, value FROM registered_model_tags WHERE name = ? AND workspace = 'default'"
_METRIC = """
SELECT run_uuid, value FROM latest_metrics WHERE key = ? AND NOT is_nan
AND run_uuid IN (SELECT run_id FROM model_versions WHERE name = ? AND workspace = 'default')
"""

_RUN = "SELECT start_time FROM runs WHERE run_uuid = ?"
_RUNNING = """
SELECT runs.run_uuid FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE runs.status = 'RUNNING' AND tags.key = ? AND tags.value = ?
"""
_RUN_TAGS = "SELECT key, value FROM tags WHERE run_uuid = ?"
_RUN_METRICS = "SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?"


@dataclass(frozen=True)
class StoredVersion:
    """One version of a registered model, named as MLflow's own ``ModelVersion`` names things."""

    name: str
    version: int
    run_id: str
    source: str
    """The URI of the folder with the version's files."""
    tags: dict[str, str]
    aliases: tuple[str, ...]
    creation_timestamp: int
    """Milliseconds since 1970."""


@dataclass(frozen=True)
class StoredRun:
    """One run: when it began, in milliseconds since 1970, its tags and the last value of each metric."""

    start_time: int
    tags: dict[str, str]
    metrics: dict[str, float]


def stored_model_names(home: Home, prefix: str) -> list[str] | None:
    """Return the names of the registered models that begin so; None and errors as :func:`stored_versions` has them."""
    database = _known_database(home)
    if database is None:
        return None
    with reading(database) as connection:
        return [name for (name,) in connection.execute(_NAMES, (len(prefix), prefix))]


def stored_versions(home: Home, name: str) -> list[StoredVersion] | None:
    """Return every version of the registered model ``name``, oldest first; None where MLflow has to be asked.

    Raises
    ------
    RegistryError
        The home's database is damaged, unreadable or locked.
    """
    database = _known_database(home)
    if database is None:
        return None
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    aliases: dict[int, list[str]] = defaultdict(list)
    with reading(database) as connection:
        connection.execute("BEGIN")  # what the queries read is of one moment
        versions = connection.execute(_VERSIONS, (name,)).fetchall()
        for version, key, value in connection.execute(_TAGS, (name,)):
            tags[version][key] = value
        for version, alias in connection.execute(_ALIASES, (name,)):
            aliases[version].append(alias)
    return [
        StoredVersion(name, version, run_id, source, tags[version], tuple(aliases[version]), made)
        for version, run_id, source, made in versions
    ]


def stored_model_tags(home: Home, name: str) -> dict[str, str] | None:
    """Return the tags of a registered model itself; None where MLflow has to be asked, raises as :func:`stored_versions` does."""
    database = _known_database(home)
    if database is None:
        return None
    with reading(database) as connection:
        return dict(connection.execute(_MODEL_TAGS, (name,)).fetchall())


def stored_metrics(home: Home, name: str, metrics: Sequence[str]) -> dict[str, dict[str, float]] | None:
    """Return some metrics of the runs behind a registered model's versions, by the run's id; None and errors as above."""
    database = _known_database(home)
    if database is None:
        return None
    found: dict[str, dict[str, float]] = defaultdict(dict)
    with reading(database) as connection:
        for metric in metrics:
            for run, value in connection.execute(_METRIC, (metric, name)):
                found[run][metric] = value
    return dict(found)


def stored_run(home: Home, run_id: str) -> StoredRun | None:
    """Return a run, or None where MLflow has to be asked; raises as :func:`stored_versions` does."""
    database = _known_database(home)
    if database is None:
        return None
    with reading(database) as connection:
        connection.execute("BEGIN")
        run = connection.execute(_RUN, (run_id,)).fetchone()
        if run is None:
            return None
        tags = dict(connection.execute(_RUN_TAGS, (run_id,)).fetchall())
        values = connection.execute(_RUN_METRICS, (run_id,)).fetchall()
    return StoredRun(run[0], tags, {key: math.nan if missing else value for key, value, missing in values})


def stored_running(home: Home, tag: str, value: str) -> list[str] | None:
    """Return the ids of the runs with a tag that have not ended; None where MLflow has to be asked."""
    database = _known_database(home)
    if database is None:
        return None
    with reading(database) as connection:
        return [run for (run,) in connection.execute(_RUNNING, (tag, value))]


def _known_database(home: Home) -> Path | None:
    """Return the home's database, found healthy; None where there is none or its tables are not those that are read here."""
    database = sqlite_file(home.mlflow_uri)
    if database is None or not database.exists() or os.environ.get("MLFLOW_ENABLE_WORKSPACES"):
        return None
    check_database(database)
    with reading(database) as connection:
        known = connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]
    return database if known else None
