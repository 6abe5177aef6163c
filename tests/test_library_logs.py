"""Libraries are quiet unless asked: what matters of their warnings is told in our words, once; the rest is counted."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from fusionguard import cli
from fusionguard.library_logs import TOLD, LibraryLogs, in_our_words
from fusionguard.registry.tracking import quiet_mlflow


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Levels are put back, and nobody has asked for more; Great Expectations sets one of its own when a test lets it load."""
    monkeypatch.delenv("FUSIONGUARD_VERBOSE", raising=False)
    loggers = logging.getLogger(), logging.getLogger("great_expectations")
    levels = [logger.level for logger in loggers]
    loggers[1].setLevel(logging.NOTSET)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.captureWarnings(False)


SAID = {
    "Extracting step run metadata failed for component 'slurm' of type 'step_operator': boom": "its component 'slurm' knows",
    "You are configuring a stack that is composed of components that are relying on local resources (my-disk) as well as "
    "components that are running on a cloud": "mixes folders of this machine (my-disk) with services elsewhere",
    "Metadata value for key 'card' is too large to be stored in the database. Skipping.": "'card' does not fit",
    "Metadata value for key 'plot' is not of a supported type. Skipping.": "'plot' does not fit",
    "Error flushing logs: timeout": "A part of a step's log could not be kept",
    "Retrying (Retry(total=2, connect=2)) after connection broken by 'ReadTimeout'": "asked again (at most 2 times more)",
}


def test_each_warning_that_matters_is_told_in_our_words() -> None:
    for said, ours in SAID.items():
        told = in_our_words(said)
        assert told is not None and ours in told, said
    assert {pattern for pattern, _ in TOLD if any(re.search(pattern, said) for said in SAID)} == {pattern for pattern, _ in TOLD}
    assert in_our_words("Setting the active stack to 'default'.") is None


SOURCES = {
    "zenml/stack/stack.py": ("run metadata failed for component ",),
    "zenml/client.py": ("components that ", "are relying on local resources ", "Metadata value for key '", "is too large to be"),
    "zenml/log_stores/otel/otel_log_store.py": ("Error flushing logs",),
    "urllib3/connectionpool.py": ("Retrying (%r) after connection broken by",),
}


def test_the_libraries_still_say_so() -> None:
    for file, phrases in SOURCES.items():
        package, _, rest = file.partition("/")
        found = find_spec(package)
        assert found is not None and found.origin is not None
        text = (Path(found.origin).parent / rest).read_text()
        assert all(phrase in text for phrase in phrases), file


def test_by_default_others_are_counted_and_progress_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    with LibraryLogs(told.append):
        logging.getLogger("zenml.stack.stack").warning("Extracting step run metadata failed for component 'slurm' of type 'x': a")
        logging.getLogger("zenml.stack.stack").warning("Extracting step run metadata failed for component 'slurm' of type 'x': b")
        logging.getLogger("zenml.client").warning("something deprecated")
        logging.getLogger("zenml.client").warning("something deprecated")
        logging.getLogger("great_expectations.core").info("progress")
        logging.getLogger("fusionguard.data").warning("ours, which the progress hears")
        warnings.showwarning("old", DeprecationWarning, "/v/lib/python3.11/site-packages/sklearn/base.py", 7)
    assert told == [
        "ZenML could not note what its component 'slurm' knows of the run; the run goes on.",
        "libraries warned of what need not concern you (sklearn 1, zenml 2); --verbose shows it",
    ]
    assert capfd.readouterr() == ("", "")


def test_verbose_shows_all_of_it_as_it_comes(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUSIONGUARD_VERBOSE", "1")
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    told: list[str] = []
    with LibraryLogs(told.append, own=True):
        logging.getLogger("zenml.client").warning("something deprecated")
        logging.getLogger("great_expectations.core").info("progress\n")
        logging.getLogger("fusionguard.data").warning("ours")
    assert told == ["ours"]
    assert capfd.readouterr().err == "warning zenml.client: something deprecated\ninfo great_expectations.core: progress\n"


def test_mlflow_writes_nothing_past_us(capfd: pytest.CaptureFixture[str]) -> None:
    import mlflow  # noqa: F401  (configures its logger)

    told: list[str] = []
    logger, its_own = logging.getLogger("mlflow"), logging.NullHandler()
    logger.addHandler(its_own)
    with LibraryLogs(told.append), quiet_mlflow():
        assert not logger.handlers
        logging.getLogger("mlflow.store.db").info("Creating initial MLflow database tables...")
        logging.getLogger("mlflow.tracking").warning("a warning")
        logging.getLogger("alembic.runtime.migration").info("Running upgrade")
    assert told == ["libraries warned of what need not concern you (mlflow 1); --verbose shows it"]
    assert capfd.readouterr() == ("", "")
    assert its_own in logger.handlers, "outside of our calls MLflow logs as it was told to"
    logger.removeHandler(its_own)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--verbose", "--version"),
        ("models", "--verbose"),
        ("simulate", "--verbose"),
        ("simulate", "traffic", "--verbose", "--drift", "of nothing"),
    ],
)
def test_the_command_takes_verbose_before_and_after_a_subcommand(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSIONGUARD_VERBOSE", "")
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["fusionguard", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    from fusionguard.verbose import is_verbose

    assert "No such option" not in capfd.readouterr().err
    assert is_verbose()
