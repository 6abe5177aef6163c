"""How much one key may ask for: a bucket of tokens for requests a second, and a count of those that are open."""

from __future__ import annotations

import math
import time

from fusionguard.serving.problems import ProblemError


class Allowance:
    """What one key has left; used on the event loop alone.

    Parameters
    ----------
    requests_per_second
        The rate at which the bucket fills; it holds one second's worth, and one request at least.
    concurrent_requests
        Requests that may be open at a time.
    """

    def __init__(self, requests_per_second: float, concurrent_requests: int) -> None:
        self._rate, self._most_open = requests_per_second, concurrent_requests
        self._size = max(1.0, requests_per_second)
        self._tokens, self._filled_at = self._size, time.monotonic()
        self._open = 0

    def take(self) -> None:
        """Begin a request; raise :class:`ProblemError` (429 with Retry-After) where there is nothing left for it."""
        if self._open >= self._most_open:
            raise _too_many("too_many_at_once", f"This key may have {self._most_open} requests open at a time.", 1.0)
        now = time.monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            detail = f"This key may send {self._rate:g} requests a second."
            raise _too_many("too_many_requests", detail, (1.0 - self._tokens) / self._rate)
        self._tokens -= 1.0
        self._open += 1

    def give_back(self) -> None:
        """End a request that was begun."""
        self._open -= 1


def _too_many(reason: str, detail: str, seconds: float) -> ProblemError:
    return ProblemError(429, reason, detail, headers={"retry-after": str(max(1, math.ceil(seconds)))})
