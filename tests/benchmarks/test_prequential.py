"""The benchmark on folds in time prints what the pipeline's own code says of a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import prequential
from tests.foreign import write_payments, write_telco

BLOCK = "\nvalidation: {folds: 1, train: 20d, test: 10d, blocked: 10d, k: 3}\n"
SETTINGS = ("xgboost.rounds=10", "evaluation.bootstrap_samples=20", "prequential.retraining_days=[7]")


def test_it_prints_a_row_for_each_model_and_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_payments(tmp_path / "source", 2_500)
    file.write_text(file.read_text() + BLOCK)
    given = [
        "--file",
        str(file),
        "--json",
        str(tmp_path / "report.json"),
        *(word for each in SETTINGS for word in ("--set", each)),
    ]
    monkeypatch.setattr("sys.argv", ["prequential", *given])
    assert prequential.main() == 0
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    value = report["mean"]["fraud model"]["owner_precision"]["value"]
    (row,) = [line for line in printed.splitlines() if line.startswith("| fraud model, learned 20d ")]
    assert f" {value:.3f} (" in row
    assert "made 7 days earlier (1 fold)" in printed and "| XGBoost defaults, learned 20d " in printed
    assert "waits 11 days until their outcomes are known, and judges the 10 days after, before the test slice" in printed


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--learned", "weeks", "train is weeks: it must be a duration, such as 90s, 30m, 6h, 14d or 2w, or all."),
        ("--folds", "0", "folds is 0: it must be a whole number from 1 to 1,000,000."),
        ("--set", "prequential.wrong=1", "Unknown key 'prequential.wrong'."),
        ("--json", "missing/report.json", "There is no folder 'missing' for the report."),
    ],
)
def test_a_wrong_option_is_one_sentence_before_anything_is_read(
    option: str, value: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_payments(tmp_path / "source", 400)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prequential, "read_described", lambda *_, **__: pytest.fail("rows were read"))
    monkeypatch.setattr("sys.argv", ["prequential", "--file", str(file), option, value])
    assert prequential.main() == 2
    assert told in capsys.readouterr().err


def test_a_table_without_a_time_has_no_such_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["prequential", "--file", str(write_telco(tmp_path / "source", 200))])
    assert prequential.main() == 2
    assert "declares no time or no entities" in capsys.readouterr().err
