"""LightGBM's trees, in its own text format. Imported by the steps that train or read them: other pipelines need not load it."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import lightgbm as lgb
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_FILE = "model.txt"


class LightGBMMaterializer(BaseMaterializer):
    """A :class:`lightgbm.Booster`, as text."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (lgb.Booster,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: lgb.Booster) -> None:
        """Write the booster."""
        put_bytes(self, _FILE, data.model_to_string().encode("utf-8"))

    def load(self, data_type: type[lgb.Booster]) -> lgb.Booster:
        """Read the booster."""
        return lgb.Booster(model_str=get_bytes(self, _FILE).decode("utf-8"))

    def extract_metadata(self, data: lgb.Booster) -> dict[str, Any]:
        """Trees and features."""
        return {"booster": {"trees": data.num_trees(), "features": data.num_feature()}}

    def compute_content_hash(self, data: lgb.Booster) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(data.model_to_string().encode("utf-8")).hexdigest()
