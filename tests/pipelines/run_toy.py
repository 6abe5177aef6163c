"""``run.py`` with one more pipeline, the toy."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import run
from pipelines.catalog import CATALOG
from tests.pipelines.toy_entry import ENTRY

if __name__ == "__main__":
    CATALOG["toy"] = ENTRY  # type: ignore[index]
    sys.exit(run.main())
