"""Figures: PNG images, and an offline page that shows them together."""

from __future__ import annotations

import base64
import hashlib
import html
from dataclasses import dataclass
from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.transfer import get_bytes, put_bytes

_PAGE = "figures.html"


@dataclass(frozen=True)
class Figures:
    """PNG images by name, in the order they are shown."""

    title: str
    images: dict[str, bytes]

    def page(self) -> str:
        """Return one HTML page with every image inline, so that it needs no network and no other file."""
        parts = [f"<h1>{html.escape(self.title)}</h1>"]
        for name, png in self.images.items():
            label = html.escape(name.replace("_", " "))
            data = base64.b64encode(png).decode("ascii")
            parts.append(
                f'<figure><img alt="{label}" src="data:image/png;base64,{data}"><figcaption>{label}</figcaption></figure>'
            )
        style = "body{font-family:sans-serif;margin:1.5rem}img{max-width:100%}figure{margin:0 0 2rem}figcaption{color:#555}"
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(self.title)}</title>'
            f"<style>{style}</style></head><body>{''.join(parts)}</body></html>\n"
        )


class FiguresMaterializer(BaseMaterializer):
    """:class:`Figures`: the page, which holds them all, is what the dashboard shows."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Figures,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Figures) -> None:
        """Write the images, a list of them, and the page."""
        for number, png in enumerate(data.images.values()):
            put_bytes(self, f"{number:02d}.png", png)
        put_bytes(self, "names.txt", "\n".join([data.title, *data.images]).encode("utf-8"))
        put_bytes(self, _PAGE, data.page().encode("utf-8"))

    def load(self, data_type: type[Figures]) -> Figures:
        """Read the images back."""
        title, *names = get_bytes(self, "names.txt").decode("utf-8").split("\n")
        return Figures(title, {name: get_bytes(self, f"{number:02d}.png") for number, name in enumerate(names)})

    def save_visualizations(self, data: Figures) -> dict[str, VisualizationType]:
        """Name the page as what to show."""
        return {f"{self.uri}/{_PAGE}": VisualizationType.HTML}

    def extract_metadata(self, data: Figures) -> dict[str, Any]:
        """The images' names."""
        return {"images": list(data.images)}

    def compute_content_hash(self, data: Figures) -> str:
        """The SHA-256 of the page."""
        return hashlib.sha256(data.page().encode("utf-8")).hexdigest()
