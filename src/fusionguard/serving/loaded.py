"""A release in memory: its models, ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionguard.errors import BundleError, FusionGuardError
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.online import OnlineModel
from fusionguard.features.online.state import Event, OnlineState, Remembered
from fusionguard.files import locked
from fusionguard.models.bundle import Bundle
from fusionguard.serving.release import ReleasedModel, check_release, written_at
from fusionguard.serving.requests import RowReader
from fusionguard.serving.states import States


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer, with its family on the data set that it was made of, and what reads its requests.

    ``state`` is what a champion looks the past of rows up in; None for one that reads none, and for a challenger, which sees what
    its champion saw.
    """

    about: ReleasedModel
    online: OnlineModel
    family: ModelFamily
    reader: RowReader
    state: OnlineState | None = None

    @property
    def past(self) -> tuple[str, ...]:
        """What it reads of the past, in its order."""
        return self.family.features.past

    def with_past(self, values: list[Any], found: Remembered | None) -> list[Any]:
        """Return what it reads of a row: the row's own values, then what was found that happened before."""
        return values if found is None else [*values, *map(found.values.__getitem__, self.past)]

    def owner(self, event: Event | None) -> int | None:
        """Return the number by which a log tells whose a row is; None where nobody knows, or nothing is looked up."""
        declared = self.family.declared
        if event is None or self.state is None or declared is None:
            return None
        entity = str(declared.declaration.owner)
        text = event.keys.get(entity)
        return None if text is None else self.state.pseudonym(entity, text)

    @property
    def version(self) -> str:
        """The first 12 digits of the bundle's SHA-256."""
        return self.online.bundle.version

    @property
    def origin(self) -> str:
        """Where its training data came from."""
        return self.online.bundle.manifest.origin

    @property
    def simulated(self) -> bool:
        """Whether it was trained on simulated data."""
        return self.origin == "simulated"


@dataclass(frozen=True)
class LoadedRelease:
    """The models of a release, by their names."""

    champions: dict[str, LoadedModel]
    challengers: dict[str, LoadedModel]
    written: float
    """When the release was written, as a Unix time."""

    @property
    def models(self) -> list[LoadedModel]:
        """All of them, champions first."""
        return [*self.champions.values(), *self.challengers.values()]


def load_release(folder: Path, states: States | None = None) -> LoadedRelease:
    """Check every byte of a release and load its models; what lies in the folder later does not matter.

    A release that takes its place meanwhile is loaded instead: never a part of each.

    Parameters
    ----------
    states
        Opens what champions look the past of rows up in.

    Raises
    ------
    UsageError, StorageError
        A champion reads what happened before, and ``states`` has none of that.
    BundleError
        The release is not whole, as :func:`check_release` says, or holds a model that this version cannot read.
    """
    while True:
        before = _identity(folder)
        try:
            loaded = _load(folder, states or States(None))
        except FusionGuardError:
            if _identity(folder) == before:
                raise
        except Exception as error:  # each library has errors of its own; a swap under way shows as a file that is gone
            if _identity(folder) == before:
                told = f"The release '{folder}' cannot be loaded: {type(error).__name__}."
                raise BundleError(told, "Write the release again: fusionguard release.") from error
        else:
            if _identity(folder) == before:
                return loaded


def _load(folder: Path, states: States) -> LoadedRelease:
    loaded: dict[str, dict[str, LoadedModel]] = {"champion": {}, "challenger": {}}
    written = written_at(folder)
    for about in check_release(folder).models:
        bundle = Bundle(folder / about.folder)
        family = family_of(bundle)
        spec = "BUNDLE_FOLDER" if about.registered_version is None else f"{about.model}@{about.registered_version}"
        state = states.open(family, spec) if about.role == "champion" else None
        reader = RowReader(family.request_fields)
        loaded[about.role][about.model] = LoadedModel(about, family.open_online(bundle), family, reader, state)
    return LoadedRelease(loaded["champion"], loaded["challenger"], written or 0.0)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what differs between a release and the one that takes its place; None where there is none."""
    try:
        with locked(folder.parent):  # not while one is put there
            found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
