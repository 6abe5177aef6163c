"""From configured settings to better ones: what the tunings of all models do in the same way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.checkpoint import identify
from fusionguard.config import TuningConfig
from fusionguard.evaluation.ties import corrected_error
from fusionguard.models.tuning.trial import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Settings = TypeVar("Settings", bound=BaseModel)
Fold = TypeVar("Fold")


class TunedModel(BaseModel, Generic[Settings]):
    """The settings that a search ends with, and what it took to find them.

    These are the best that were tried where they exceed the configured ones by more than one standard error of the paired
    differences on the folds (the one-standard-error rule: Breiman et al., *Classification and Regression Trees*, 1984, section
    3.4.3; the error is :func:`corrected_error`). Less is a tie: the best of many trials leans to the good side, and the
    configured settings stay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """The model's name for people."""
    settings: Settings
    trials: int
    """How many trials have ended, those of earlier sessions and other workers included."""
    pruned: int
    """How many of them were given up before the last fold."""
    value: float
    """Mean average precision over the tuning folds of the best settings that were tried."""
    value_of_start: float
    """That of the configured settings."""
    error: float
    """Standard error of the difference of the two; 0 where the configured settings are the best."""
    seconds: float
    """How long this session took."""
    study: str
    """The study's name: the same rows, folds, seed, start, space and library versions have the same one."""
    tried: tuple[Trial, ...] = ()
    """The trials that have ended, one by one."""

    @property
    def sentence(self) -> str:
        """What the search came to, for the model card."""
        tried = f"{self.kind}: {self.trials} trials ({self.pruned} pruned)"
        if self.value <= self.value_of_start:
            return f"{tried} found nothing above the configured settings' {self.value_of_start:.4f} on the tuning folds."
        change = f"the mean average precision over the tuning folds from {self.value_of_start:.4f} to {self.value:.4f}"
        if self.is_tie:
            return (
                f"{tried} raised {change}, by less than one standard error of the difference ({self.error:.4f}): a tie, so the"
                " configured settings stay."
            )
        return f"{tried} raised {change}, by more than one standard error of the difference ({self.error:.4f})."

    @property
    def is_tie(self) -> bool:
        """Whether the best settings exceed the configured ones by no more than the folds can explain."""
        return self.value - self.value_of_start <= self.error


def study_name(
    beginning: str,
    *,
    protocol: int,
    arrays: Iterable[np.ndarray],
    start: BaseModel,
    space: Mapping[str, BaseDistribution],
    seed: int,
    libraries: Sequence[str],
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Return ``beginning`` and a SHA-256 over everything that decides a trial's value and the order of trials.

    Parameters
    ----------
    protocol
        Raised with every change of code that gives a trial another value.
    arrays
        The rows, their labels, and which of them each fold has.
    libraries
        Whose versions decide values, by their names as packages.
    facts
        What else does, JSON-able.
    """
    identity = {
        "protocol": protocol,
        "start": start.model_dump(mode="json"),
        "space": {key: str(within) for key, within in space.items()},
        "seed": seed,
        "versions": {library: version(library) for library in libraries},
        "facts": dict(facts or {}),
    }
    return f"{beginning}-{identify(identity, arrays)}"


def tune_settings(
    result: type[TunedModel[Settings]],
    kind: str,
    name: str,
    start: Settings,
    space: Mapping[str, BaseDistribution],
    judge: Callable[[Settings], Generator[float, None, None]],
    *,
    tuning: TuningConfig,
    folds: int,
    seed: int,
    studies: Path,
    repeats: int = 1,
    unpruned_folds: int | None = None,
) -> TunedModel[Settings]:
    """Search from ``start`` for settings of a higher mean of what ``judge`` yields, a value for each of ``folds`` folds.

    ``folds`` counts those of all ``repeats``. What is found is used where it is higher beyond a tie: see :class:`TunedModel`.

    The study is kept in ``studies/<name>.log``: a search that was interrupted, by kill -9 too, goes on where it was and ends
    with what an uninterrupted one finds. Several processes may call this at once, on several computers that share ``studies``:
    together they run ``tuning.trials`` trials, and which settings are tried then depends on who is quicker.

    Raises
    ------
    StorageError
        The study's file is damaged or cannot be written.
    """
    from fusionguard.models.tuning.study import UNPRUNED_FOLDS, search  # Optuna takes a second to import

    began = time.monotonic()
    found = search(
        kind,
        studies,
        name,
        space,
        start.model_dump(),
        lambda settings: judge(type(start)(**settings)),
        trials=tuning.trials,
        seconds=tuning.seconds,
        seed=seed,
        folds=folds,
        unpruned_folds=UNPRUNED_FOLDS if unpruned_folds is None else unpruned_folds,
    )
    gains = np.array(found.gains)
    tuned = result(
        kind=kind,
        settings=type(start)(**found.settings),
        trials=found.finished,
        pruned=found.pruned,
        value=found.value,
        value_of_start=found.value_of_start,
        error=corrected_error(gains, folds // repeats) if gains.any() else 0.0,
        seconds=time.monotonic() - began,
        study=name,
        tried=found.trials,
    )
    return tuned.model_copy(update={"settings": start}) if tuned.is_tie else tuned


def judge_folds(judge: Callable[[Fold], float], folds: Sequence[Fold]) -> Generator[float, None, None]:
    """Yield the value on each fold, in order; folds are judged beside each other, and no longer than wanted."""
    pool = ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), 8))
    try:
        for waiting in [pool.submit(judge, fold) for fold in folds]:
            yield waiting.result()
    finally:
        pool.shutdown(cancel_futures=True)
