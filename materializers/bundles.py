"""Bundles: the model's folder as it is, checked when it is read."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from fusionguard.models.bundle import Bundle
from materializers.transfer import get_folder, put_files

_FOLDER = "bundle"


class BundleMaterializer(BaseMaterializer):
    """A :class:`Bundle`: every file of its folder; loading verifies each SHA-256."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Bundle,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: Bundle) -> None:
        """Link or copy the folder's files."""
        files = sorted(path for path in data.folder.rglob("*") if path.is_file())
        put_files(self, ((file, f"{_FOLDER}/{file.relative_to(data.folder).as_posix()}") for file in files))

    def load(self, data_type: type[Bundle]) -> Bundle:
        """Open the folder; an altered file is a :class:`~fusionguard.errors.BundleError`."""
        return Bundle.open(get_folder(self, _FOLDER))

    def extract_metadata(self, data: Bundle) -> dict[str, Any]:
        """Version, model, origin and seed."""
        manifest = data.manifest
        facts = {"sha256": data.sha256, "model": manifest.model, "data.origin": manifest.origin, "seed": manifest.seed}
        return {"bundle": facts}

    def compute_content_hash(self, data: Bundle) -> str:
        """The bundle's SHA-256."""
        return data.sha256
