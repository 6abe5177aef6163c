"""Networks, as ONNX."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import onnx
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_FILE = "model.onnx"


class OnnxMaterializer(BaseMaterializer):
    """An :class:`onnx.ModelProto`, serialized deterministically."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (onnx.ModelProto,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: onnx.ModelProto) -> None:
        """Write the model."""
        put_bytes(self, _FILE, data.SerializeToString(deterministic=True))

    def load(self, data_type: type[onnx.ModelProto]) -> onnx.ModelProto:
        """Read the model and check that it is one."""
        model = onnx.ModelProto.FromString(get_bytes(self, _FILE))
        onnx.checker.check_model(model)
        return model

    def extract_metadata(self, data: onnx.ModelProto) -> dict[str, Any]:
        """Nodes and parameters."""
        parameters = sum(_size(tensor.dims) for tensor in data.graph.initializer)
        return {"network": {"nodes": len(data.graph.node), "parameters": parameters}}

    def compute_content_hash(self, data: onnx.ModelProto) -> str:
        """The SHA-256 of the serialized bytes."""
        return hashlib.sha256(data.SerializeToString(deterministic=True)).hexdigest()


def _size(dims: Any) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total
