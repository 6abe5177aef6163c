"""``python -m benchmarks`` as a person runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.__main__ import PARTS, main
from benchmarks.measure import CHECKOUT

_PNG = b"\x89PNG\r\n"


def _command(output: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", "--quick", "--output", str(output), *options]


def _environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "temporary").mkdir()
    return os.environ | {"TMPDIR": str(tmp_path / "temporary")}


@pytest.mark.full
@pytest.mark.bench
@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")
def test_one_part_is_measured_and_written(tmp_path: Path) -> None:
    output = tmp_path / "bench.md"
    command = _command(output, "--only", "engines")
    subprocess.run(command, cwd=CHECKOUT, env=_environment(tmp_path), check=True, capture_output=True, timeout=250)
    text = output.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| [\d,]+ \|", line)]
    assert [row.split(" | ")[0] for row in rows] == ["| 5,000", "| 20,000"]
    for row in rows:
        duckdb, spark, ratio, duckdb_mb, spark_mb, ratio_mb = (
            float(cell.strip("* |").replace(",", "")) for cell in row.split(" | ")[1:]
        )
        # All three are rounded to a tenth, and DuckDB takes half a second.
        assert (spark - 0.05) / (duckdb + 0.05) - 0.06 < ratio < (spark + 0.05) / (duckdb - 0.05) + 0.06 and ratio > 1
        assert ratio_mb == pytest.approx(spark_mb / duckdb_mb, rel=0.05) and 50 < duckdb_mb < spark_mb
    assert "(bench.png)" in text and (tmp_path / "bench.png").read_bytes().startswith(_PNG)
    _names_no_place(text, tmp_path)
    assert not any((tmp_path / "temporary").iterdir())


@pytest.mark.full
@pytest.mark.bench
@pytest.mark.timeout(900)
def test_every_part_is_measured_and_written(tmp_path: Path) -> None:
    output = tmp_path / "bench.md"
    subprocess.run(_command(output), cwd=CHECKOUT, env=_environment(tmp_path), check=True, capture_output=True, timeout=850)
    text = output.read_text(encoding="utf-8")
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == [
        "The fraud run",
        "Against a plain script",
        "What ZenML costs",
        "Cost of growth",
        "The churn run",
        "The churn models' quality",
        "DuckDB against Spark",
        "How it was measured",
    ]
    cold, imports, beyond = (
        _first_number(text, name) for name in ("cold: nothing made yet", "imports only", "**beyond what imports")
    )
    assert min(cold, imports) > 0 and beyond == pytest.approx(cold - imports, abs=0.11)
    assert _first_number(text, "**in all**") == cold
    assert "**plain script / fraud run**" in text and "ZenML takes " in text
    _names_no_place(text, tmp_path)
    assert not any((tmp_path / "temporary").iterdir())


@pytest.mark.full
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    output = tmp_path / "bench.md"
    command = _command(output, "--only", "engines")
    with subprocess.Popen(command, cwd=CHECKOUT, env=_environment(tmp_path), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and "both engines" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(timeout=60) == 130, said
    assert "Interrupted: nothing was written." in said
    assert not output.exists() and not any((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("arguments", [["--quick"], ["--only", "engines"], ["--only", "nothing", "--output", "x.md"]])
def test_a_command_that_would_not_fill_the_document_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert re.search(r"docs/benchmarks.md|" + PARTS[0], capsys.readouterr().err)


def test_customers_that_nobody_would_look_at_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--only", "engines", "--output", str(tmp_path / "x.md"), "--customers", str(tmp_path / "customers.csv")])
    assert stop.value.code == 2
    assert "--customers is for churn-quality" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "status", "said"), [(None, 2, "does not exist"), ("RowNumber,Age\n1,2\n", 1, "customers.csv")]
)
def test_a_wrong_file_of_customers_is_found_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, status: int, said: str
) -> None:
    file = tmp_path / "customers.csv"
    if content is not None:
        file.write_text(content)
    assert main(["--quick", "--output", str(tmp_path / "bench.md"), "--customers", str(file)]) == status
    errors = capsys.readouterr().err
    assert said in errors and len(errors.splitlines()) == 1
    assert not (tmp_path / "bench.md").exists()


def test_too_little_disk_is_found_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    assert main(["--quick", "--output", str(tmp_path / "bench.md")]) == 2
    assert "0 GB of free disk; 1 GB are needed. Set TMPDIR" in capsys.readouterr().err


def test_the_run_without_zenml_has_the_pipelines_steps() -> None:
    pipeline = (CHECKOUT / "pipelines" / "fraud.py").read_text(encoding="utf-8")
    without = (CHECKOUT / "benchmarks" / "without_zenml.py").read_text(encoding="utf-8")
    steps = re.findall(r"^from steps\.\w+\.(\w+) import \1$", pipeline, flags=re.MULTILINE)
    assert len(steps) > 10
    for asked_for in (
        "release_model",
        "refit_model",
        "tune_xgboost",
        "validate_forward",
        "record_model",
    ):  # not by default, or for ZenML alone
        steps.remove(asked_for)
    assert sorted(re.findall(r'clock\.step\("(\w+)"\)', without)) == sorted(steps)
    assert "import zenml" not in without and "from zenml" not in without


def _first_number(text: str, name: str) -> float:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
    return float(line.split(" | ")[1].strip("* |").replace(",", ""))


def _names_no_place(text: str, tmp_path: Path) -> None:
    for place in (str(tmp_path), str(CHECKOUT), f"{Path.home()}/"):
        assert place not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
