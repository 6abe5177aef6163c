"""Which models a home can be asked about now: the champions of its registry and of the release that is served."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fusionguard.assistant.asked import AskedModel, shipped_models
from fusionguard.errors import FusionGuardError, UnknownChoiceError
from fusionguard.home import Home

if TYPE_CHECKING:
    from fusionguard.models.bundle import Bundle

ASK_AGAIN_SECONDS = 60.0
"""How long what a registry that is no file has said is believed."""

_log = logging.getLogger("fusionguard.assistant")


class KnownModels:
    """Reads the champions at its first use, and anew when the release or the registry has changed.

    Parameters
    ----------
    home
        Whose registry is read.
    release
        The folder of the release that is served; it may be absent.
    """

    def __init__(self, home: Home, release: Path) -> None:
        self._home, self._release = home, release
        self._lock = threading.Lock()
        self._read: tuple[object, tuple[AskedModel, ...]] | None = None
        self._made: dict[tuple[str, str], AskedModel | None] = {}

    def __call__(self) -> tuple[AskedModel, ...]:
        """Return the models with a champion, those of data sets that ship first; with none yet, those that ship."""
        with self._lock:
            state = self._state()
            if self._read is None or self._read[0] != state:
                self._read = state, self._champions() or shipped_models()
            return self._read[1]

    def every(self) -> tuple[AskedModel, ...]:
        """Return the same and those of data sets that ship, of which there may be nothing but a log."""
        known = self()
        return (*known, *(model for model in shipped_models() if model.name not in {each.name for each in known}))

    def find(self, name: str) -> AskedModel:
        """Return a model of :meth:`every` by its name; raise :class:`UnknownChoiceError` where there is none of that name."""
        every = {model.name: model for model in self.every()}
        if name not in every:
            raise UnknownChoiceError("model", name, every)
        return every[name]

    def _champions(self) -> tuple[AskedModel, ...]:
        shipped = {model.name: model for model in shipped_models()}
        found: dict[str, AskedModel] = {}
        for name, sha256, bundle in (*self._released(), *self._registered()):
            if name in found:
                continue
            model = shipped.get(name) or self._declared(name, sha256, bundle)
            if model is not None:
                found[name] = model
        first = [shipped[name] for name in shipped if name in found]
        return (*first, *(found[name] for name in sorted(found) if name not in shipped))

    def _declared(self, name: str, sha256: str, bundle: Bundle | None) -> AskedModel | None:
        """Return the model of a declared data set as its bundle describes that; None, and a line in the log, where none does."""
        from fusionguard.families.of_bundle import family_of
        from fusionguard.registry.aliases import resolve_bundle

        if (name, sha256) not in self._made:
            try:
                family = family_of(bundle or resolve_bundle(self._home, f"{name}@champion"))
                self._made[name, sha256] = AskedModel(family)
            except FusionGuardError as error:
                _log.warning("the model %s cannot be asked: %s", name, error)
                self._made[name, sha256] = None
        return self._made[name, sha256]

    def _released(self) -> Iterator[tuple[str, str, Bundle | None]]:
        from fusionguard.models.bundle import Bundle
        from fusionguard.serving.release import read_release

        if not self._release.is_dir():
            return
        try:
            models = read_release(self._release).models
        except FusionGuardError as error:
            _log.warning("the release is not read: %s", error)
            return
        for about in models:
            if about.role == "champion":
                yield about.model, about.bundle_sha256, Bundle(self._release / about.folder)

    def _registered(self) -> Iterator[tuple[str, str, Bundle | None]]:
        from fusionguard.registry.model_names import model_names
        from fusionguard.registry.versions import CHAMPION, list_versions

        database = self._database()
        if database is not None and not database.exists():
            return
        try:
            for name in model_names(self._home):
                for version in list_versions(self._home, name):
                    if CHAMPION in version.aliases:
                        yield name, version.bundle_sha256, None
        except FusionGuardError as error:
            _log.warning("the registry is not read: %s", error)

    def _state(self) -> object:
        """Return what differs once the release or the registry has changed."""
        database = self._database()
        if database is None:
            registry: object = int(time.monotonic() / ASK_AGAIN_SECONDS)
        else:
            registry = _identity(database), _identity(database.with_name(f"{database.name}-wal"))
        return _identity(self._release), registry

    def _database(self) -> Path | None:
        from fusionguard.registry.tracking import sqlite_file

        return sqlite_file(self._home.mlflow_uri)


def served_release(home: Home, environment: Mapping[str, str]) -> Path:
    """Return the folder of the release that the scoring service of ``environment`` answers with, by default the home's own."""
    from fusionguard.serving.launch import release_folder

    release = environment.get("FUSIONGUARD_SERVE_RELEASE")
    return Path(release) if release else release_folder(home)


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
