"""The measurement of the past of all rows, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.history_build import BEGIN, draw, main
from benchmarks.markdown import END, kept
from fusionguard.data.table import Table
from fusionguard.features.store import content_sha256


def test_it_measures_a_table_and_says_by_which_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "3000"]) == 0
    told = capsys.readouterr().out
    assert "40 features" in told
    assert "**simulated**" in told
    assert "`python -m benchmarks.history_build --rows 3000`" in told
    rows, engine, seconds, cores, peak = told.splitlines()[-1].strip("| ").split(" | ")
    assert (rows, engine) == ("3,000", "duckdb")
    assert float(seconds) > 0.01
    assert float(cores) > 0.01
    assert float(peak.replace(",", "")) > 50


def test_the_drawn_payments_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        draw(700, tmp_path / f"{name}.parquet")
    one, other = (Table(tmp_path / f"{name}.parquet") for name in ("one", "other"))
    assert content_sha256(one) == content_sha256(other)
    assert 100 < len(set(one.read(["at"])["at"].to_pylist())) <= one.rows == 700


def test_its_section_is_kept_when_the_document_is_written_anew() -> None:
    assert benchmarks.HISTORY == BEGIN
    text = (benchmarks.CHECKOUT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert kept(text, BEGIN).endswith(END)
