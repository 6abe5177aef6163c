"""The shared study, on an objective that costs nothing: two settings, a peak, and folds of different difficulty."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState

from fusionguard.models.tuning import workers
from fusionguard.models.tuning.journal import open_journal
from fusionguard.models.tuning.study import Found, Objective, Settings, _Study, search
from fusionguard.models.tuning.workers import Life, Worker

SPACE = {"x": FloatDistribution(0.0, 1.0), "n": IntDistribution(1, 30)}
START = {"x": 0.9, "n": 25, "untouched": "as configured"}
FOLDS = 6


def value_of(settings: Settings, fold: int = 0) -> float:
    """Return the value on one fold; folds differ by more than settings do, and the first is the easiest."""
    return 1.0 - (settings["x"] - 0.3) ** 2 - (settings["n"] - 8) ** 2 / 400 - 3 * fold


def judge(settings: Settings) -> Generator[float, None, None]:
    for fold in range(FOLDS):
        yield value_of(settings, fold)


NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def run(folder: Path, objective: Objective = judge, *, trials: int = 25, seconds: float | None = None, **others: Any) -> Found:
    """Search, and return what was found without when each trial began and ended: that is another time each time."""
    start, seed = others.pop("start", START), others.pop("seed", 3)
    found = search("demo", folder, "demo", SPACE, start, objective, trials=trials, seconds=seconds, seed=seed, **others)
    return replace(found, trials=tuple(each.model_copy(update={"began": NEVER, "ended": NEVER}) for each in found.trials))


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """Return the study's trials as Optuna reads them."""
    return list(optuna.load_study(study_name="demo", storage=open_journal(folder / "demo.log")).get_trials())


