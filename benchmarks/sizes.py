"""How much is measured: everything for the document, little for a test."""

from __future__ import annotations

from dataclasses import dataclass, replace

FULL_ROWS = 284_807
"""The transactions of the real data set, and of the simulated one by default."""
FULL_CUSTOMERS = 10_000
"""The same of customers."""


@dataclass(frozen=True)
class RunSize:
    """A pipeline on simulated rows, and with what settings."""

    pipeline: str
    rows: int
    settings: tuple[str, ...] = ()
    """Assignments for run.py, beside the number of rows."""

    def assignments(self) -> list[str]:
        """Return the settings and the number of rows as ``--set key=value``."""
        return [part for setting in (f"data.rows={self.rows}", *self.settings) for part in ("--set", setting)]

    def with_rows(self, rows: int) -> RunSize:
        """Return the same with another number of rows."""
        return replace(self, rows=rows)


@dataclass(frozen=True)
class Sizes:
    """The sizes of all parts."""

    fraud: RunSize
    """Of the fraud run, the plain script, and the run without ZenML."""
    churn: RunSize
    """Of the churn run, and of its models' quality."""
    growth_rows: tuple[int, ...]
    """Of further fraud runs."""
    engine_rows: tuple[int, ...]
    """Transactions that both engines make features of."""
    churn_engine_rows: tuple[int, ...]
    """Customers that they do."""
    free_disk_gb: int
    """What the temporary folder must have."""
    plain_trees: int = 600
    plain_epochs: int = 50
    plain_explained_rows: int = 2000


FULL = Sizes(
    fraud=RunSize("fraud", FULL_ROWS),
    churn=RunSize("churn", FULL_CUSTOMERS),
    growth_rows=(2 * FULL_ROWS, 4 * FULL_ROWS),
    engine_rows=(FULL_ROWS, 10 * FULL_ROWS, 50 * FULL_ROWS),
    churn_engine_rows=(FULL_CUSTOMERS, 100 * FULL_CUSTOMERS),
    free_disk_gb=20,
)

_MANY_FRAUDS = ("split.train=0.4", "split.validation=0.2", "split.calibration=0.2", "split.test=0.2")

QUICK = Sizes(
    fraud=RunSize(
        "fraud",
        20_000,
        (*_MANY_FRAUDS, "xgboost.rounds=30", "autoencoder.epochs=2", "autoencoder.latent_sizes=[2]"),
    ),
    churn=RunSize(
        "churn",
        2_000,
        ("holdout.folds=2", "holdout.repeats=2", "lightgbm.rounds=30", "catboost.rounds=30", "evaluation.shap_rows=100"),
    ),
    growth_rows=(40_000,),
    engine_rows=(5_000, 20_000),
    churn_engine_rows=(1_000, 5_000),
    free_disk_gb=1,
    plain_trees=20,
    plain_epochs=1,
)
