"""The churn models in their own formats: LightGBM's text, CatBoost's binary.

Imported by the steps that train or read them, so that other pipelines need not load these libraries.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import catboost as cb
import lightgbm as lgb
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_LIGHTGBM_FILE = "model.txt"
_CATBOOST_FILE = "model.cbm"


class LightGBMMaterializer(BaseMaterializer):
    """A :class:`lightgbm.Booster`, as text."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (lgb.Booster,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: lgb.Booster) -> None:
        """Write the booster."""
        put_bytes(self, _LIGHTGBM_FILE, data.model_to_string().encode("utf-8"))

    def load(self, data_type: type[lgb.Booster]) -> lgb.Booster:
        """Read the booster."""
        return lgb.Booster(model_str=get_bytes(self, _LIGHTGBM_FILE).decode("utf-8"))

    def extract_metadata(self, data: lgb.Booster) -> dict[str, Any]:
        """Trees and features."""
        return {"booster": {"trees": data.num_trees(), "features": data.num_feature()}}

    def compute_content_hash(self, data: lgb.Booster) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(data.model_to_string().encode("utf-8")).hexdigest()


class CatBoostMaterializer(BaseMaterializer):
    """A :class:`catboost.CatBoost`, as CatBoost's binary format."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (cb.CatBoost,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: cb.CatBoost) -> None:
        """Write the model."""
        put_bytes(self, _CATBOOST_FILE, _to_bytes(data))

    def load(self, data_type: type[cb.CatBoost]) -> cb.CatBoost:
        """Read the model."""
        return cb.CatBoost().load_model(blob=get_bytes(self, _CATBOOST_FILE))

    def extract_metadata(self, data: cb.CatBoost) -> dict[str, Any]:
        """Trees and features."""
        return {"model": {"trees": int(data.tree_count_), "features": len(data.feature_names_)}}

    def compute_content_hash(self, data: cb.CatBoost) -> str:
        """The SHA-256 of the binary."""
        return hashlib.sha256(_to_bytes(data)).hexdigest()


def _to_bytes(model: cb.CatBoost) -> bytes:
    with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:  # CatBoost writes to files only
        file = Path(temporary) / _CATBOOST_FILE
        model.save_model(str(file))
        return file.read_bytes()
