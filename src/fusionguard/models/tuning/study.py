"""A search for the settings with the highest value: sampled by Optuna, kept in a journal, shared by several workers.

A study is a row of places 0, 1, 2, ...: the first is the settings that are configured, the settings of each later one follow
from the seed, its place and the trials before it. A place is taken by the first trial that claims it in the journal, and is
free again when that trial fails, as it does when its worker dies; the next one then repeats it with the same settings.
So a study that was interrupted goes on as if it had not been, and workers share the places without any of them done twice.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from fusionguard.files import storage_errors
from fusionguard.models.tuning.journal import open_journal
from fusionguard.models.tuning.trial import Trial
from fusionguard.models.tuning.workers import Life, Worker

Settings = Mapping[str, Any]
Objective = Callable[[Settings], Generator[float, None, None]]
"""Judges settings: yields a value for each fold, in the order of the folds; higher is better."""

UNPRUNED_TRIALS = 5
"""So many trials are judged on every fold before others are measured against them."""
UNPRUNED_FOLDS = 2
"""A trial is judged on one fold more than these at least, unless a search has so few folds that it says otherwise."""

_POLL_SECONDS = 0.5
_PLACE, _WORKER, _HOST = "place", "worker", "host"
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What a search has come to.

    Attributes
    ----------
    settings, value
        The best settings that were judged on every fold, and their mean value; of equal ones the earliest.
    value_of_start
        The mean value of the configured settings.
    gains
        (folds,) how much higher the best settings are than the configured ones on each fold.
    finished, pruned
        How many trials have ended, in all sessions, and how many of those were given up early.
    trials
        Those that ended, in the order of their places.
    """

    settings: dict[str, Any]
    value: float
    value_of_start: float
    gains: tuple[float, ...]
    finished: int
    pruned: int
    trials: tuple[Trial, ...]


def search(
    title: str,
    folder: Path,
    name: str,
    space: Mapping[str, BaseDistribution],
    start: Settings,
    objective: Objective,
    *,
    trials: int,
    seconds: float | None,
    seed: int,
    folds: int | None = None,
    unpruned_folds: int = UNPRUNED_FOLDS,
) -> Found:
    """Take part in the study ``name`` until it has ``trials`` trials, those of other workers and sessions included.

    Parameters
    ----------
    title
        What log lines call the study.
    folder
        Where the journal ``<name>.log`` is or will be; workers on several computers may share it.
    name
        Must differ between studies whose trials have other values: a study is resumed by its name.
    space, start
        What is searched, and the settings that are judged first, which need not lie in the space.
    seconds
        Begin no further trial when so many have passed since the call; the first is always finished.
    folds
        How many values the objective yields, so that no trial is given up that has them all; None where that is not known.
    unpruned_folds
        A trial is judged on one fold more than these at least.

    Raises
    ------
    StorageError
        The journal is damaged or cannot be written.
    """
    began = time.monotonic()
    journal = folder / f"{name}.log"
    with storage_errors(journal), contextlib.ExitStack() as stack:
        storage = open_journal(journal)
        worker = stack.enter_context(Worker(folder, name))
        study = _Study(title, storage, name, space, start, seed, worker, folds, unpruned_folds)
        while True:
            late = seconds is not None and time.monotonic() - began >= seconds
            standing = study.standing()
            if late and standing.is_finished(0):
                return study.found()
            place = None if standing.doubtful else standing.free_place(1 if late else trials)
            if place is not None:
                study.judge(place, standing, objective, trials)
            elif standing.is_idle:
                return study.found()
            else:
                time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class _Standing:
    """Who has which place: ``taken`` holds the trials that did not fail, in order of their places."""

    taken: dict[int, FrozenTrial]
    failed: list[FrozenTrial]
    doubtful: bool
    """A worker may be dead: whoever goes on now would not go on as if it had not been there."""

    @property
    def is_idle(self) -> bool:
        return all(trial.state in _FINISHED for trial in self.taken.values())

    def is_finished(self, place: int) -> bool:
        return place in self.taken and self.taken[place].state in _FINISHED

    def free_place(self, places: int) -> int | None:
        return next((place for place in range(places) if place not in self.taken), None)


