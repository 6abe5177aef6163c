"""One trainer in a job; a journal tells when each round or epoch ended and when each state was saved.

python -m benchmarks.hpc.training xgboost FEATURES.parquet JOURNAL [deaf]

A deaf one hears no warning: it works until it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from stacks.slurm.warning import ignore_end, listen

ROUNDS, EPOCHS = 3500, 600
_SEED = 7


def main(trainer: str, features: Path, journal: Path) -> None:
    """Train; see the module."""
    from fusionguard import checkpoint
    from fusionguard.config import SplitConfig
    from fusionguard.data.table import Table
    from fusionguard.evaluation.planned_rows import planned_rows
    from fusionguard.evaluation.splits import plan_split
    from fusionguard.families.fraud.config import AutoencoderConfig, XGBoostConfig
    from fusionguard.features.fraud import FRAUD_FEATURES

    _keep_a_journal(checkpoint, journal)
    table = Table(features)
    plan = plan_split(planned_rows(table, FRAUD_FEATURES), SplitConfig())
    if trainer == "xgboost":
        from fusionguard.families.fraud.boosting import train_booster

        config = XGBoostConfig(rounds=ROUNDS, early_stopping_rounds=ROUNDS)
        train_booster(table, plan, config, negative_weight=1.0, seed=_SEED)
    else:
        from fusionguard.families.fraud.autoencoder import train_autoencoder

        settings = AutoencoderConfig(latent_sizes=(4,), epochs=EPOCHS, patience_epochs=EPOCHS, batch_rows=256)
        train_autoencoder(table, plan, settings, negative_weight=1.0, seed=_SEED)
    _note(journal, "end")


def _keep_a_journal(checkpoint: Any, journal: Path) -> None:
    """Note each point that training can be resumed from, and each state that was written."""
    pass_point, save, wait = checkpoint.Checkpoints.pass_point, checkpoint.Checkpoints.save, checkpoint.wait_for_the_end

    def passed(self: Any, state: Any) -> None:
        _note(journal, "point")
        pass_point(self, state)

    def saved(self: Any, content: bytes) -> None:
        _note(journal, "saving")
        save(self, content)
        _note(journal, "saved")

    def waits() -> None:
        _note(journal, "waits")
        wait()

    checkpoint.Checkpoints.pass_point, checkpoint.Checkpoints.save, checkpoint.wait_for_the_end = passed, saved, waits


def _note(journal: Path, what: str) -> None:
    with journal.open("a", encoding="ascii") as stream:
        stream.write(f"{time.time():.4f} {os.getpid()} {what}\n")


if __name__ == "__main__":
    if sys.argv[4:] == ["deaf"]:
        for number in (signal.SIGUSR1, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    else:
        ignore_end()
        listen("fusionguard.checkpoint.listen_for_warnings")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
