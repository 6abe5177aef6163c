"""``python -m benchmarks.monitoring.alike``: how often outcomes raise an alarm where rows of one card are alike.

Windows of two weeks are cut from tables of the simulator of card transactions that no training has seen: other seeds, nothing
drifts. Each is judged by its outcomes in three ways: as if each row were of an owner of its own, by owners, and as monitoring
does, which holds them against what the model's evaluation showed, too. Then the frauds of a share of the cards get what the model
says of some honest rows: that is a real fall.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.markdown import insert, table
from benchmarks.measure import CHECKOUT
from benchmarks.monitoring.alarms import wilson
from benchmarks.monitoring.judging import SETTINGS
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.shipped import Wanted
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY
from fusionguard.families.family import LABEL, OWNER, TIME
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.files import write_text
from fusionguard.home import Home
from fusionguard.monitoring.champion import Champion, find_champion
from fusionguard.monitoring.outcomes import labelled_rows, read_performance
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.serving.prediction_log.schema import OBSERVED_AT, TIME_TYPE
from fusionguard.threads import wait_politely

BEGIN = "<!-- benchmarks/monitoring/alike -->"
MODEL = "card_transactions"
_DOCUMENT = CHECKOUT / "docs" / "card_transactions.md"
_FIRST_SEED, _FIRST_DAY, _DAYS, _WINDOWS = 100, 31, 14, 5
"""A month passes until the longest windows of what happened before are full."""
_HIDDEN = 0.7
_WAYS = {
    "each row a case": (False, False),
    "each card a case": (True, False),
    "each card a case, and held against the evaluation": (True, True),
}
"""Whether owners are known, and what the evaluation showed."""


@dataclass
class Counted:
    """Windows of one kind that were judged in one way."""

    name: str
    windows: int = 0
    unjudged: int = 0
    alarms: int = 0

    def add(self, report: PerformanceReport) -> None:
        """Count a window; metrics of a few frauds, or of frauds of a few cards, are not judged."""
        self.windows += 1
        self.unjudged += any("too few" in remark for remark in report.remarks)
        self.alarms += bool(report.findings)

    def row(self) -> tuple[str, str, str, str]:
        """Return it as a row of a table."""
        low, high = wilson(self.alarms, self.windows)
        share = f"{self.alarms / self.windows:.2f} ({low:.2f} to {high:.2f})"
        return self.name, str(self.windows), f"{self.alarms}: {share}", str(self.unjudged)


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring.alike", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help=f"a home whose champion of {MODEL} is judged")
    parser.add_argument("--seeds", type=int, default=25, help="how many tables of the simulator")
    parser.add_argument("--output", type=Path, help="write the tables into this file instead of docs/card_transactions.md")
    options = parser.parse_args(arguments)
    try:
        text = section(find_champion(Home(options.home), MODEL), options.seeds)
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def section(champion: Champion, seeds: int) -> str:
    """Judge windows of so many seeds; return what came of it as a paragraph and a table."""
    described = champion.family.described
    if described is None:
        raise UsageError("The champion does not say what it was trained on.", "Train it anew.")
    model = champion.family.load(champion.bundle)
    counted = {kind: [Counted(f"{kind}, {way}") for way in _WAYS] for kind in ("no drift", "a real fall")}
    with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as name:
        for seed in range(_FIRST_SEED, _FIRST_SEED + seeds):
            for window in _windows(champion, model, described.rows, seed, Path(name)):
                for ways, rows in zip(counted.values(), (window, _fallen(window, seed)), strict=True):
                    for each, (owned, held) in zip(ways, _WAYS.values(), strict=True):
                        each.add(_read(champion, model, rows, owned=owned, held=held))
            sys.stderr.write(f"seed {seed}: {[(each.alarms, each.windows) for ways in counted.values() for each in ways]}\n")
    seed = champion.bundle.manifest.seed
    return (
        f"SIMULATED: {_WINDOWS} windows of {_DAYS} days from each of {seeds} tables of other seeds, {described.rows:,} rows each,"
        f" judged by their outcomes for the champion of seed {seed}; in a real fall the frauds of {_HIDDEN:.0%} of the cards look"
        f" honest to the model (`python -m benchmarks.monitoring.alike --home HOME --seeds {seeds}`). Intervals take windows for"
        " independent, and those of one table share their cards.\n\n"
        + table(
            ("windows", "number", "alarms (95 % interval)", "metrics not judged"),
            [each.row() for ways in counted.values() for each in ways],
        )
    )


def _windows(champion: Champion, model: ScoringModel, rows: int, seed: int, folder: Path) -> Iterator[pa.Table]:
    """Yield windows of a table: what the log would hold of them, with their outcomes and whose rows they are."""
    family = champion.family
    assert family.described is not None
    raw = simulate_declared(MODEL, Wanted(rows, seed), folder / "raw.parquet")
    prepared = prepare_training(family.described, raw, folder / "prepared.parquet")
    built = DuckDBEngine(family.features).build(prepared, folder / f"features-{seed}").read()
    answers = model.answer_features(built.select(list(family.features.model_features)))
    definition = family.features
    assert definition.time_column is not None and definition.group_column is not None
    second = built[definition.time_column].to_numpy()
    times = pa.array(second * 1_000_000).cast(TIME_TYPE)
    columns = {
        TIME: times,
        OBSERVED_AT: times,
        LABEL: built[definition.label].cast(pa.int8()),
        OWNER: built[definition.group_column].cast(pa.int64()),
        "probability": answers["probability"],
        "score": answers["score"],
        **{name: built[name] for name in family.outcomes.columns},
    }
    day = (second - second.min()) // SECONDS_PER_DAY
    for first in range(_FIRST_DAY, _FIRST_DAY + _DAYS * _WINDOWS, _DAYS):
        yield pa.table(columns).filter(pa.array((day >= first) & (day < first + _DAYS))).combine_chunks()


def _fallen(window: pa.Table, seed: int) -> pa.Table:
    """Return the window with what the model says of honest rows in the place of what it says of the frauds of most cards."""
    rng, label, owner = np.random.default_rng(seed), window[LABEL].to_numpy(), window[OWNER].to_numpy()
    hit = np.unique(owner[label == 1])
    hidden = np.flatnonzero((label == 1) & np.isin(owner, hit[rng.random(hit.size) < _HIDDEN]))
    place = np.arange(label.size)
    place[hidden] = rng.choice(np.flatnonzero(label == 0), hidden.size)
    for name in ("probability", "score"):
        window = window.set_column(window.column_names.index(name), name, window[name].take(pa.array(place)))
    return window


def _read(champion: Champion, model: ScoringModel, window: pa.Table, *, owned: bool, held: bool) -> PerformanceReport:
    rows, outcomes = labelled_rows(window if owned else window.drop_columns(OWNER)), champion.family.outcomes
    return read_performance(
        rows,
        outcomes.read(rows.table, model, seed=SETTINGS.seed),
        champion.baseline(),
        judged=outcomes.judged,
        thresholds=SETTINGS.thresholds,
        evaluated=champion.calibration() if held else None,
    )


if __name__ == "__main__":
    wait_politely()
    sys.exit(main())
