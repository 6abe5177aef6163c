"""What libraries log: what matters to a user is told in our words, the rest shown only where ``--verbose`` asks for it."""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from fusionguard.verbose import is_verbose

OWN = ("fusionguard", "pipelines", "stacks", "steps", "zenml_slurm")

TOLD: tuple[tuple[str, str], ...] = (
    (
        r"Extracting (?:pipeline|step) run metadata failed for component '([^']+)'",
        "ZenML could not note what its component '{0}' knows of the run; the run goes on.",
    ),
    (
        r"composed of components that are relying on local resources \(([^)]*)\)",
        "The stack mixes folders of this machine ({0}) with services elsewhere: steps that run there cannot read them.",
    ),
    (
        r"Metadata value for key '([^']+)' is (?:too large|not of a supported)",
        "'{0}' does not fit ZenML's metadata and is missing there; the reports have it.",
    ),
    (r"Error flushing logs", "A part of a step's log could not be kept; ZenML's pages show it without."),
    (
        r"Retrying \(Retry\(total=(\d+)",
        "A server does not answer and is asked again (at most {0} times more): MLflow's or ZenML's, see MLFLOW_TRACKING_URI.",
    ),
)
"""Warnings that matter, by what libraries say, and what a user hears instead; groups of the first stand in the second."""

_ORDINARY = re.compile(r"Setting the global active (?:stack|project) to")
"""What ZenML warns of when all is well, at the first run in a fresh configuration."""

_PLACE = re.compile(r"site-packages/([A-Za-z0-9_]+)")


class LibraryLogs(logging.Handler):
    """Hears what libraries log while it is entered.

    By default it tells of warnings in :data:`TOLD`, each once, and at the end how many others there were; with ``--verbose`` it
    writes all of them to standard error as they come.

    Parameters
    ----------
    tell
        Takes one line for a person.
    own
        Whether our own warnings are told, too, where nobody else does.
    """

    def __init__(self, tell: Callable[[str], None], *, own: bool = False) -> None:
        super().__init__()
        self._tell, self._own = tell, own
        self._told: set[str] = set()
        self._others: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Show, tell or count one record."""
        ours, said = record.name.partition(".")[0] in OWN, record.getMessage()
        if ours and self._own and record.levelno >= logging.WARNING:
            self._tell(said)
        elif ours:
            return
        elif is_verbose():
            if sys.__stderr__ is not None:  # not sys.stderr, which ZenML wraps to keep a step's log
                sys.__stderr__.write(f"{record.levelname.lower()} {record.name}: {said.rstrip()}\n")
        elif record.levelno >= logging.WARNING and not _ORDINARY.match(said):
            self._count(in_our_words(said), library(record.name, said))

    def _count(self, ours: str | None, library: str) -> None:
        if ours is None:
            self._others[library] += 1
        elif ours not in self._told:
            self._told.add(ours)
            self._tell(ours)

    def __enter__(self) -> LibraryLogs:
        logging.getLogger().addHandler(self)
        hear_libraries()
        logging.captureWarnings(True)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        logging.getLogger().removeHandler(self)
        logging.captureWarnings(False)
        if self._others:
            counted = ", ".join(f"{name} {count}" for name, count in sorted(self._others.items()))
            self._tell(f"libraries warned of what need not concern you ({counted}); --verbose shows it")


def hear_libraries() -> None:
    """Let the root logger hand on what is to be heard; again after what sets its level otherwise, as importing ZenML does."""
    logging.getLogger().setLevel(logging.INFO if is_verbose() else logging.WARNING)


def in_our_words(said: str) -> str | None:
    """Return what a user hears instead of a library's warning, None where it is none that matters."""
    for pattern, ours in TOLD:
        found = re.search(pattern, said)
        if found is not None:
            return ours.format(*found.groups())
    return None


def library(logger: str, said: str) -> str:
    """Return which library logged; Python's own warnings name it by the file they come from."""
    place = _PLACE.search(said) if logger == "py.warnings" else None
    return place[1] if place is not None else logger.partition(".")[0]
