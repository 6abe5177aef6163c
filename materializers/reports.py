"""Reports, plans, verdicts: every frozen pydantic model, as JSON."""

from __future__ import annotations

import hashlib
from inspect import isabstract
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ValidationError
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.materializers.materializer_registry import materializer_registry
from zenml.utils import source_utils

from fusionguard.errors import StorageError
from materializers.transfer import get_bytes, put_bytes

_FILE, _TYPE = "report.json", "type.txt"


@runtime_checkable
class Compared(Protocol):
    """A report that says what runs are compared by."""

    def flat_facts(self) -> dict[str, Any]:
        """Return numbers, flags and short texts by name."""


class ReportMaterializer(BaseMaterializer):
    """Any pydantic model, as deterministic JSON; what is short at its top level becomes metadata."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (BaseModel,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: BaseModel) -> None:
        """Write the model as JSON; where it is one of several kinds that a step may ask for as one, also which it is."""
        put_bytes(self, _FILE, _text(data).encode("utf-8"))
        if any(isabstract(base) for base in type(data).__mro__):
            put_bytes(self, _TYPE, source_utils.resolve(type(data)).import_path.encode("utf-8"))

    def load(self, data_type: type[BaseModel]) -> BaseModel:
        """Read the model back and check it against its type; a base class stands for whichever was stored."""
        if isabstract(data_type):
            data_type = source_utils.load_and_validate_class(get_bytes(self, _TYPE).decode("utf-8"), data_type)
        try:
            return data_type.model_validate_json(get_bytes(self, _FILE))
        except ValidationError as error:
            raise StorageError(
                f"A stored {data_type.__name__} does not read as one any more.", "Run again with --no-cache."
            ) from error

    def extract_metadata(self, data: BaseModel) -> dict[str, Any]:
        """What runs are compared by, an entry each; of other reports what is short at the top level, as one entry.

        ZenML compares entries, and writes each in a transaction of its own.
        """
        if isinstance(data, Compared):
            return data.flat_facts()
        values = data.model_dump(mode="json")
        short = {key: value for key, value in values.items() if _is_short(value)}
        return {"summary": short} if short else {}

    def compute_content_hash(self, data: BaseModel) -> str:
        """The SHA-256 of the JSON."""
        return hashlib.sha256(_text(data).encode("utf-8")).hexdigest()


# ZenML has a materializer of its own for pydantic models, which stores the type's whole JSON schema with every artifact.
materializer_registry.register_and_overwrite_type(BaseModel, ReportMaterializer)


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= 200)


def _text(data: BaseModel) -> str:
    return data.model_dump_json(indent=1) + "\n"  # in the order of the fields: the order of metrics means something
