"""Files to and from an artifact store: links where the store is a local folder, copies elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zenml.artifact_stores import BaseArtifactStore
from zenml.materializers.base_materializer import BaseMaterializer

from fusionguard.files import link_or_copy, storage_errors


def put_files(materializer: BaseMaterializer, files: Iterable[tuple[Path, str]]) -> None:
    """Store files under their names; a local store gets hard links, which cost no space (no file is rewritten in place)."""
    for source, name in files:
        target = f"{materializer.uri}/{name}"
        if _is_local(materializer.artifact_store):
            with storage_errors(Path(target)):
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source, Path(target))
        else:
            materializer.artifact_store.makedirs(target.rpartition("/")[0])
            materializer.artifact_store.copyfile(str(source), target)


def put_bytes(materializer: BaseMaterializer, name: str, content: bytes) -> None:
    """Store ``content`` under ``name``."""
    target = f"{materializer.uri}/{name}"
    with storage_errors(Path(target)), materializer.artifact_store.open(target, "wb") as stream:
        stream.write(content)


def get_bytes(materializer: BaseMaterializer, name: str) -> bytes:
    """Return what is stored under ``name``."""
    with materializer.artifact_store.open(f"{materializer.uri}/{name}", "rb") as stream:
        return bytes(stream.read())


def get_folder(materializer: BaseMaterializer, name: str) -> Path:
    """Return a local folder with what is stored under ``name``: the store's own if it is local, else a download."""
    uri = f"{materializer.uri}/{name}"
    store = materializer.artifact_store
    if _is_local(store):
        return Path(uri)
    with materializer.get_temporary_directory(delete_at_exit=False) as temporary:
        return _download(store, uri, Path(temporary) / name)


def _download(store: BaseArtifactStore, uri: str, target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(str(item) for item in store.listdir(uri)):
        if store.isdir(f"{uri}/{entry}"):
            _download(store, f"{uri}/{entry}", target / entry)
        else:
            store.copyfile(f"{uri}/{entry}", str(target / entry))
    return target


def _is_local(store: BaseArtifactStore) -> bool:
    return bool(store.config.is_local)
