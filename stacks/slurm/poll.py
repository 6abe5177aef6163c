"""Asking the controller seldom: all jobs of this process in one query, at most once in a given time."""

from __future__ import annotations

import threading
import time

from .client import SlurmClient
from .errors import CommandError
from .states import JobState


class Poll:
    """The state of the jobs that are watched, at most ``seconds`` old."""

    def __init__(self, client: SlurmClient, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._lock = threading.Lock()
        self._watched: set[int] = set()
        self._known: dict[int, JobState] = {}
        self._asked = float("-inf")
        self._silent_since: float | None = None
        self.queries = 0

    def watch(self, job: int) -> None:
        """Ask about this job from now on."""
        with self._lock:
            if not self._watched:
                self._silent_since = None  # nothing was asked meanwhile
            self._watched.add(job)

    def forget(self, job: int) -> None:
        """Ask no more about it."""
        with self._lock:
            self._watched.discard(job)
            self._known.pop(job, None)

    def state(self, job: int) -> tuple[JobState | None, int]:
        """Return the job's state (None: the controller does not know it) and the number of the query it is from.

        Raises nothing where the controller is away: the last answer stands, see :attr:`silent_seconds`.
        """
        with self._lock:
            if time.monotonic() - self._asked >= self._seconds and self._watched:
                began = time.monotonic()
                try:
                    self._known = self._client.states(self._watched)
                except CommandError:  # silent_seconds tells; the job may well run on
                    self._silent_since = began if self._silent_since is None else self._silent_since
                else:
                    self._silent_since = None
                    self.queries += 1
                self._asked = time.monotonic()
            return self._known.get(job), self.queries

    @property
    def silent_seconds(self) -> float:
        """How long the controller has not answered."""
        return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
