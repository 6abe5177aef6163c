"""Copies of a bundle that differ in what they say."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fusionguard.models.bundle import Bundle

Change = Callable[[dict[str, Any]], object]


def changed(bundle: Bundle, folder: Path, change: Change) -> Bundle:
    """Return a copy of a bundle whose settings are others."""
    copy = Path(shutil.copytree(bundle.folder, folder / "changed"))
    facts = bundle.manifest.model_dump(mode="json", exclude={"files"})
    change(facts["config"])
    (copy / "MANIFEST.json").unlink()
    return Bundle.seal(copy, **facts)
