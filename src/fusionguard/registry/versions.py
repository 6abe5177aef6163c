"""What the registry knows of a model: its versions, their tags and their aliases, and the names people use for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from fusionguard.data.provenance import Origin
from fusionguard.errors import RegistryError
from fusionguard.families.catalog import family_names
from fusionguard.home import Home
from fusionguard.registry.model_names import PREFIX, find_model
from fusionguard.registry.stored import stored_versions
from fusionguard.registry.tracking import open_store, registry_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

BUNDLE_TAG = "bundle.sha256"
ORIGIN_TAG = "data.origin"
FAMILY_TAG = "model.family"
RUN_TAG = "zenml.run"
CHAMPION = "champion"
CHALLENGER = "challenger"


class RegisteredVersion(BaseModel):
    """One version of a registered model."""

    model_config = ConfigDict(frozen=True)

    name: str
    """The registered model's name: the model's, with the project's before it."""
    version: int
    run_id: str
    bundle_sha256: str
    origin: Origin
    """Where the training data came from: ``kaggle``, ``local`` or ``simulated``."""
    family: str = ""
    """What kind of model it is; empty where an older FusionGuard registered it, whose models are called as their families."""
    created: bool = False
    """Whether the call that returned this made it; false where the same bundle was registered before."""
    aliases: tuple[str, ...] = ()
    pipeline_run: str = ""
    """The run that registered it, by ZenML's name; empty where the registry does not say."""
    registered_at: datetime | None = None
    """When it was registered; null in what older runs have kept."""

    @property
    def simulated(self) -> bool:
        """Whether the model was trained on simulated data."""
        return self.origin == "simulated"


def family_name(home: Home, model: str) -> str:
    """Return what kind of model it is that is called ``model``; raises as :func:`list_versions` does."""
    name = find_model(home, model)
    if name in family_names():
        return name
    return next((version.family for version in reversed(list_versions(home, name)) if version.family), name)


def list_versions(home: Home, model: str) -> list[RegisteredVersion]:
    """Return every version of a model in the home's registry, oldest first; none where nothing was registered.

    Raises
    ------
    UnknownChoiceError
        It is neither a family's nor in the registry.
    RegistryError
        The registry fails.
    """
    name = PREFIX + find_model(home, model)
    stored = stored_versions(home, name)
    if stored is not None:
        return [describe_version(entry, entry.aliases) for entry in stored]
    client = open_store(home)
    with registry_errors(home.mlflow_uri):
        return read_versions(client, name)


def version_source(home: Home, version: RegisteredVersion) -> str:
    """Return the URI of the folder with a version's files; raises :class:`RegistryError`."""
    for stored in stored_versions(home, version.name) or ():
        if stored.version == version.version:
            return stored.source
    client = open_store(home)
    with registry_errors(home.mlflow_uri):
        return str(client.get_model_version_download_uri(version.name, str(version.version)))


def read_versions(client: MlflowClient, name: str) -> list[RegisteredVersion]:
    """Return every version of the registered model ``name``, oldest first, with their aliases."""
    aliases: dict[int, list[str]] = {}
    registered = client.search_registered_models(filter_string=f"name = '{name}'")
    for alias, version in (registered[0].aliases if registered else {}).items():
        aliases.setdefault(int(version), []).append(alias)
    found: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        found += page
        token = page.token
        if not token:
            break
    versions = [describe_version(entry, tuple(sorted(aliases.get(int(entry.version), ())))) for entry in found]
    return sorted(versions, key=lambda version: version.version)


def describe_version(entry: Any, aliases: tuple[str, ...] = (), *, created: bool = False) -> RegisteredVersion:
    """Return one of MLflow's model versions as ours.

    Raises
    ------
    RegistryError
        The version lacks the tags that FusionGuard writes: somebody else registered it.
    """
    missing = [tag for tag in (BUNDLE_TAG, ORIGIN_TAG) if tag not in entry.tags]
    if missing:
        raise RegistryError(
            f"Version {entry.version} of '{entry.name}' was not registered by FusionGuard: it has no tag '{missing[0]}'.",
            f"Delete that version, or give FusionGuard a registry in which '{entry.name}' is its own.",
        )
    return RegisteredVersion(
        name=entry.name,
        version=int(entry.version),
        run_id=entry.run_id,
        bundle_sha256=entry.tags[BUNDLE_TAG],
        origin=entry.tags[ORIGIN_TAG],
        family=entry.tags.get(FAMILY_TAG, ""),
        created=created,
        aliases=aliases,
        pipeline_run=entry.tags.get(RUN_TAG, ""),
        registered_at=datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC),
    )


def local_folder(source: str) -> Path | None:
    """Return where files lie on this disk by their URI, or None where they lie elsewhere."""
    parts = urlsplit(source)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
