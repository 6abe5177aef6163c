"""Millions of logged rows: writing a log of them, and judging it in a process of its own.

python -m benchmarks.monitoring.scale HOME LOG        reads the log to its verdict
python -m benchmarks.monitoring.scale HOME LOG spark  likewise, its rows counted on Spark
python -m benchmarks.monitoring.scale HOME LOG ROWS   gives so many of its rows to Evidently's drift preset
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.measure import Measurement, fresh_environment, measure, python
from benchmarks.monitoring.judging import Judge
from benchmarks.monitoring.results import Scale
from benchmarks.monitoring.windows import make_window
from fusionguard.families.family import TIME
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.home import Home
from fusionguard.monitoring.champion import find_champion
from fusionguard.monitoring.traffic import Drift
from fusionguard.serving.prediction_log import append_labels
from fusionguard.serving.prediction_log.parts import part_name, write_part
from fusionguard.serving.prediction_log.schema import REQUEST_ID, part_schema

PART_ROWS = 250_000
"""About what a compacted part holds."""
_OUTCOMES = 20
"""One row in so many has its outcome."""


def write_log(model: ScoringModel, folder: Path, rows: int) -> int:
    """Write a fraud log of so many rows, in order of time, with some outcomes; return the number of parts."""
    home = folder / "fraud"
    home.mkdir(parents=True)
    week = make_window(model, rows=PART_ROWS, drift=Drift.NONE, size=0.0, seed=5)
    schema = part_schema("fraud")
    parts = -(-rows // PART_ROWS)
    for number in range(parts):
        own = week.slice(0, min(PART_ROWS, rows - number * PART_ROWS))
        requests = pa.array([f"simulated-{number}-{row}" for row in range(own.num_rows)])
        own = own.set_column(own.column_names.index(REQUEST_ID), REQUEST_ID, requests)
        # Each part is a stretch of the same week, later than the one before.
        times = own[TIME].cast(pa.int64()).to_numpy()
        moved = times[0] + (times - times[0]) // parts + number * ((times[-1] - times[0]) // parts)
        own = own.set_column(own.column_names.index(TIME), TIME, pa.array(moved).cast(own.schema.field(TIME).type))
        write_part(home / part_name(1, number, f"{number:08x}"), own.select(schema.names).cast(schema))
        known = np.arange(0, own.num_rows, _OUTCOMES)
        labels, names = own["label"].to_numpy(), requests.to_pylist()
        append_labels(folder, "fraud", [(names[row], 0, int(labels[row]), int(moved[row])) for row in known])
    return parts


def measure_scale(home: Home, model: ScoringModel, rows: int, folder: Path) -> Scale:
    """Write a log and measure the process that judges it."""
    parts = write_log(model, folder / "log", rows)
    return _scale(rows, parts, _measured(home, folder, folder / "log"))


def measure_spark(home: Home, model: ScoringModel, rows: int, folder: Path) -> Scale:
    """The same with Spark as the engine that counts."""
    parts = write_log(model, folder / "log", rows)
    return _scale(rows, parts, _measured(home, folder, folder / "log", "spark"))


def measure_evidently(home: Home, model: ScoringModel, rows: int, folder: Path) -> Scale:
    """The same rows, taken from the first parts, through Evidently's drift preset."""
    parts = write_log(model, folder / "log", rows)
    return _scale(rows, parts, _measured(home, folder, folder / "log", str(rows)))


def _measured(home: Home, folder: Path, *words: str | Path) -> Measurement:
    environment = fresh_environment(folder) | {"FUSIONGUARD_HOME": str(home.root)}
    return measure(python("-m", "benchmarks.monitoring.scale", home.root, *words), environment=environment)


def _scale(rows: int, parts: int, taken: Measurement) -> Scale:
    return Scale(rows=rows, parts=parts, seconds=taken.seconds, peak_mb=taken.peak_mb)


def main(arguments: list[str]) -> None:
    """Judge a log, or let Evidently compare so many of its rows with the reference's; see the module."""
    from fusionguard.monitoring.window import read_window

    home, log = Home(Path(arguments[0])), Path(arguments[1])
    champion = find_champion(home, "fraud")
    with tempfile.TemporaryDirectory() as scratch:
        window = read_window(log, champion.family, champion.bundle.version, Path(scratch) / "window.parquet")
        assert window.facts.rows, "the log holds no rows of this version"
        if arguments[2:] and arguments[2].isdigit():
            from fusionguard.families.catalog import model_family
            from fusionguard.monitoring.evidently_report import evidently_page, sampled

            family, reference = model_family("fraud"), champion.reference_rows
            assert reference is not None
            names = list(family.features.model_features)
            rows = sampled(window.table, names, int(arguments[2]), scratch=Path(scratch))
            evidently_page(rows, reference.read(names), family)
        else:
            Judge.of(champion).of_table(window.table, engine=(arguments[2:] or ["duckdb"])[0])


if __name__ == "__main__":
    main(sys.argv[1:])
