"""A training that is interrupted after any number of saves, in one process, gives the bytes of one that was left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionguard.checkpoint import FOLDER_VARIABLE, SECONDS_VARIABLE, Checkpoints
from fusionguard.families.fraud import boosting
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.config import AutoencoderConfig, XGBoostConfig

from .conftest import CONFIG, Trained


class Interrupted(BaseException):
    """Stands for a kill in tests of one process."""


@pytest.fixture
def interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bytes], list[int]], bytes]:
    """A function that interrupts a training after so many saves, each time anew, and then lets it end."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "checkpoints"))
    monkeypatch.setenv(SECONDS_VARIABLE, "0")
    save = Checkpoints.save

    def run(train: Callable[[], bytes], after: list[int]) -> bytes:
        for saves in after:
            left = iter(range(saves - 1, -1, -1))

            def saving(checkpoints: Checkpoints, content: bytes, left: Iterator[int] = left) -> None:
                save(checkpoints, content)
                if next(left) == 0:
                    raise Interrupted

            monkeypatch.setattr(Checkpoints, "save", saving)
            with pytest.raises(Interrupted):
                train()
        monkeypatch.setattr(Checkpoints, "save", save)
        return train()

    return run


@pytest.mark.parametrize(
    "sampling",
    [
        {},
        {"subsample": 1.0},
        {"colsample_bytree": 1.0},
        {"subsample": 0.5, "colsample_bytree": 0.1, "max_depth": 8},
        {"min_child_weight": 50.0, "max_depth": 1},
        {"num_parallel_tree": 3, "early_stopping_rounds": 65},
        {"num_parallel_tree": 4, "subsample": 0.5, "colsample_bytree": 0.1},
    ],
    ids=str,
)
def test_a_booster_goes_on_inside_a_segment_whatever_it_draws(
    sampling: dict[str, float], trained: Trained, monkeypatch: pytest.MonkeyPatch, interrupt: Any
) -> None:
    """XGBoost's generators cannot be saved: their numbers are drawn again, which this test watches over."""
    config = XGBoostConfig(**{"rounds": 65, "num_parallel_tree": 1, "learning_rate": 0.1} | sampling)  # type: ignore[arg-type]

    def train() -> bytes:
        return bytes(train_booster(trained.features, trained.plan, config, negative_weight=3.0, seed=2).save_raw("ubj"))

    monkeypatch.setattr(boosting, "SEGMENT_ROUNDS", 20)
    again = interrupt(train, [1, 7, 6, 5, 1, 15, 17])  # rounds 1, 8, 14, 19, 20 (a border), 35 and 52
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert again == train()


def test_early_stopping_looks_at_the_same_rounds_after_an_interruption(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, interrupt: Any
) -> None:
    """In the middle of a segment the best round may already be too long ago: the segment is trained to its end all the same."""
    config = XGBoostConfig(rounds=500, num_parallel_tree=2, early_stopping_rounds=3, learning_rate=0.5)

    def train() -> bytes:
        return bytes(train_booster(trained.features, trained.plan, config, negative_weight=1.0, seed=1).save_raw("ubj"))

    again = interrupt(train, [20, 28])
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert again == train()


@pytest.mark.parametrize("after", [[1, 1, 1], [4, 1], [5, 3, 2], [12]], ids=str)
def test_an_autoencoder_goes_on_between_and_inside_latent_sizes(
    after: list[int], trained: Trained, monkeypatch: pytest.MonkeyPatch, interrupt: Any
) -> None:
    """Three sizes of four epochs save five times each: after every epoch and at the end of a size; the first is the best."""
    config = AutoencoderConfig(latent_sizes=(4, 2, 1), epochs=4, patience_epochs=4, batch_rows=256)

    def train() -> bytes:
        model = train_autoencoder(trained.features, trained.plan, config, negative_weight=3.0, seed=2)
        return bytes(model.SerializeToString(deterministic=True))

    again = interrupt(train, after)
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert again == train()


def test_patience_counts_on_after_an_interruption(trained: Trained, monkeypatch: pytest.MonkeyPatch, interrupt: Any) -> None:
    config = AutoencoderConfig(latent_sizes=(4,), epochs=20, patience_epochs=4, minimum_gain=0.5, batch_rows=256)

    def train() -> bytes:
        model = train_autoencoder(trained.features, trained.plan, config, negative_weight=3.0, seed=2)
        return bytes(model.SerializeToString(deterministic=True))

    again = interrupt(train, [2, 1, 1])
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert again == train()


@pytest.mark.parametrize("trainer", [train_booster, train_autoencoder])
def test_another_trainings_checkpoint_is_not_resumed(
    trainer: Any, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by its name nor, where somebody renames it, by its content."""
    config = CONFIG.xgboost if trainer is train_booster else CONFIG.autoencoder

    def train(seed: int = 7, negative_weight: float = 1.0, **changes: Any) -> bytes:
        settings = config.model_copy(update=changes)
        model = trainer(trained.features, trained.plan, settings, negative_weight=negative_weight, seed=seed)
        return bytes(model.save_raw("ubj")) if trainer is train_booster else bytes(model.SerializeToString(deterministic=True))

    alone = train(seed=8)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "checkpoints"))
    train()
    (mine,) = (tmp_path / "checkpoints").iterdir()
    assert train(seed=8) == alone
    (other,) = set((tmp_path / "checkpoints").iterdir()) - {mine}
    train(negative_weight=2.0)
    train(learning_rate=0.2)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 4
    shutil.copy(mine, other)
    assert train(seed=8) == alone
    assert "is ignored: it is of another training" in caplog.text
