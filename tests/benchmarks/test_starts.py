"""What starting costs: verdicts are computed, an earlier version stands beside, and a command that fails is no measurement."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.machine import Machine
from benchmarks.measure import CHECKOUT, BenchmarkError
from benchmarks.starts import measuring
from benchmarks.starts.__main__ import main
from benchmarks.starts.measuring import Command, Start, StartResults, Took, Version, measure, quick_commands
from benchmarks.starts.section import section

MACHINE = Machine(
    cores=2,
    memory_gb=8,
    system="Debian",
    python="3.11",
    libraries={"zenml": "1", "mlflow": "3", "great-expectations": "1", "torch": "2"},
    load=0.1,
)


def _results(*, compared: bool) -> StartResults:
    before = Took(processor=1.6, seconds=2.0) if compared else None
    runs = Took(processor=14.0, seconds=15.0) if compared else None
    return StartResults(
        machine=MACHINE,
        besides=3 if compared else 0,
        starts=(
            Start(name="help", target_seconds=0.4, now=Took(processor=0.4, seconds=0.5), before=before),
            Start(name="score", target_seconds=3.0, now=Took(processor=3.01, seconds=2.9), before=before),
            Start(
                name="a run",
                target_seconds=8.0,
                now=Took(processor=7.0, seconds=9.0),
                before=runs,
                modules=1234,
                modules_before=5678 if compared else None,
            ),
        ),
        earlier="abc1234 of 2026-11-29" if compared else None,
        seconds=120.0,
    )


def test_processor_seconds_are_judged() -> None:
    text = section(_results(compared=False))
    assert "| help | **0.40** | 0.50 | 0.4 s: met |" in text
    assert "| score | **3.01** | 2.90 | 3 s: not met |" in text
    assert "| a run | **7.00** | 9.00 | 1,234 | 8 s: met |" in text
    assert "which took 2.0 minutes" in text and "Before:" not in text
    assert "Installed was what `make setup` brings and no more." in text


def test_an_earlier_version_stands_beside() -> None:
    text = section(_results(compared=True))
    assert "| help | **0.40** | 0.50 | 1.60 | 25% | 0.4 s: met |" in text
    assert "| a run | **7.00** | 9.00 | 14.00 | 50% | 1,234 | 5,678 | 8 s: met |" in text
    assert "an earlier version, abc1234 of 2026-11-29" in text
    assert "Installed was what `make setup` brings, and 3 packages besides." in text


def test_packages_besides_are_those_that_no_lock_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("zenml", "Great_Expectations", "PyYAML", "pip", "fusionguard", "numba", "Llvm_Lite")
    monkeypatch.setattr(measuring, "distributions", lambda: [SimpleNamespace(name=name) for name in names])
    assert measuring.packages_besides() == 2


def test_the_least_of_several_counts_but_not_the_first(tmp_path: Path) -> None:
    version = Version(CHECKOUT, tmp_path / "now")
    note = tmp_path / "note"
    script = f"import pathlib; note = pathlib.Path({str(note)!r}); rounds = len(note.read_text()) if note.exists() else 0\n"
    script += "note.write_text('x' * (rounds + 1)); sum(range(15_000_000)) if rounds > 1 else None"
    burning = Command("burn", {version: ("-c", script)}, 1.0)
    assert measure([burning], [version], 2)[0].now.processor < measure([burning], [version], 1)[0].now.processor
    assert len(note.read_text()) == 5


def test_a_command_that_ends_otherwise_is_no_measurement(tmp_path: Path) -> None:
    version = Version(CHECKOUT, tmp_path / "now")
    failing = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with pytest.raises(BenchmarkError, match="ended with 1: no such thing"):
        version.take(failing)
    assert version.take(failing, status=1).processor > 0


@pytest.mark.full
def test_every_quick_command_ends_as_it_should(tmp_path: Path) -> None:
    version = Version(CHECKOUT, tmp_path / "now")
    commands = quick_commands([version])
    assert len(commands) == 9 and [command.target_seconds for command in commands] == [0.4] * 8 + [3.0]
    for command in commands[:-1]:  # to score takes a champion
        assert version.take([sys.executable, *command.words[version]], command.status).processor > 0


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--before", str(tmp_path)])
    assert stop.value.code == 2 and "is no checkout" in capsys.readouterr().err
