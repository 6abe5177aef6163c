"""A release: the folder of models that a service loads, pinned to the last byte, which needs no registry to be read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from fusionguard.data.provenance import Origin
from fusionguard.errors import BundleError, UnknownChoiceError, UsageError
from fusionguard.files import atomic_folder, check_output, write_json
from fusionguard.models.bundle import MANIFEST, Bundle

if TYPE_CHECKING:
    from fusionguard.families.family import ModelFamily

RELEASE = "release.json"
FORMAT = 1

Role = Literal["champion", "challenger"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

_REMEDY = "Write the release again: fusionguard release."


class ReleasedModel(BaseModel):
    """What is known of one model of a release."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """What it is called: the family, or the data set that somebody has declared."""
    role: Role
    """The champion answers; a challenger is scored in its shadow, and only logged."""
    bundle_sha256: str
    origin: Origin
    """Where its training data came from."""
    registered_version: int | None = None
    """Its number in the registry; null for a bundle that was named by its folder."""
    trained_at: str | None = None
    """When its run began, in UTC as RFC 3339 has it; null where the registry does not say."""
    metrics: dict[str, float] = {}
    """Its metrics on the test slice, as they were registered."""

    @field_validator("model")
    @classmethod
    def _named(cls, model: str) -> str:
        if not _NAME.fullmatch(model):
            raise ValueError("model must be the name of a family or of a data set")
        return model

    @property
    def folder(self) -> str:
        """The name of the bundle's folder in the release."""
        return f"{self.model}-{self.role}"


class Release(BaseModel):
    """What ``release.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    models: tuple[ReleasedModel, ...]


def write_release(
    folder: Path, models: Iterable[tuple[ReleasedModel, Bundle]], *, check: Callable[[Path], object] | None = None
) -> None:
    """Write a release in the place of an earlier one: whole or not at all.

    Parameters
    ----------
    check
        Called with the whole release before it takes its place; what it raises leaves the earlier one as it was.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    listed = list(models)
    with atomic_folder(folder) as temporary:
        for about, bundle in listed:
            shutil.copytree(bundle.folder, temporary / about.folder)
        release = Release(models=tuple(about for about, _ in listed))
        write_json(temporary / RELEASE, release.model_dump(mode="json"))
        if check is not None:
            check(temporary)


def check_place(folder: Path) -> None:
    """Refuse a folder that a user named for a release and that holds something else, for a release replaces all of it.

    Raises
    ------
    UsageError
        It holds something that is no release, it is a file, or it cannot be written.
    """
    folder = Path.cwd() / folder if folder.name not in ("", "..") else folder.resolve()  # these have no name of their own
    check_output(folder, "the release", folder=True)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RELEASE).is_file():
        what = f"'{folder}' holds something else than a release, which would replace it."
        raise UsageError(what, "Name an empty or a new folder.")


def check_release(folder: Path) -> Release:
    """Check every byte of a release without loading a model; return what it says of itself.

    Raises
    ------
    BundleError
        There is no release, it is of another format, a bundle is damaged, not the one that was released or of no family that this
        version knows, or none of its models is a champion.
    """
    from fusionguard.families.of_bundle import family_of  # with Arrow, which a mistyped command must not wait for

    release = read_release(folder)
    for about in release.models:
        bundle = Bundle(folder / about.folder)
        if not (bundle.folder / MANIFEST).is_file() or bundle.sha256 != about.bundle_sha256:
            raise BundleError(
                f"The {about.role} of {about.model} is not the bundle that was released (its SHA-256 differs, or it is gone).",
                _REMEDY,
            )
        Bundle.open(bundle.folder)
        try:
            called = family_of(bundle).model
        except UnknownChoiceError as error:
            raise BundleError(
                f"The {about.role} of {about.model} cannot be read: {error}", "Install a newer FusionGuard."
            ) from error
        if called != about.model:
            raise BundleError(f"The {about.role} of {about.model} is a model of {called}.", _REMEDY)
    if not any(about.role == "champion" for about in release.models):
        raise BundleError(f"The release '{folder}' holds no champion.", _REMEDY)
    return release


def released_families(folder: Path) -> tuple[ModelFamily, ...]:
    """Return the families of the champions of a release, each on the data set of its model; none where there is no release.

    Raises
    ------
    BundleError
        It is damaged.
    """
    from fusionguard.families.of_bundle import family_of

    if not (folder / RELEASE).is_file():
        return ()
    champions = (about for about in read_release(folder).models if about.role == "champion")
    return tuple(family_of(Bundle(folder / about.folder)) for about in champions)


def released_models(folder: Path) -> tuple[ReleasedModel, ...]:
    """Return what the release in a folder says it holds; nothing where there is none, or it cannot be read."""
    try:
        return read_release(folder).models
    except BundleError:
        return ()


def written_at(folder: Path) -> float | None:
    """Return when the release in a folder was written, as a Unix time; None where there is none."""
    try:
        return (folder / RELEASE).stat().st_mtime
    except OSError:
        return None


def read_release(folder: Path) -> Release:
    """Return what a release says of itself; raises :class:`BundleError`."""
    file = folder / RELEASE
    if not file.is_file():
        raise BundleError(f"'{folder}' is not a release: it has no {RELEASE}.", _REMEDY)
    try:
        content = json.loads(file.read_bytes())
        found = content.get("format") if isinstance(content, dict) else None
        if found != FORMAT:
            raise BundleError(f"The release '{folder}' has format {found}; this version reads {FORMAT}.", _REMEDY)
        release = Release.model_validate(content)
    except (ValueError, ValidationError) as error:
        raise BundleError(f"{RELEASE} in '{folder}' is damaged.", _REMEDY) from error
    names = [about.folder for about in release.models]
    if len(set(names)) != len(names):
        raise BundleError(f"{RELEASE} in '{folder}' names a model twice.", _REMEDY)
    return release
