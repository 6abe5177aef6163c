"""How much training is lost where a job is taken away, with a warning and without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.hpc.jobs import Site, code_path, end_well, python, wait_until
from benchmarks.hpc.results import CHECKPOINT_SECONDS, LostWork
from benchmarks.hpc.training import EPOCHS, ROUNDS
from tests.slurm.cluster import Cluster

_ROWS = 60_000
_POINTS = {"xgboost": ROUNDS, "autoencoder": EPOCHS}


@dataclass(frozen=True)
class Note:
    """One line of a training's journal."""

    time: float
    process: int
    what: str


def measure_lost(site: Site, cluster: Cluster, folder: Path) -> tuple[LostWork, ...]:
    """Train both models at once and preempt them in the middle: once so that they hear the warning, once deaf to it."""
    features = _features(folder)
    warned = _round(site, cluster, features, folder / "warned", checkpoint_seconds=600.0)
    deaf = _round(site, cluster, features, folder / "deaf", "deaf", checkpoint_seconds=CHECKPOINT_SECONDS)
    return (
        *(lost_work(name, notes, 0.0, _POINTS[name], warned=True) for name, notes in warned.items()),
        *(lost_work(name, notes, CHECKPOINT_SECONDS, _POINTS[name], warned=False) for name, notes in deaf.items()),
    )


def lost_work(trainer: str, notes: list[Note], every_seconds: float, points: int, *, warned: bool) -> LostWork:
    """Read a journal: what the first attempt had done beyond what it saved.

    Parameters
    ----------
    every_seconds
        The time between periodic checkpoints, 0 where only a warning makes one.
    points
        Rounds or epochs of the whole training.
    """
    first = [note for note in notes if note.process == notes[0].process]
    second = [note for note in notes if note.process != notes[0].process]
    assert second, "the training was over before it was preempted"
    times = [note.time for note in first if note.what == "point"]
    took = [after - before for before, after in pairwise(times)]
    saved = [note.time for note, done in pairwise(first) if note.what == "saving" and done.what == "saved"]
    return LostWork(
        trainer=trainer,
        warned=warned,
        point_seconds=median(took),
        lost_seconds=max(0.0, times[-1] - max(saved, default=times[0])),
        again=max(0, sum(note.what == "point" for note in notes) - points),
        bound_seconds=every_seconds + max(took),
        away_seconds=next(note.time for note in second if note.what == "point") - times[-1],
    )


def _round(
    site: Site, cluster: Cluster, features: Path, folder: Path, *words: str, checkpoint_seconds: float
) -> dict[str, list[Note]]:
    folder.mkdir()
    journals = {name: folder / f"{name}.journal" for name in _POINTS}
    extra = {"PYTHONPATH": code_path(), "OMP_NUM_THREADS": "1", "FUSIONGUARD_CHECKPOINT_SECONDS": str(checkpoint_seconds)}
    options = ("--partition=interruptible_cpu", "--cpus-per-task=1", "--mem=2000M")
    watches = [
        site.submit(python("-m", "benchmarks.hpc.training", name, features, journal, *words), *options, environment=extra)
        for name, journal in journals.items()
    ]
    with ThreadPoolExecutor(len(watches)) as watching:
        ends = [watching.submit(end_well, watch) for watch in watches]
        wait_until(lambda: all(_points(journal) >= 8 for journal in journals.values()), "training")
        _preempt(cluster)
        for end in ends:
            end.result(240)
    return {name: read_journal(journal) for name, journal in journals.items()}


def read_journal(journal: Path) -> list[Note]:
    """Return the notes; a line that a kill cut short is none."""
    fields = [line.split() for line in journal.read_text(encoding="ascii").splitlines()]
    return [Note(float(each[0]), int(each[1]), each[2]) for each in fields if len(each) == 3]


def _points(journal: Path) -> int:
    return sum(note.what == "point" for note in read_journal(journal)) if journal.exists() else 0


def _preempt(cluster: Cluster) -> None:
    """Submit a job that wants the whole node and outranks the others."""
    wanted = [f"--cpus-per-task={cluster.cpus}", "--mem=100M", "--time=5", "--output=/dev/null", "--wrap=sleep 1"]
    cluster.ask("sbatch", "--parsable", "--partition=cpu", *wanted)


def _features(folder: Path) -> Path:
    from fusionguard.data.provenance import Provenance
    from fusionguard.datasets.creditcard.schema import FRAUD
    from fusionguard.datasets.simulated import simulate
    from fusionguard.features.store import build_features

    raw = simulate(FRAUD, _ROWS, 3, folder / "raw.parquet")
    provenance = Provenance(dataset="fraud", origin="simulated", description="bench", sha256="0" * 64, rows=raw.rows)
    return build_features(raw, provenance, "duckdb", folder / "store").table.path
