"""How much is measured: everything for the document, little for a test."""

from __future__ import annotations

from dataclasses import dataclass

FULL_ROWS = 284_807
"""The rows of the real data set, and of the simulated one by default."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of all parts."""

    rows: int
    """Of the fraud run, the plain script, and the run without ZenML."""
    growth_rows: tuple[int, ...]
    """Of further fraud runs."""
    engine_rows: tuple[int, ...]
    free_disk_gb: int
    """What the temporary folder must have."""
    settings: tuple[str, ...] = ()
    """Assignments for run.py, beside the number of rows."""
    plain_trees: int = 600
    plain_epochs: int = 50
    plain_explained_rows: int = 2000
    warm_up: bool = False
    """Whether a quick run goes first, so that the first measured one is not the only one to read libraries from disk."""

    def assignments(self, rows: int) -> list[str]:
        """Return ``--set key=value`` for a run of ``rows`` rows."""
        return [part for setting in (f"data.rows={rows}", *self.settings) for part in ("--set", setting)]


_MANY_FRAUDS = ("split.train=0.4", "split.validation=0.2", "split.calibration=0.2", "split.test=0.2")

FULL = Sizes(
    rows=FULL_ROWS,
    growth_rows=(2 * FULL_ROWS, 4 * FULL_ROWS),
    engine_rows=(FULL_ROWS, 10 * FULL_ROWS, 50 * FULL_ROWS),
    free_disk_gb=20,
    warm_up=True,
)
QUICK = Sizes(
    rows=20_000,
    growth_rows=(40_000,),
    engine_rows=(5_000, 20_000),
    free_disk_gb=1,
    settings=(
        *_MANY_FRAUDS,
        "xgboost.rounds=30",
        "autoencoder.epochs=2",
        "autoencoder.latent_sizes=[2]",
    ),
    plain_trees=20,
    plain_epochs=1,
)
