"""The way to MLflow: one call that opens its store, or says in one line why it cannot and what to do."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sqlite3
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fusionguard.errors import RegistryError
from fusionguard.extras import require_extra
from fusionguard.families.catalog import family_names
from fusionguard.files import atomic_path, storage_errors
from fusionguard.home import Home, find_checkout
from fusionguard.verbose import is_verbose

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RUNS_FIRST = {"mlflow.experimentKind": "custom_model_development"}
"""It makes MLflow's pages open the experiment on its runs and not on traces."""

ANSWER_SECONDS = 4.0
"""How long a tracking server may take to show that it is there."""

_SQLITE = "sqlite:///"
_DEFAULT_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # else it prints two lines at the end of each run and trial
    # By default MLflow copies uv.lock and pyproject.toml of the current folder into every model it saves.
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "GIT_PYTHON_REFRESH": "quiet",
}


def open_store(home: Home, *, create: bool = False) -> MlflowClient:
    """Return a client of the home's MLflow store, which has been found healthy.

    Parameters
    ----------
    create
        Make the SQLite store where there is none yet; otherwise its absence is an error.

    Raises
    ------
    RegistryError
        The store is absent, damaged, of another version, in use for too long, or its server does not answer. Nothing is changed.
    MissingExtraError
        MLflow is not installed.
    StorageError
        The store's folder cannot be written.
    """
    uri = home.mlflow_uri
    database = sqlite_file(uri)
    if database is not None and not database.exists() and not create:
        elsewhere = "Name a bundle's folder, or say in FUSIONGUARD_HOME or MLFLOW_TRACKING_URI where a registry is."
        remedy = f"Train a model first: make {family_names()[0]}." if find_checkout() else elsewhere
        raise RegistryError(f"There is no model registry at {database} yet.", remedy)
    require_extra("registry", "A model registry")
    if database is None:
        _require_answer(uri)
    elif not database.exists():
        _create_database(database)
    else:
        check_database(database)
    with quiet_mlflow(), registry_errors(uri):
        return _client(uri)


def experiment_id(home: Home, client: MlflowClient, name: str) -> str:
    """Return the id of an experiment, made on first use; with an SQLite store its artifacts lie in the home.

    Each registered model has an experiment of its own name. Up to 0.2.0 the runs of all models lay in that of the first family;
    those stay there, and their versions lead to them.
    """
    from mlflow.exceptions import MlflowException

    local = sqlite_file(home.mlflow_uri) is not None
    with registry_errors(home.mlflow_uri):
        found = client.get_experiment_by_name(name)
        if found is None:
            try:
                place = home.mlflow_artifacts.as_uri() if local else None
                return str(client.create_experiment(name, place, tags=_RUNS_FIRST))
            except MlflowException:  # another run may just have made it
                found = client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            raise RegistryError(
                f"MLflow's experiment '{name}' has been deleted.",
                f"Restore it: mlflow experiments restore --experiment-id {found.experiment_id}.",
            )
        return str(found.experiment_id)


def sqlite_file(uri: str) -> Path | None:
    """Return the database file of an SQLite tracking URI, or None for any other kind of store."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(uri.removeprefix(_SQLITE).partition("?")[0])


@contextmanager
def one_writer(home: Home) -> Iterator[None]:
    """Keep others that ask for this from changing the home's own store meanwhile; a server sorts out its own writers."""
    database = sqlite_file(home.mlflow_uri)
    if database is None:
        yield
        return
    with storage_errors(database):
        lock = _lock_file(database).open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_database(database: Path) -> None:
    """Read an MLflow database through, without MLflow and without writing.

    Raises
    ------
    RegistryError
        It is truncated, corrupt, not MLflow's, unreadable, or locked by somebody else.
    """
    with reading(database) as connection:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if verdict != "ok":
        raise _damaged(database, verdict.splitlines()[-1])
    if "registered_models" not in tables:
        raise _damaged(database, "it is empty" if not tables else "it is not a database of MLflow's")


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Open an MLflow database to read it; what SQLite raises meanwhile becomes a :class:`RegistryError` of one line."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise RegistryError(
                f"MLflow's database {database} is in use by another process.", "Wait for it, then run again."
            ) from error
        raise RegistryError(
            f"MLflow's database {database} cannot be read: {error}.", "Check its permissions and its disk."
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(database, str(error)) from error


@contextmanager
def registry_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and its stores raise into a :class:`RegistryError` of one line."""
    import sqlalchemy.exc
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        text = " ".join(str(error.message).split())
        if "out-of-date database schema" in text:
            raise RegistryError(
                f"MLflow's store {_shown(uri)} was made by another version of MLflow.",
                f"Back it up, then: mlflow db upgrade {_shown(uri)}",
            ) from error
        raise RegistryError(f"MLflow ({_shown(uri)}) refused: {_short(text)}.", "See `fusionguard doctor`.") from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        text = " ".join(str(getattr(error, "orig", None) or error).split())
        raise RegistryError(f"MLflow's store {_shown(uri)} failed: {_short(text)}.", "See `fusionguard doctor`.") from error


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Keep MLflow and Alembic from logging their progress, from warnings about themselves, and from calling home.

    What they warn of goes to the root logger, not to standard error in their own form.
    """
    settle_environment()
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    import mlflow  # noqa: F401  (configures its logger, so it must come before the levels are set)

    before = [(logger, logger.level, logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO if is_verbose() else logging.WARNING)
        logger.handlers, logger.propagate = [], True
    try:
        with warnings.catch_warnings():
            # MLflow 3.17 warns about its own type hints when it first saves or loads a model (November 2026).
            warnings.filterwarnings("ignore", category=UserWarning, module=r"mlflow\.")
            yield
    finally:
        for logger, level, handlers, propagate in before:
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate


def settle_environment() -> None:
    """Set MLflow's environment variables (no telemetry, few retries) where the user has not; call it before importing MLflow."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.search_registered_models(max_results=1)  # opens both stores now, so that what is wrong is said here
    return client


def _create_database(database: Path) -> None:
    """Make the database whole or not at all: an interrupted migration would leave one that MLflow cannot open."""
    with storage_errors(database):
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_file(database).open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if database.exists():
            return
        with atomic_path(database) as temporary, quiet_mlflow(), registry_errors(f"{_SQLITE}{database}"):
            _client(f"{_SQLITE}{temporary}")


def _lock_file(database: Path) -> Path:
    return database.parent / f".{database.name}.lock"


def _require_answer(uri: str) -> None:
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme in ("http", "https"):
            urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
        elif parts.hostname and scheme in _DEFAULT_PORTS:
            socket.create_connection((parts.hostname, parts.port or _DEFAULT_PORTS[scheme]), ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()  # something answers; whether it lets us in, MLflow's own client finds out
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise RegistryError(
            f"The MLflow server {_shown(uri)} does not answer ({reason}).",
            "Start it, correct MLFLOW_TRACKING_URI, or unset it to use the SQLite store.",
        ) from error


def _damaged(database: Path, reason: str) -> RegistryError:
    return RegistryError(
        f"MLflow's database {database} is damaged ({_short(reason)}); nothing was changed.",
        "Put a backup in its place, or move it away to start an empty registry; bundles are files of their own and stay.",
    )


def _shown(uri: str) -> str:
    """Return the URI without a user's name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else uri


def _short(text: str, length: int = 300) -> str:
    return text.strip().rstrip(".") if len(text) <= length else text[:length].rstrip() + "..."
