"""Tables: the parquet files as they are."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

from fusionguard.data.table import Table
from fusionguard.files import sha256_file
from materializers.transfer import get_folder, put_files

_FOLDER = "table"


class TableMaterializer(BaseMaterializer):
    """A :class:`Table`: its files are stored under their order; metadata holds counts and types, never a row."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Table,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: Table) -> None:
        """Link or copy the parquet files into the artifact store."""
        put_files(self, ((file, f"{_FOLDER}/part-{number:05d}.parquet") for number, file in enumerate(data.files)))

    def load(self, data_type: type[Table]) -> Table:
        """Return a handle on the stored files; no row is read."""
        return Table(get_folder(self, _FOLDER))

    def extract_metadata(self, data: Table) -> dict[str, Any]:
        """Rows, columns and their types."""
        return {"rows": data.rows, "columns": {field.name: str(field.type) for field in data.schema}}

    def compute_content_hash(self, data: Table) -> str:
        """The SHA-256 over the files' own, so that steps downstream stay cached when the same bytes come again."""
        return hashlib.sha256("".join(sha256_file(file) for file in data.files).encode()).hexdigest()
