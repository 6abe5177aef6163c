"""CatBoost's trees, in its own binary format. Imported by the steps that train or read them: other pipelines need not load it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import catboost as cb
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_FILE = "model.cbm"


class CatBoostMaterializer(BaseMaterializer):
    """A :class:`catboost.CatBoost`, as CatBoost's binary format."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (cb.CatBoost,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: cb.CatBoost) -> None:
        """Write the model."""
        put_bytes(self, _FILE, _to_bytes(data))

    def load(self, data_type: type[cb.CatBoost]) -> cb.CatBoost:
        """Read the model."""
        return cb.CatBoost().load_model(blob=get_bytes(self, _FILE))

    def extract_metadata(self, data: cb.CatBoost) -> dict[str, Any]:
        """Trees and features."""
        return {"model": {"trees": int(data.tree_count_), "features": len(data.feature_names_)}}

    def compute_content_hash(self, data: cb.CatBoost) -> str:
        """The SHA-256 of the binary."""
        return hashlib.sha256(_to_bytes(data)).hexdigest()


def _to_bytes(model: cb.CatBoost) -> bytes:
    with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:  # CatBoost writes to files only
        file = Path(temporary) / _FILE
        model.save_model(str(file))
        return file.read_bytes()
