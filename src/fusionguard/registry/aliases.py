"""The release process: which version is champion, and how a name such as ``MODEL@champion`` becomes a bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fusionguard.errors import BundleError, RegistryError, UnknownChoiceError, UsageError
from fusionguard.families.catalog import family_names
from fusionguard.files import atomic_folder
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.history import AliasMove, keep_move
from fusionguard.registry.mlflow_model import BUNDLE_PATH
from fusionguard.registry.model_names import how_to_train, registered_name
from fusionguard.registry.pipeline_run import PipelineRun, this_process
from fusionguard.registry.tracking import one_writer, open_store, quiet_mlflow, registry_errors
from fusionguard.registry.versions import (
    CHAMPION,
    RegisteredVersion,
    list_versions,
    local_folder,
    read_versions,
    version_source,
)


def champion(home: Home, model: str) -> RegisteredVersion | None:
    """Return the version that has the alias ``champion``, or None where no version has it."""
    return next((version for version in list_versions(home, model) if CHAMPION in version.aliases), None)


def set_alias(home: Home, model: str, alias: str, version: int, *, why: str, run: PipelineRun | None = None) -> None:
    """Point ``alias`` at ``version``, away from whatever it pointed at, and keep who did that, when and why for ever.

    Nothing happens, and nothing is kept, where it points there already. The record is written before the alias moves: a process
    that dies in between leaves a record of a move that did not happen, and never a move without its record.

    Parameters
    ----------
    why
        What decided it, in a sentence for people.
    run
        The run that decided; this process by default.

    Raises
    ------
    RegistryError
        There is no such version, or the registry fails.
    """
    client, name = open_store(home), registered_name(model)
    with registry_errors(home.mlflow_uri), one_writer(home):
        versions = read_versions(client, name)
        known = [entry.version for entry in versions]
        if version not in known:
            raise RegistryError(f"'{name}' has no version {version}.", f"It has: {', '.join(map(str, known)) or 'none'}.")
        before = next((entry.version for entry in versions if alias in entry.aliases), None)
        if before == version:
            return
        run = run or this_process()
        move = AliasMove(
            alias=alias,
            at=datetime.now(UTC),
            before=before,
            after=version,
            by=run.source.user,
            run=run.name,
            command=run.source.command,
            why=why,
        )
        key = keep_move(client, name, move)
        try:
            client.set_registered_model_alias(name, alias, str(version))
        except BaseException:
            if not any(entry.version == version and alias in entry.aliases for entry in read_versions(client, name)):
                client.delete_registered_model_tag(name, key)  # else a server has done it, and its answer was lost
            raise


def find_version(home: Home, spec: str) -> RegisteredVersion:
    """Return the version that ``spec`` names: ``MODEL@champion``, ``MODEL@challenger`` or ``MODEL@3``.

    Raises
    ------
    UnknownChoiceError
        No such model, alias or version; the message lists those that exist.
    RegistryError
        Nothing is registered, or the registry fails.
    """
    model, _, wanted = spec.partition("@")
    name = registered_name(model)
    versions = list_versions(home, model)
    if not versions:
        raise RegistryError(f"No version of '{name}' is registered yet.", f"Train one first: {how_to_train(model)}.")
    for version in versions:
        if wanted in version.aliases or wanted == str(version.version):
            return version
    if wanted == "champion":
        raise RegistryError(
            f"'{name}' has no champion: the gate has promoted none of its versions.",
            f"`fusionguard models` says why; take one as it is with {model}@{versions[-1].version}.",
        )
    exist = [alias for version in versions for alias in version.aliases] + [str(version.version) for version in versions]
    raise UnknownChoiceError(f"version or alias of '{name}'", wanted, exist)


def resolve_bundle(home: Home, spec: str) -> Bundle:
    """Return the checked bundle that ``spec`` names: a bundle's folder, or a version as in :func:`find_version`.

    A bundle of a remote registry is downloaded once, into the home.

    Raises
    ------
    UsageError
        ``spec`` is neither a folder nor of the form ``model@alias``; or names a version that does not exist.
    BundleError
        The bundle is incomplete or altered, is not the one that was registered, or its files are gone.
    RegistryError
        The registry fails.
    """
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return Bundle.open(folder)
    if "@" not in spec:
        raise UsageError(
            f"There is no bundle folder '{spec}'.",
            f"Name a folder that a run has written, or a version such as {family_names()[0]}@champion.",
        )
    version = find_version(home, spec)
    bundle = Bundle.open(_bundle_folder(home, version))
    if bundle.sha256 != version.bundle_sha256:
        raise BundleError(
            f"The bundle of '{version.name}' version {version.version} is not the one that was registered (its SHA-256 differs).",
            "Use another version of the model, or train it again with run.py.",
        )
    return bundle


def _bundle_folder(home: Home, version: RegisteredVersion) -> Path:
    source = version_source(home, version)
    local = local_folder(source)
    if local is None:
        return _download(home, version, source)
    if not local.is_dir():
        raise BundleError(
            f"The files of '{version.name}' version {version.version} are gone: {local}.",
            "Put them back, use another version, or run the pipeline that made it again: it restores them.",
        )
    return local / BUNDLE_PATH


def _download(home: Home, version: RegisteredVersion, source: str) -> Path:
    """Return the home's own copy of a remote bundle, fetched where there is none or it is damaged."""
    kept = home.state / "bundles" / version.bundle_sha256
    try:
        Bundle.open(kept)
    except BundleError:
        with quiet_mlflow(), registry_errors(home.mlflow_uri), atomic_folder(kept) as folder:
            from mlflow.artifacts import download_artifacts

            got = Path(download_artifacts(f"{source}/{BUNDLE_PATH}", dst_path=str(folder), tracking_uri=home.mlflow_uri))
            for file in got.iterdir():
                file.rename(folder / file.name)
            for emptied in (path for path in (got, *got.parents) if folder in path.parents):
                emptied.rmdir()
    return kept
