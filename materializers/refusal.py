"""What happens to a type without a materializer: it is refused. ZenML would pickle it."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.materializers.materializer_registry import materializer_registry


class RefusingMaterializer(BaseMaterializer):
    """Stands where ZenML's pickling fallback stood, and neither writes nor reads."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (object,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA
    SKIP_REGISTRATION: ClassVar[bool] = True

    def save(self, data: Any) -> NoReturn:
        """Refuse."""
        raise TypeError(f"No materializer stores {type(data).__name__}: add one to materializers/, nothing is pickled here.")

    def load(self, data_type: type[Any]) -> NoReturn:
        """Refuse."""
        raise TypeError(f"No materializer reads {data_type.__name__}: nothing is unpickled here.")


materializer_registry.default_materializer = RefusingMaterializer
