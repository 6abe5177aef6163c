"""Gradient-boosted trees, in XGBoost's own UBJ format."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import xgboost as xgb
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_FILE = "booster.ubj"


class BoosterMaterializer(BaseMaterializer):
    """An :class:`xgboost.Booster`, as UBJ."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (xgb.Booster,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: xgb.Booster) -> None:
        """Write the booster."""
        put_bytes(self, _FILE, bytes(data.save_raw("ubj")))

    def load(self, data_type: type[xgb.Booster]) -> xgb.Booster:
        """Read the booster."""
        return xgb.Booster(model_file=bytearray(get_bytes(self, _FILE)))

    def extract_metadata(self, data: xgb.Booster) -> dict[str, Any]:
        """Rounds and features."""
        return {"booster": {"rounds": data.num_boosted_rounds(), "features": data.num_features()}}

    def compute_content_hash(self, data: xgb.Booster) -> str:
        """The SHA-256 of the UBJ bytes."""
        return hashlib.sha256(bytes(data.save_raw("ubj"))).hexdigest()
