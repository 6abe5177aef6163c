"""Monitoring's section says what was measured, and its verdicts follow from the numbers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from matplotlib import image

import benchmarks.monitoring.__main__ as command
from benchmarks.machine import Machine
from benchmarks.monitoring.alarms import wilson
from benchmarks.monitoring.chart import draw_growth
from benchmarks.monitoring.document import broken_section, section
from benchmarks.monitoring.results import Alarms, EstimateError, MonitoringResults, Scale
from fusionguard.errors import UsageError
from fusionguard.home import Home

_MACHINE = Machine(cores=2, memory_gb=8, system="Linux", python="3.11", libraries={"duckdb": "2.0"}, load=0.5)


def alarms(drift: str, windows: int, found: int) -> Alarms:
    causes = {"population": found} if found else {}
    return Alarms(model="fraud", drift=drift, size=1, rows=1_000, windows=windows, alarms=found, act=0, causes=causes)


def results(*, false: int = 1, caught: int = 20, inside: int = 57, seconds: float = 30.0) -> MonitoringResults:
    runs = tuple(Scale(rows=rows, parts=1, seconds=seconds, peak_mb=900) for rows in (1_000_000, 3_000_000))
    return MonitoringResults(
        machine=_MACHINE,
        alarms=(alarms("none", 60, false), alarms("label-delay", 20, 0), alarms("unit-error", 20, caught)),
        estimates=(EstimateError(model="fraud", drift="none", trusted=60, inside=inside, width=0.05, mean_error=0.01),),
        scale=runs,
        spark=runs[:1],
        evidently=runs[:1],
        seconds=60,
    )


def test_a_good_result_meets_every_target() -> None:
    text = section(results(), chart="growth.png")
    assert "**not met**" not in text
    assert "SIMULATED" in text
    assert "fraud met, 1 of 80" in text
    assert "57 of 60 (86 to 98 %) | 0.050 | 0.010" in text
    assert "![Seconds and memory against the number of rows](growth.png)" in text
    assert "`engine: spark`" in text


@pytest.mark.parametrize("bad", [{"false": 8}, {"caught": 18}, {"inside": 48}, {"seconds": 61.0}])
def test_each_missed_target_is_said(bad: dict[str, int]) -> None:
    assert section(results(**bad), chart="growth.png").count("**not met**") == 1  # type: ignore[arg-type]


def broken(model: str, drift: str, windows: int, causes: dict[str, int]) -> Alarms:
    found = sum(causes.values())
    return Alarms(model=model, drift=drift, size=1, rows=1_000, windows=windows, alarms=found, act=found, causes=causes)


def test_broken_data_is_reported_with_what_was_not_measured_and_few_windows_meet_no_target() -> None:
    text = broken_section(
        [
            broken("fraud", "none", 6, {}),
            broken("fraud", "burst", 6, {"burst": 6}),
            broken("churn", "factor", 20, {"upstream data": 19, "population": 1}),
            broken("churn", "spike", 20, {"upstream data": 18, "population": 2}),
            broken("churn", "other-mix", 20, {"upstream data": 2}),
        ],
        seconds=90.0,
    )
    assert " in 1.5 minutes" in text
    assert "| fraud, burst | 1 | 6 of 6 (61 to 100 %), too few windows to judge |" in text
    assert "| fraud, none | 0 of" not in text and "0 of 6 (0 to 39 %), too few windows to judge" in text
    assert "| churn, factor | 1 | 19 of 20 (76 to 99 %), met |" in text
    assert "18 of 20 (70 to 97 %), **not met**" in text and "2 of 20 (3 to 30 %), **not met**" in text
    assert "Not measured: fraud, missing-feature; fraud, frozen-feature; fraud, spike;" in text
    assert "churn, larger-amounts; churn, none." in text and "churn, factor;" not in text.split("\n\n")[0]


def test_the_picture_can_be_read_and_is_the_same_for_the_same_numbers() -> None:
    drawn = draw_growth(results())
    assert image.imread(io.BytesIO(drawn)).shape[0] > 200
    assert drawn == draw_growth(results())


def test_a_home_without_champions_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def find(home: Home, model: str) -> None:
        raise UsageError(f"There is no {model} in '{home.root.name}'.", "Train one.")

    monkeypatch.setattr(command, "find_champion", find)
    monkeypatch.setattr("sys.argv", ["benchmarks.monitoring", "--broken", "--home", str(tmp_path / "empty")])
    for name in ("FUSIONGUARD_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "of this test")  # so that it is put back
    assert command.main() == 1
    assert capsys.readouterr().err == "There is no fraud in 'empty'. Train one.\n"


def test_wilsons_interval_of_a_share() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: 15 of 148."""
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
