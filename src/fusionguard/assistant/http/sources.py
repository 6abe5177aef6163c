"""What the index holds, file by file."""

from __future__ import annotations

from typing import Any

from fusionguard.assistant.index import Index


def list_sources(index: Index) -> list[dict[str, Any]]:
    """Return each file with its kind, its passages and headings counted, and what it was made by."""
    files: dict[str, dict[str, Any]] = {}
    headings: dict[str, set[str]] = {}
    for passage in index.passages():
        about = files.setdefault(
            passage.file, {"file": passage.file, "kind": passage.kind, "passages": 0, "headings": 0, "source": passage.source}
        )
        about["passages"] += 1
        headings.setdefault(passage.file, set()).add(passage.heading)
        about["headings"] = len(headings[passage.file])
    return list(files.values())
