"""The language model's process: it may be slow, wrong, killed or damaged, and takes nobody along."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionguard.assistant.answers import Answer, Persona, Question
from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.index import Index
from fusionguard.assistant.llm import process
from fusionguard.assistant.llm.process import LlamaProcess
from fusionguard.assistant.numbers import missing_numbers
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.assistant.units import split_units
from fusionguard.assistant.writer import Message, WriterError
from fusionguard.home import Home

HELLO = (Message("user", "Say hello."),)

CHILD = """
import json, os, sys, threading, time
def say(**content): print(json.dumps(content), flush=True)
load = json.loads(sys.stdin.readline())
{start}
say(ready=True)
for line in sys.stdin:
    request = json.loads(line)
    if "cancel" in request: say(id=request["cancel"], done=0); continue
    if "count" in request: say(id=request["id"], tokens=len(request["count"].split())); continue
    {write}
    say(id=request["id"], done=1)
"""
"""A child that speaks the protocol and does what a test needs, without a model."""

Start = Callable[..., LlamaProcess]


ORPHAN = """
import importlib.util, os, signal, sys, time
from pathlib import Path
from fusionguard.assistant.llm.process import CHILD, LlamaProcess
from fusionguard.assistant.settings import AssistantSettings
stub = "import sys, runpy, types; llama = types.ModuleType('llama_cpp'); import time; " \
    "llama.Llama = lambda **more: time.sleep(600); sys.modules['llama_cpp'] = llama; " \
    "runpy.run_module('fusionguard.assistant.llm.child', run_name='__main__')"
importlib.util.find_spec = lambda name: object()
writer = LlamaProcess(Path(sys.argv[1]), AssistantSettings(), (sys.executable, "-c", stub))
writer.start()
while writer.process_id is None: time.sleep(0.01)
time.sleep(2)
print(writer.process_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A service that is killed while its model is still being loaded."""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts such children; llama-cpp-python need not be installed for them."""
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: object())
    started: list[LlamaProcess] = []

    def call(write: str, start: str = "", **settings: object) -> LlamaProcess:
        script = tmp_path / "child.py"
        script.write_text(CHILD.format(start=start, write=write))
        chosen = AssistantSettings.model_validate({"answer_seconds": 20} | settings)
        started.append(LlamaProcess(tmp_path / "some.gguf", chosen, (sys.executable, str(script))))
        return started[-1]

    yield call
    for each in started:
        each.close()


def _write(writer: LlamaProcess, seconds: float = 20, cancel: threading.Event | None = None) -> str:
    return "".join(writer.write(HELLO, most_tokens=8, seconds=seconds, cancel=cancel))


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_it_writes_comes_piece_by_piece(start: Start) -> None:
    writer = start("say(id=request['id'], text='Hel'); say(id=request['id'], text='lo.')")
    assert list(writer.write(HELLO, most_tokens=8, seconds=20)) == ["Hel", "lo."]
    assert writer.count_tokens("one two three", seconds=60) == 3
    assert writer.trouble == ""


def test_a_killed_process_is_said_and_started_anew_after_a_pause(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_SECONDS", 0.3)
    writer = start("say(id=request['id'], text=str(os.getpid()))")
    pid = int(_write(writer))
    assert writer.process_id == pid
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WriterError) as caught:
        _write(writer)
    assert caught.value.reason == "died" or caught.value.reason == "unavailable"
    assert "some.gguf" in writer.trouble
    until = time.monotonic() + 20
    while True:
        try:
            again = int(_write(writer))
            break
        except WriterError as error:
            assert error.reason == "unavailable" and time.monotonic() < until
            time.sleep(0.05)
    assert again != pid and _gone(pid)
    assert writer.trouble == ""


def test_one_killed_while_it_writes_breaks_off(start: Start) -> None:
    writer = start("say(id=request['id'], text='He'); time.sleep(60)")
    pieces = writer.write(HELLO, most_tokens=8, seconds=30)
    assert next(pieces) == "He"
    assert writer.process_id is not None
    os.kill(writer.process_id, signal.SIGKILL)
    with pytest.raises(WriterError) as caught:
        next(pieces)
    assert caught.value.reason == "died"


