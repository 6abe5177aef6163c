"""What the assistant has and lacks here, as lines of the doctor's report."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from fusionguard.assistant.embedding import INSTALL, MODEL_PACKAGE, missing_packages
from fusionguard.assistant.index import open_index
from fusionguard.assistant.names import read_names
from fusionguard.assistant.settings import PREFIX, AssistantSettings, read_settings
from fusionguard.doctor import Finding, Status
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.home import Home

_GGUF = b"GGUF"
"""How such a file begins."""


def examine_assistant(home: Home) -> list[Finding]:
    """Look at index and models; nothing of it is needed by the pipelines, so nothing is called broken."""
    findings = [_index(home), _embedding_model()]
    try:
        settings = read_settings()
        read_names(settings.names)
    except UsageError as error:
        return [*findings, Finding("assistant's settings", Status.ABSENT, error.what, error.remedy)]
    return [*findings, _language_model(settings)]


def _index(home: Home) -> Finding:
    name = "assistant's index"
    if not home.assistant_index.exists():
        return Finding(name, Status.ABSENT, "none yet", "Build it: fusionguard index (make index)")
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


def _language_model(settings: AssistantSettings) -> Finding:
    name = "language model"
    library = _llama()
    if library is None:
        detail = "no llama-cpp-python; the assistant quotes and does not rewrite"
        return Finding(name, Status.ABSENT, detail, f"To let a model rewrite: {INSTALL}")
    if settings.model is None:
        return Finding(name, Status.OK, f"{library}; no model is chosen", f"To choose one, name a GGUF file in {PREFIX}MODEL.")
    try:
        with settings.model.open("rb") as stream:
            fault = "" if stream.read(len(_GGUF)) == _GGUF else "it is not a GGUF file"
    except OSError as error:
        fault = str(error.strerror)
    if fault:
        return Finding(name, Status.ABSENT, f"{settings.model} cannot be used: {fault}", f"Name another in {PREFIX}MODEL.")
    return Finding(name, Status.OK, f"{settings.model.name}, by {library}")


def _llama() -> str | None:
    if importlib.util.find_spec("llama_cpp") is None:
        return None
    return f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}"
