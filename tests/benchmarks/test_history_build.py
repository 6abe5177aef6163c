"""The measurement of the past of all rows, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import history_build
from benchmarks.history_build import BEGIN, Built, demand_disk, draw, main, measure_builds, section
from benchmarks.markdown import END, kept
from benchmarks.measure import BenchmarkError
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


def test_a_size_that_the_disk_does_not_hold_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    demand_disk([3_000], ["duckdb", "spark"], tmp_path)
    with pytest.raises(BenchmarkError, match=r"90,000,000,000 rows take about \d+ GB of disk with spark, and .* has \d+ GB"):
        demand_disk([90_000_000_000, 3_000], ["spark"], tmp_path)


def test_what_fails_is_told_beside_what_was_measured_and_larger_sizes_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(engine: str, rows: int, raw: Path, work: Path) -> Built:
        work.mkdir()
        if engine == "spark" and rows > 10:
            raise BenchmarkError("out of memory", "Take more.")
        (work / "made.parquet").write_bytes(raw.read_bytes())
        return Built(rows=rows, engine=engine, seconds=rows / 4, core_seconds=1.5, peak_mb=70)

    monkeypatch.setattr(history_build, "_measure", build)
    builds, failed = measure_builds([30, 10, 20], ["duckdb", "spark"], tmp_path)
    assert [(each.rows, each.engine) for each in builds] == [(10, "duckdb"), (10, "spark"), (20, "duckdb"), (30, "duckdb")]
    assert [(each.rows, each.engine) for each in failed] == [(20, "spark")]
    text = section(builds, "--rows 30 10 20", failed, "growth.png")
    assert "| 20 | duckdb | 5.0 | 1.5 | 70 |" in text and "| 10 | spark | 2.5 | – | 70 |" in text
    assert "(growth.png)" in text and "20 rows with spark: not measured. out of memory" in text
    assert not list(tmp_path.iterdir())
