"""What the assistant has and lacks here, as lines of the doctor's report."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from fusionguard.assistant.embedding import INSTALL, MODEL_PACKAGE, missing_packages
from fusionguard.assistant.index import open_index
from fusionguard.doctor import Finding, Status
from fusionguard.errors import FusionGuardError
from fusionguard.home import Home


def examine_assistant(home: Home) -> list[Finding]:
    """Look at index and models; nothing of it is needed by the pipelines, so nothing is called broken."""
    return [_index(home), _embedding_model(), _language_model()]


def _index(home: Home) -> Finding:
    name = "assistant's index"
    if not home.assistant_index.exists():
        return Finding(name, Status.ABSENT, "none yet", "Build it: make index")
    try:
        with open_index(home.assistant_index, words_only=True) as index:
            return Finding(name, Status.OK, f"{len(index.passages()):,} passages")
    except FusionGuardError as error:
        return Finding(name, Status.ABSENT, error.what, error.remedy)


def _embedding_model() -> Finding:
    missing = missing_packages()
    if missing:
        detail = f"without {', '.join(missing)} the assistant searches by words alone"
        return Finding("embedding model", Status.ABSENT, detail, f"To search by meaning, too: {INSTALL}")
    return Finding("embedding model", Status.OK, f"MiniLM int8, {importlib.metadata.version(MODEL_PACKAGE)}")


def _language_model() -> Finding:
    if importlib.util.find_spec("llama_cpp") is None:
        detail = "no llama-cpp-python; the assistant quotes and does not rewrite"
        return Finding("language model", Status.ABSENT, detail, f"To let a model rewrite: {INSTALL}")
    return Finding("language model", Status.OK, f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}")
