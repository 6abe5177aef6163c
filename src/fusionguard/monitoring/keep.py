"""What a monitoring run leaves: the page with its pictures for people, its numbers, and a line in the history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.files import atomic_folder
from fusionguard.home import Home
from fusionguard.monitoring.detail import FILE as DETAIL
from fusionguard.monitoring.detail import VerdictDetail

PAGE, TEXT, PLOTS = "verdict.html", "verdict.md", "plots"


class KeptVerdict(BaseModel):
    """Where a verdict's files are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: Path
    text: Path


def keep_verdict(
    home: Home, model: str, run: str, *, page: str, text: str, images: Mapping[str, bytes], detail: VerdictDetail
) -> KeptVerdict:
    """Write a run's folder, whole or not at all.

    Raises
    ------
    StorageError
        The disk is full, or the home cannot be written.
    """
    target = home.monitoring / model / run
    with atomic_folder(target) as folder:
        (folder / PAGE).write_text(page, encoding="utf-8")
        (folder / TEXT).write_text(text, encoding="utf-8")
        (folder / DETAIL).write_text(detail.model_dump_json() + "\n", encoding="utf-8")
        (folder / PLOTS).mkdir()
        for name, image in images.items():
            (folder / PLOTS / f"{name}.png").write_bytes(image)
    return KeptVerdict(page=target / PAGE, text=target / TEXT)
