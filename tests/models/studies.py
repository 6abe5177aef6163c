"""What tests of tuning read from a study and from its result."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import TrialState
from pydantic import BaseModel

from fusionguard.models.tuning.journal import open_journal


def timeless(tuned: BaseModel) -> dict[str, object]:
    """Return a search's result without how long it took."""
    return tuned.model_dump(exclude={"seconds": True, "tried": {"__all__": {"began", "ended"}}})


def trials_of(studies: Path, name: str) -> list[optuna.trial.FrozenTrial]:
    """Return the study's trials as Optuna reads them."""
    return list(optuna.load_study(study_name=name, storage=open_journal(studies / f"{name}.log")).get_trials())


def tried(studies: Path, name: str) -> list[tuple[int, dict[str, object], dict[int, float]]]:
    """Return what ended, in order of places: the place, the settings, the values reported."""
    ended = [trial for trial in trials_of(studies, name) if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    return sorted(
        ((trial.user_attrs["place"], trial.params, trial.intermediate_values) for trial in ended), key=lambda one: one[0]
    )
