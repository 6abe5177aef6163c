"""docs/your_data.md, followed to the letter with two tables that nobody ships: a bank's payments and a telco's contracts."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from tests.foreign import write_payments, write_telco

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "your_data.md"
HOURS = 600
SMALL = {
    "payments": ("xgboost.rounds=60", "autoencoder.epochs=3", "evaluation.bootstrap_samples=50"),
    "telco": ("holdout.folds=3", "holdout.repeats=1", "catboost.rounds=60", "evaluation.bootstrap_samples=50"),
}
"""What the training is told besides, by the table's name, so that it takes a minute."""

pytestmark = [pytest.mark.full, pytest.mark.timeout(HOURS)]


def commands() -> list[str]:
    """The guide's ten commands, in their order."""
    block = re.search(r"^## Ten commands\n.*?^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    return [shlex.join(shlex.split(line, comments=True)) for line in block[1].splitlines()]


def test_there_are_ten() -> None:
    assert len(commands()) == 10


def payments(folder: Path) -> None:
    """A bank's table; the declaration is the draft as a person has corrected it."""
    declaration = write_payments(folder / "made", 4_000, together=True)
    text = declaration.read_text(encoding="utf-8").replace("card-payments", "payments").replace("rows.csv", "payments.csv")
    (folder / "corrected.yaml").write_text(text, encoding="utf-8")
    (folder / "made" / "rows.csv").rename(folder / "payments.csv")
    row = {"booked at": "09.05.2024 03:12", "betrag": 48.5, "currency": "EUR", "rate": 0.85, "distance km": None, "attempts": 1}
    row |= {"mcc": "6051", "country": "PT", "payment id": "P1", "card token": "tok-1"}
    (folder / "payment.json").write_text(json.dumps(row), encoding="utf-8")


def telco(folder: Path) -> None:
    """A telco's table; the draft is taken as it is."""
    write_telco(folder / "made", 2_000, together=True)
    (folder / "made" / "rows.csv").rename(folder / "telco.csv")
    row = {"Months as customer": 7, "Contract": "month to month", "Payment.Method": "cheque", "Region": "East"}
    row |= {"Monthly Charges": 88.5, "Calls to support": 2}
    (folder / "customer.json").write_text(json.dumps(row), encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "names"),
    [
        pytest.param(payments, {}, id="a bank's payments"),
        pytest.param(
            telco, {"payments": "telco", "payment.json": "customer.json"}, id="a telco's contracts", marks=pytest.mark.long
        ),
    ],
)
def test_from_a_foreign_file_to_an_answering_service(make: object, names: dict[str, str], tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path)
    name = names.get("payments", "payments")
    table = pd.read_csv(tmp_path / f"{name}.csv", dtype=str)
    guide = Follower(tmp_path, names)
    inspect, train, models, score, release, serve, who, ask, tell, monitor = commands()

    assert "Wrote" in guide.run(inspect)
    corrected_by_hand = (corrected := tmp_path / "corrected.yaml").exists()
    if corrected_by_hand:
        corrected.rename(tmp_path / f"{name}.yaml")
    assert "is the new champion" in guide.run(" --set ".join((train, *SMALL[name])))
    assert f"fusionguard-{name}" in guide.run(models)
    guide.run(score)
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == len(table) and scores["probability"].between(0, 1).all()
    guide.run(release)
    with guide.serving(serve):
        assert {about["model"] for about in json.loads(guide.run(who))["models"]} == {name}
        answer = json.loads(guide.run(ask))
        assert answer["model"] == name and 0 < answer["probability"] < 1
        assert answer["origin"] == ("simulated" if corrected_by_hand else "local"), "only a person knows who made the rows"
        outcome = {"labels": [{"request_id": answer["request_id"], "row": 0, "label": 1, "observed_at": "2026-01-31T12:00:00Z"}]}
        (tmp_path / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
        assert json.loads(guide.run(tell))["stored"] == 1
    assert "Verdict" in guide.run(monitor)


class Follower:
    """Runs the guide's commands in a folder and a home of its own, with the reader's names for the guide's."""

    def __init__(self, folder: Path, names: dict[str, str]) -> None:
        self._folder, self._names = folder, names
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._environment = {**os.environ, "FUSIONGUARD_HOME": str(folder / "home")}

    def words(self, command: str) -> list[str]:
        """Return a command as it is started: our interpreter, our port, the reader's names."""
        for ours, theirs in sorted(self._names.items(), key=lambda pair: -len(pair[0])):
            command = command.replace(ours, theirs)
        words = shlex.split(command.replace("3000", str(self._port)))
        programs = {"python": [sys.executable], "fusionguard": [sys.executable, "-c", "from fusionguard.cli import main; main()"]}
        paths = {"run.py": str(ROOT / "run.py")}
        return [*programs.get(words[0], words[:1]), *(paths.get(word, word) for word in words[1:])]

    def run(self, command: str) -> str:
        """Run a command to its end and return what it says."""
        done = subprocess.run(
            self.words(command), cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=HOURS
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    @contextmanager
    def serving(self, command: str) -> Iterator[None]:
        """Run a service as long as the block runs."""
        with (self._folder / "service.log").open("w") as log:
            process = subprocess.Popen(self.words(command), cwd=self._folder, env=self._environment, stdout=log, stderr=log)
            try:
                self._wait(process)
                yield
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(240):
            assert process.poll() is None, (self._folder / "service.log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.5)
        raise AssertionError((self._folder / "service.log").read_text())
