"""Pages beside the card, each of which the dashboard shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType
from zenml.materializers.base_materializer import BaseMaterializer

from fusionguard.files import json_text
from materializers.transfer import get_bytes, put_bytes

_NAMES = "names.txt"


@dataclass(frozen=True)
class Pages:
    """HTML pages by name, in the order they are shown; there may be none."""

    pages: dict[str, str]


class PagesMaterializer(BaseMaterializer):
    """:class:`Pages`, a file each."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Pages,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Pages) -> None:
        """Write the pages, and a list of them."""
        for name, page in data.pages.items():
            put_bytes(self, f"{name}.html", page.encode("utf-8"))
        put_bytes(self, _NAMES, "\n".join(data.pages).encode("utf-8"))

    def load(self, data_type: type[Pages]) -> Pages:
        """Read the pages back."""
        names = get_bytes(self, _NAMES).decode("utf-8").split()
        return Pages({name: get_bytes(self, f"{name}.html").decode("utf-8") for name in names})

    def save_visualizations(self, data: Pages) -> dict[str, VisualizationType]:
        """Name every page as what to show."""
        return {f"{self.uri}/{name}.html": VisualizationType.HTML for name in data.pages}

    def extract_metadata(self, data: Pages) -> dict[str, Any]:
        """The pages' names."""
        return {"pages": list(data.pages)}

    def compute_content_hash(self, data: Pages) -> str:
        """The SHA-256 of all pages with their names."""
        return hashlib.sha256(json_text(data.pages).encode("utf-8")).hexdigest()