def tried(folder: Path) -> list[tuple[int, dict[str, Any], dict[int, float]]]:
    """Return what was tried, in order of places: the place, the settings, the values reported."""
    ended = [trial for trial in trials_of(folder) if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    return sorted(
        ((trial.user_attrs["place"], trial.params, trial.intermediate_values) for trial in ended), key=lambda one: one[0]
    )


class Stop(BaseException):
    """Stands for whatever ends a process."""


def stopping_at(call: int) -> Objective:
    """Return the objective that is stopped at the given fold, counted over all trials."""
    calls = iter(range(1_000_000))

    def objective(settings: Settings) -> Generator[float, None, None]:
        for value in judge(settings):
            if next(calls) == call:
                raise Stop
            yield value

    return objective


def test_the_configured_settings_come_first_and_better_ones_are_found(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert tried(tmp_path)[0][1] == {"x": 0.9, "n": 25}
    assert found.value_of_start == pytest.approx(sum(judge(START)) / FOLDS)
    assert found.value > found.value_of_start + 0.5
    assert found.value == pytest.approx(sum(judge(found.settings)) / FOLDS)
    assert found.settings["untouched"] == "as configured"
    assert found.finished == 25


def test_the_start_is_kept_where_nothing_is_better_even_outside_the_space(tmp_path: Path) -> None:
    start = {"x": -0.2, "n": 45}

    def only_start(settings: Settings) -> Generator[float, None, None]:
        yield from [1.0 if settings == start else 0.5] * FOLDS

    found = run(tmp_path, only_start, trials=8, start=start)
    assert found.settings == start
    assert found.value == found.value_of_start == 1.0


def test_the_same_seed_tries_the_same_and_another_one_does_not(tmp_path: Path) -> None:
    first, second, other = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=4)
    assert first == second
    assert tried(tmp_path / "a") == tried(tmp_path / "b")
    assert other != first


def test_a_bad_trial_is_given_up_even_though_its_first_fold_was_easy(tmp_path: Path) -> None:
    found = run(tmp_path)
    pruned = [trial for trial in trials_of(tmp_path) if trial.state == TrialState.PRUNED]
    assert found.pruned == len(pruned) > 3
    assert {len(trial.intermediate_values) for trial in pruned} == {3}
    complete = [trial for trial in trials_of(tmp_path) if trial.state == TrialState.COMPLETE]
    assert all(len(trial.intermediate_values) == FOLDS for trial in complete)


def test_a_search_of_few_folds_gives_up_earlier_but_never_after_the_last(tmp_path: Path) -> None:
    def three(settings: Settings) -> Generator[float, None, None]:
        yield from list(judge(settings))[:3]

    run(tmp_path / "told", three, folds=3, unpruned_folds=1)
    ended = {(trial.state, len(trial.intermediate_values)) for trial in trials_of(tmp_path / "told")}
    assert ended == {(TrialState.COMPLETE, 3), (TrialState.PRUNED, 2)}
    run(tmp_path / "last", three, folds=3)
    assert {trial.state for trial in trials_of(tmp_path / "last")} == {TrialState.COMPLETE}


@pytest.mark.parametrize("call", [0, 2, 40, 100])
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(tmp_path: Path, call: int) -> None:
    with pytest.raises(Stop):
        run(tmp_path / "cut", stopping_at(call))
    assert run(tmp_path / "cut") == run(tmp_path / "whole")
    assert tried(tmp_path / "cut") == tried(tmp_path / "whole")


def test_more_trials_go_on_where_fewer_ended_and_an_ended_study_is_only_read(tmp_path: Path) -> None:
    run(tmp_path / "steps", trials=12)
    assert run(tmp_path / "steps") == run(tmp_path / "whole")
    assert run(tmp_path / "steps", stopping_at(0)) == run(tmp_path / "whole")


def test_no_trial_begins_when_the_time_is_up_but_the_first_is_finished(tmp_path: Path) -> None:
    found = run(tmp_path, seconds=1e-9)
    assert (found.finished, found.value) == (1, found.value_of_start)

    def slow(settings: Settings) -> Generator[float, None, None]:
        time.sleep(0.1)
        yield from judge(settings)

    assert 2 <= run(tmp_path, slow, seconds=0.5).finished <= 7


def test_better_trials_are_logged_once_each_and_optuna_is_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    verbosity = optuna.logging.get_verbosity()
    with caplog.at_level(logging.INFO):
        found = run(tmp_path)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("demo: trial 1 of 25 reaches")
    assert lines[-1].endswith(f"reaches {found.value:.4f}")
    assert 2 <= len(lines) < 25
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == verbosity


def test_workers_share_the_places_and_agree_on_the_result(tmp_path: Path) -> None:
    def slow(settings: Settings) -> Generator[float, None, None]:
        for value in judge(settings):
            time.sleep(0.005)
            yield value

    found: list[Found] = []
    threads = [threading.Thread(target=lambda: found.append(run(tmp_path, slow))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2]
    assert [place for place, _, _ in tried(tmp_path)] == list(range(25))
    ended = [trial for trial in trials_of(tmp_path) if trial.state.is_finished() and trial.state != TrialState.FAIL]
    assert len({trial.user_attrs["worker"] for trial in ended}) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["demo.log"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[_Study, _Study]]:
    """Two workers of one study."""
    with Worker(tmp_path, "demo") as first, Worker(tmp_path, "demo") as second:
        journal = tmp_path / "demo.log"
        yield tuple(_Study("demo", open_journal(journal), "demo", SPACE, START, 3, one) for one in (first, second))  # type: ignore[misc]


def test_of_two_claims_of_one_place_the_first_line_wins(pair: tuple[_Study, _Study], tmp_path: Path) -> None:
    first, second = pair
    empty = second.standing()
    first._claim(0, {"x": 0.9, "n": 25})
    second.judge(0, empty, judge, 25)  # it read the journal before the claim was there
    states = [trial.state for trial in trials_of(tmp_path)]
    assert states == [TrialState.RUNNING, TrialState.FAIL]
    assert first.standing().free_place(1) is None


def test_a_worker_that_was_taken_for_dead_drops_its_trial_and_goes_on(pair: tuple[_Study, _Study], tmp_path: Path) -> None:
    first, second = pair

    def robbed(settings: Settings) -> Generator[float, None, None]:
        yield 0.5
        second._end(second._trials(TrialState.RUNNING)[0], TrialState.FAIL)
        yield 0.5
        raise AssertionError("it should have been told to stop")

    first.judge(0, first.standing(), robbed, 25)
    assert [trial.state for trial in trials_of(tmp_path)] == [TrialState.FAIL]
    assert run(tmp_path).finished == 25


def test_a_worker_is_dead_as_soon_as_its_lock_is_free(tmp_path: Path) -> None:
    with Worker(tmp_path, "demo") as watcher:
        other = Worker(tmp_path, "demo")
        other.__enter__()
        assert watcher.life(other.name, other.host, 0) is Life.ALIVE
        os.close(other._descriptor)  # what the system does when a process dies
        assert watcher.life(other.name, other.host, 0) is Life.DEAD


def test_a_worker_of_another_computer_is_dead_only_after_a_long_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "QUIET_SECONDS", 0.05)
    with Worker(tmp_path, "demo") as watcher:
        assert watcher.life("far", "elsewhere", 0) is Life.DOUBTFUL
        assert watcher.life("far", "elsewhere", 1) is Life.ALIVE
        assert watcher.life("far", "elsewhere", 1) is Life.ALIVE
        time.sleep(0.06)
        assert watcher.life("far", "elsewhere", 1) is Life.DEAD


def test_the_search_waits_for_certainty_about_a_worker_of_another_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would go on with a place that an uninterrupted study reaches with one more trial known."""
    monkeypatch.setattr(workers, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr("fusionguard.models.tuning.study._POLL_SECONDS", 0.05)
    run(tmp_path / "cut", trials=12)
    far = Worker(tmp_path / "cut", "demo")
    far.host = "elsewhere"
    study = _Study("demo", open_journal(tmp_path / "cut" / "demo.log"), "demo", SPACE, START, 3, far)
    study._claim(12, study._parameters(12, study.standing()))
    assert run(tmp_path / "cut") == run(tmp_path / "whole")
    assert tried(tmp_path / "cut") == tried(tmp_path / "whole")