class _Study:
    """The study as one worker sees it."""

    def __init__(
        self,
        title: str,
        storage: optuna.storages.JournalStorage,
        name: str,
        space: Mapping[str, BaseDistribution],
        start: Settings,
        seed: int,
        worker: Worker,
        folds: int | None = None,
        unpruned_folds: int = UNPRUNED_FOLDS,
    ) -> None:
        self._title, self._storage, self._space, self._start = title, storage, dict(space), dict(start)
        self._seed, self._worker, self._last_step = seed, worker, None if folds is None else folds - 1
        with _quiet():
            self._study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
        self._id = storage.get_study_id_from_name(name)
        self._pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS, n_warmup_steps=unpruned_folds)

    def standing(self) -> _Standing:
        """Read the journal; trials of dead workers are closed as failed."""
        doubtful = False
        for trial in self._trials(TrialState.RUNNING):
            name = trial.user_attrs[_WORKER]
            life = self._worker.life(name, trial.user_attrs[_HOST], len(trial.intermediate_values))
            doubtful |= life is Life.DOUBTFUL
            if life is Life.DEAD:
                self._end(trial, TrialState.FAIL)
                self._worker.bury(name)
                _log.info("%s: trial %d was interrupted and will be repeated", self._title, trial.user_attrs[_PLACE] + 1)
        taken: dict[int, FrozenTrial] = {}
        for trial in self._trials(*_FINISHED, TrialState.RUNNING):
            taken.setdefault(trial.user_attrs[_PLACE], trial)
        return _Standing(dict(sorted(taken.items())), self._trials(TrialState.FAIL), doubtful)

    def judge(self, place: int, standing: _Standing, objective: Objective, places: int) -> None:
        """Claim a place and judge its settings fold by fold, as far as they are worth it."""
        parameters = self._parameters(place, standing)
        trial = self._claim(place, parameters)
        if trial is None:
            return
        values: list[float] = []
        try:
            with contextlib.closing(objective(self._settings(place, parameters))) as folds:
                for value in folds:
                    values.append(value)
                    if not self._report(trial, place, values):
                        return
        except BaseException:
            self._end(trial, TrialState.FAIL)
            raise
        reached = float(np.mean(values))
        before = max((known.value for known in self._trials(TrialState.COMPLETE)), default=-np.inf)
        if self._end(trial, TrialState.COMPLETE, reached) and reached > before:
            _log.info("%s: trial %d of %d reaches %.4f", self._title, place + 1, places, reached)

    def found(self) -> Found:
        """Return the best of what has been judged."""
        taken = self.standing().taken
        complete = [trial for trial in taken.values() if trial.state == TrialState.COMPLETE]
        best = max(complete, key=lambda trial: (trial.value, -trial.user_attrs[_PLACE]))
        return Found(
            settings=self._settings(best.user_attrs[_PLACE], best.params),
            value=best.value,
            value_of_start=taken[0].value,
            gains=tuple((_fold_values(best) - _fold_values(taken[0])).tolist()),
            finished=sum(trial.state in _FINISHED for trial in taken.values()),
            pruned=sum(trial.state == TrialState.PRUNED for trial in taken.values()),
            trials=tuple(self._shown(place, trial) for place, trial in taken.items() if trial.state in _FINISHED),
        )

    def _shown(self, place: int, trial: FrozenTrial) -> Trial:
        settings = self._settings(place, trial.params)
        return Trial(
            kind=self._title,
            number=place + 1,
            state="complete" if trial.state == TrialState.COMPLETE else "pruned",
            value=trial.value,
            parameters={key: settings[key] for key in self._space},
            began=trial.datetime_start.astimezone(UTC),
            ended=trial.datetime_complete.astimezone(UTC),
        )

    def _settings(self, place: int, parameters: Settings) -> dict[str, Any]:
        return {**self._start, **(parameters if place > 0 else {})}  # the start need not lie in the space, its record does

    def _parameters(self, place: int, standing: _Standing) -> dict[str, Any]:
        for trial in standing.failed:
            if trial.user_attrs[_PLACE] == place:
                return dict(trial.params)
        if place == 0:
            return {key: _clipped(self._start[key], within) for key, within in self._space.items()}
        return self._draw(place, list(standing.taken.values()))

    def _draw(self, place: int, known: list[FrozenTrial]) -> dict[str, Any]:
        """Sample from nothing but the seed, the place and the trials known: a copy of the study has no memory of its own."""
        seed = int(np.random.SeedSequence([self._seed, place]).generate_state(1)[0])
        with _quiet():
            copy = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
        copy.add_trials(known)
        drawn = copy.ask(fixed_distributions=self._space).params
        return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in drawn.items()}

    def _claim(self, place: int, parameters: dict[str, Any]) -> FrozenTrial | None:
        """Write one line that takes the place; None where another worker's line came first."""
        attributes = {_PLACE: place, _WORKER: self._worker.name, _HOST: self._worker.host}
        claim = create_trial(state=TrialState.RUNNING, params=parameters, distributions=self._space, user_attrs=attributes)
        self._study.add_trial(claim)
        at_place = [trial for trial in self._trials(*_FINISHED, TrialState.RUNNING) if trial.user_attrs[_PLACE] == place]
        mine = next(trial for trial in at_place if trial.user_attrs[_WORKER] == self._worker.name)
        if mine is at_place[0]:
            return mine
        self._end(mine, TrialState.FAIL)
        return None

    def _report(self, trial: FrozenTrial, place: int, values: list[float]) -> bool:
        """Write the mean over the folds so far; False where the trial is not to go on.

        Optuna's median pruner compares a trial's best step with the others' values at this one. Folds differ in difficulty, so
        a trial would be safe for ever after an easy first one: it is shown this step alone, which all have reached on the same
        folds. The configured settings are never given up, nor is a trial that has been judged on every fold.
        """
        step, mean = len(values) - 1, float(np.mean(values))
        try:
            self._storage.set_trial_intermediate_value(self._number_to_id(trial), step, mean)
        except UpdateFinishedTrialError:  # another worker took this one for dead: the trial is its now
            return False
        if place == 0 or step == self._last_step:
            return True
        if self._pruner.prune(self._study, create_trial(state=TrialState.RUNNING, intermediate_values={step: mean})):
            self._end(trial, TrialState.PRUNED)
            return False
        return True

    def _end(self, trial: FrozenTrial, state: TrialState, value: float | None = None) -> bool:
        """Close a trial; False where it is closed already."""
        if state == TrialState.PRUNED:
            known = self._storage.get_trial(self._number_to_id(trial))
            value = known.intermediate_values[known.last_step]
        try:
            self._storage.set_trial_state_values(self._number_to_id(trial), state, None if value is None else [value])
        except UpdateFinishedTrialError:
            return False
        return True

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return list(self._study.get_trials(deepcopy=False, states=states))

    def _number_to_id(self, trial: FrozenTrial) -> int:
        return int(self._storage.get_trial_id_from_study_id_trial_number(self._id, trial.number))


def _fold_values(trial: FrozenTrial) -> NDArray[np.float64]:
    """Return what a trial reached on each fold: what it reported after each is the mean so far."""
    sums = np.array([(step + 1) * mean for step, mean in sorted(trial.intermediate_values.items())])
    return np.diff(sums, prepend=0.0)


def _clipped(value: float | None, within: BaseDistribution) -> float:
    """Return the nearest value of a space; of a setting that the library chooses itself, the lowest."""
    if value is None:
        return float(within.low)
    return type(value)(min(max(value, within.low), within.high))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing each study it makes."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
