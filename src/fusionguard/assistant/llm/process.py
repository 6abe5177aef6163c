"""The language model as the assistant sees it: a writer whose process is started, watched, and started anew with patience."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fusionguard.assistant.llm.environment import child_environment
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.writer import Message, WriterError

_log = logging.getLogger(__name__)

CHILD = (sys.executable, "-m", "fusionguard.assistant.llm.child")
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
"""After a process has died, the next is started no sooner; the pause doubles with each that dies before it has written."""
_OBEY_SECONDS = 2.0
"""How long a process may go on after it was told to stop; then it is ended."""


class LlamaProcess:
    """A GGUF model in a child process. One answer is written at a time; others wait for their turn within their own time.

    Parameters
    ----------
    model
        The GGUF file.
    settings
        Threads, layers on the GPU, context and time limits.
    command
        What starts the child.
    """

    def __init__(self, model: Path, settings: AssistantSettings, command: Sequence[str] = CHILD) -> None:
        self._model, self._settings, self._command = model, settings, tuple(command)
        self._turn = threading.Lock()  # who holds it talks to the child
        self._child: _Child | None = None
        self._failures, self._not_before, self._trouble = 0, 0.0, ""
        self._closed = False
        if importlib.util.find_spec("llama_cpp") is None:
            self._closed = True
            self._trouble = "llama-cpp-python is not installed: make setup-llm"

    @property
    def name(self) -> str:
        """The file's name."""
        return self._model.name

    @property
    def trouble(self) -> str:
        """Why it does not write at the moment; empty where nothing is known against it."""
        return self._trouble

    @property
    def process_id(self) -> int | None:
        """The child's process id, where one runs."""
        child = self._child
        return child.process.pid if child is not None and child.alive else None

    def start(self) -> None:
        """Begin to load the model, without waiting for it."""
        threading.Thread(target=self._warm_up, name="language model", daemon=True).start()

    def count_tokens(self, text: str, *, seconds: float) -> int:
        """Return how many tokens a text takes; raises :class:`WriterError`."""
        with self._conversation(time.monotonic() + seconds, {"count": text}) as said:
            return int(next(said)["tokens"])

    def write(
        self, messages: Sequence[Message], *, most_tokens: int, seconds: float, cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Write an answer, piece by piece; raises :class:`WriterError`."""
        request = {"messages": [list(message) for message in messages], "most_tokens": most_tokens}
        with self._conversation(time.monotonic() + seconds, request, cancel) as said:
            for content in said:
                if "text" in content:
                    self._failures = 0
                    yield content["text"]

    def close(self) -> None:
        """End the child."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            child.end()

    @contextmanager
    def _conversation(
        self, until: float, request: dict[str, Any], cancel: threading.Event | None = None
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """Take the turn, send a request, and give what comes back; whatever ends it, the child is left ready or ended."""
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            raise WriterError("The language model is busy with other answers.", "Ask again in a moment.", reason="busy")
        try:
            with closing(self._ready(until).ask(request, until, cancel)) as said:
                yield said
        except _DiedError as error:
            raise self._died(str(error)) from None
        finally:
            self._settle()
            self._turn.release()

    def _ready(self, until: float) -> _Child:
        """Return a child that has loaded the model; call it with the turn taken."""
        if self._closed:
            raise WriterError(f"The language model cannot be used: {self._trouble or 'it was closed'}.", reason="unavailable")
        if self._child is not None and not self._child.alive:
            self._died("it ended between two answers")
        if self._child is None:
            wait = self._not_before - time.monotonic()
            if wait > 0:
                told = f"{self._trouble} It is tried again in {wait:.0f} s."
                raise WriterError(told, reason="unavailable")
            self._child = _Child(self._command, self._load_request(), time.monotonic() + self._settings.load_seconds)
        self._child.wait_ready(until)
        self._trouble = ""
        return self._child

    def _died(self, why: str) -> WriterError:
        """Note that the child is gone, and when the next may be started."""
        child, self._child = self._child, None
        if child is not None:
            child.end()
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._failures)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        self._trouble = f"The language model {self._model.name} stopped: {why}."
        _log.warning("%s The next start is in %.0f s at the soonest.", self._trouble, pause)
        return WriterError(self._trouble, "Answers quote the passages until it works again.", reason="died")

    def _settle(self) -> None:
        """End a child that did not stop writing when it was told to: what it still writes belongs to nobody."""
        child = self._child
        if child is not None and child.stuck:
            self._child = None
            child.end()

    def _warm_up(self) -> None:
        try:
            self.count_tokens("ready", seconds=self._settings.load_seconds)
        except WriterError as error:
            _log.warning("%s", error)

    def _load_request(self) -> dict[str, Any]:
        chosen = self._settings
        return {
            "model": str(self._model),
            "context_tokens": chosen.context_tokens,
            "threads": chosen.threads,
            "gpu_layers": chosen.gpu_layers,
        }


class _DiedError(Exception):
    """The child ended, or said that it cannot work."""


class _Child:
    """One process: what is sent to it and what it says, line by line."""

    def __init__(self, command: Sequence[str], load: dict[str, Any], loaded_until: float) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=child_environment(os.environ),
        )
        self.stuck = False
        self._ready = False
        self._loaded_until = loaded_until
        self._numbers = 0
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, name="language model's words", daemon=True).start()
        self._send(load)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def wait_ready(self, until: float) -> None:
        """Wait until the model is loaded."""
        while not self._ready:
            try:
                content = self._said.get(timeout=max(0.0, min(until, self._loaded_until) - time.monotonic()))
            except queue.Empty:
                if time.monotonic() >= self._loaded_until:
                    raise _DiedError("it took too long to load") from None
                raise WriterError(
                    "The language model is still being loaded.", "Ask again in a moment.", reason="loading"
                ) from None
            if content is None:
                raise _DiedError(f"its process ended with status {self.process.wait(_OBEY_SECONDS)}")
            if "error" in content:
                raise _DiedError(f"it cannot be read ({content['error']})")
            self._ready = True

    def ask(self, request: dict[str, Any], until: float, cancel: threading.Event | None = None) -> Generator[dict[str, Any]]:
        """Send a request and yield what comes back until it is done, cancelled or out of time."""
        self._numbers += 1
        number = self._numbers
        self._send(request | {"id": number})
        done = False
        try:
            while not done:
                if cancel is not None and cancel.is_set():
                    return
                try:
                    content = self._said.get(timeout=min(0.1, max(0.001, until - time.monotonic())))
                except queue.Empty:
                    if time.monotonic() >= until:
                        raise WriterError("The language model took too long.", reason="timeout") from None
                    continue
                if content is None:
                    raise _DiedError("its process was ended")
                if content.get("id") != number:
                    continue
                if "failed" in content:
                    raise _DiedError(content["failed"])
                done = "done" in content or "tokens" in content
                yield content
                if not done and time.monotonic() >= until:
                    raise WriterError("The language model took too long.", reason="timeout")
        finally:
            if not done and self.alive:
                self._stop(number)

    def end(self) -> None:
        """End it now."""
        if self.alive:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # it had not read all that was sent

    def _stop(self, number: int) -> None:
        """Tell it to stop writing, and wait for it a little."""
        try:
            self._send({"cancel": number})
        except _DiedError:
            return
        until = time.monotonic() + _OBEY_SECONDS
        while time.monotonic() < until:
            try:
                content = self._said.get(timeout=0.1)
            except queue.Empty:
                continue
            if content is None or (content.get("id") == number and ("done" in content or "failed" in content)):
                return
        self.stuck = True

    def _send(self, content: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(content) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise _DiedError("its process was ended") from None

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self._said.put(json.loads(line))
        except ValueError:
            _log.warning("The language model's process said something that is not JSON, or was ended in the middle of a line.")
        self._said.put(None)