def test_pauses_grow_with_each_start_that_fails(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(process.time, "monotonic", lambda: now[0])
    writer = start("", start="say(error='damaged'); sys.exit(1)")
    pauses = []
    for _ in range(3):
        with pytest.raises(WriterError, match="damaged"):
            writer.count_tokens("x", seconds=60)
        with pytest.raises(WriterError, match="tried again in") as caught:
            writer.count_tokens("x", seconds=60)
        assert caught.value.reason == "unavailable"
        pauses.append(writer._not_before - now[0])
        now[0] = writer._not_before + 0.01
    assert pauses == [1.0, 2.0, 4.0]


def test_one_that_hangs_is_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_OBEY_SECONDS", 0.3)
    writer = start("time.sleep(60)")
    writer.count_tokens("loaded", seconds=60)
    pid = writer.process_id
    assert pid is not None
    with pytest.raises(WriterError) as caught:
        _write(writer, seconds=0.3)
    assert caught.value.reason == "timeout"
    assert _gone(pid)
    assert writer.count_tokens("it goes on", seconds=60) == 3


def test_a_stop_ends_the_stream_and_keeps_the_process(start: Start) -> None:
    writer = start("say(id=request['id'], text='He')\n    while json.loads(sys.stdin.readline()).get('cancel') is None: pass")
    cancel = threading.Event()
    pieces = writer.write(HELLO, most_tokens=8, seconds=30, cancel=cancel)
    assert next(pieces) == "He"
    pid = writer.process_id
    cancel.set()
    assert list(pieces) == []
    assert writer.process_id == pid
    assert writer.count_tokens("still here", seconds=60) == 2


def test_others_wait_for_their_turn_and_no_longer_than_they_may(start: Start) -> None:
    writer = start("say(id=request['id'], text='He'); time.sleep(1.5)")
    pieces = writer.write(HELLO, most_tokens=8, seconds=30)
    assert next(pieces) == "He"
    with pytest.raises(WriterError) as caught:
        _write(writer, seconds=0.2)
    assert caught.value.reason == "busy"
    assert list(pieces) == []


def test_it_gets_no_secret_of_the_services_environment(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-a-model")
    monkeypatch.setenv("FUSIONGUARD_ASSISTANT_KEYS", "keys.json")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    writer = start('say(id=request["id"], text=" ".join(os.environ))')
    names = _write(writer).split()
    assert "CUDA_VISIBLE_DEVICES" in names and "PATH" in names
    assert not {"AWS_SECRET_ACCESS_KEY", "FUSIONGUARD_ASSISTANT_KEYS"} & set(names)


@pytest.mark.full
def test_a_killed_service_leaves_no_process_that_still_loads(tmp_path: Path) -> None:
    model = tmp_path / "some.gguf"
    model.write_bytes(b"GGUF")
    killed = subprocess.run([sys.executable, "-c", ORPHAN, str(model)], capture_output=True, text=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    child, until = int(killed.stdout), time.monotonic() + 20
    while not _gone(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert _gone(child)


def test_without_llama_cpp_python_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    writer = LlamaProcess(Path("some.gguf"), AssistantSettings())
    with pytest.raises(WriterError, match="make setup-llm"):
        writer.count_tokens("x", seconds=60)


def test_a_closed_one_leaves_no_process(start: Start) -> None:
    writer = start("")
    writer.count_tokens("x", seconds=60)
    pid = writer.process_id
    assert pid is not None
    writer.close()
    assert _gone(pid)
    with pytest.raises(WriterError):
        writer.count_tokens("x", seconds=60)


QUESTIONS = (
    "At how many degrees is coffee brewed?",
    "How is the kettle descaled?",
    "When must the filter be rinsed?",
    "How many litres of water does the kettle boil?",
)


@pytest.mark.long
@pytest.mark.full
def test_nothing_the_real_model_makes_up_is_shown(gguf: Path, knowledge: Index, lenient: None) -> None:
    settings = AssistantSettings(model=gguf, answer_seconds=120)
    writer = LlamaProcess(gguf, settings)
    assistant = Assistant(knowledge, settings, Toolbox(()), writer)
    by_model = 0
    try:
        for question in QUESTIONS:
            for persona in Persona:
                *pieces, last = assistant.stream(Question(text=question, persona=persona))
                assert last.answer is not None and last.answer.reason in ("", "unsupported")
                if last.answer.kind == "answer":
                    assert "".join(piece.text for piece in pieces) == last.answer.text
                if last.answer.written_by == "model":
                    by_model += 1
                    _check(last.answer)
    finally:
        assistant.close()
    assert by_model > 0, "the model wrote nothing that stands in the passages: this test has seen nothing"


def _check(answer: Answer) -> None:
    """Every sentence cites what is there, and every number stands in what is cited."""
    sources = {each.number: each.text for each in answer.citations}
    for line in re.split(r"(?<=\])\s+", answer.text):
        cited = [int(number) for number in re.findall(r"\[(\d+)\]", line)]
        assert cited and set(cited) <= set(sources)
        units = [unit.text for number in cited for unit in split_units(sources[number])]
        assert not missing_numbers(re.sub(r"\[\d+\]", "", line), "\n".join(units))


@pytest.mark.full
def test_the_real_model_survives_a_kill_and_a_damaged_file_is_said(
    gguf: Path, knowledge: Index, lenient: None, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(gguf.read_bytes()[:5_000_000])
    settings = AssistantSettings(model=damaged, answer_seconds=60)
    assistant = Assistant(knowledge, settings, Toolbox(()), LlamaProcess(damaged, settings))
    answer = assistant.answer(Question(text=QUESTIONS[0]))
    assert (answer.kind, answer.written_by, answer.reason) == ("answer", "extract", "died")
    assistant.writer.close()  # type: ignore[union-attr]

    settings = AssistantSettings(model=gguf, answer_seconds=60)
    writer = LlamaProcess(gguf, settings)
    assistant = Assistant(knowledge, settings, Toolbox(()), writer)
    assert writer.count_tokens("one two", seconds=60) > 0
    assert writer.process_id is not None
    # where memory runs out, the kernel ends this process before any other
    assert Path(f"/proc/{writer.process_id}/oom_score_adj").read_text().strip() == "1000"
    os.kill(writer.process_id, signal.SIGKILL)
    answer = assistant.answer(Question(text=QUESTIONS[0]))
    assert (answer.kind, answer.written_by) == ("answer", "extract")
    assert answer.reason in ("died", "unavailable")
    writer.close()


@pytest.mark.full
def test_the_real_model_stops_in_time_and_when_told(gguf: Path, knowledge: Index, lenient: None) -> None:
    settings = AssistantSettings(model=gguf)
    writer = LlamaProcess(gguf, settings)
    try:
        writer.count_tokens("loaded", seconds=60)
        began = time.monotonic()
        with pytest.raises(WriterError) as caught:
            for _ in writer.write((Message("user", "Count to ten thousand."),), most_tokens=1000, seconds=0.1):
                pass
        assert caught.value.reason == "timeout"
        assert time.monotonic() - began < 30
        cancel = threading.Event()
        pieces = writer.write((Message("user", "Count to ten thousand."),), most_tokens=1000, seconds=60, cancel=cancel)
        next(pieces)
        cancel.set()
        assert len(list(pieces)) <= 1
    finally:
        writer.close()


def test_opening_without_an_index_or_with_a_model_that_is_not_there_says_what_to_do(home: Home, knowledge_home: Home) -> None:
    from fusionguard.errors import StorageError, UsageError

    with pytest.raises(StorageError, match="make index"):
        Assistant.open(home, AssistantSettings(), {})
    with pytest.raises(UsageError, match="FUSIONGUARD_ASSISTANT_MODEL"):
        Assistant.open(knowledge_home, AssistantSettings(model=Path("/nowhere.gguf")), {})
    Assistant.open(knowledge_home, AssistantSettings(), {}).close()
