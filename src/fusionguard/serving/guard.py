"""Who may ask, and how much: loopback without a key, everybody else with one."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from fusionguard.errors import UsageError
from fusionguard.serving.http import Scope, check_headers
from fusionguard.serving.keys import KeyEntry, read_keys
from fusionguard.serving.limits import Allowance
from fusionguard.serving.problems import ProblemError

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class GuardSettings(Protocol):
    """What a guard must know of a service's settings."""

    @property
    def keys(self) -> Path | None:
        """The file of API keys."""

    @property
    def workers(self) -> int:
        """Among how many processes a key's allowance is divided."""

    @property
    def requests_per_second(self) -> float:
        """How many requests a second each key may send."""

    @property
    def concurrent_requests(self) -> int:
        """How many requests each key may have open."""


class Guard:
    """Admits requests.

    Without keys, a request must arrive on a loopback address and name a local host: a page in a browser that makes its own name
    point here (DNS rebinding) is refused.
    """

    def __init__(self, settings: GuardSettings) -> None:
        self._settings = settings
        self._allowances: dict[str, tuple[KeyEntry | None, Allowance]] = {}
        self._ring = None if settings.keys is None else read_keys(settings.keys)

    def reload(self) -> None:
        """Read the keys anew; raises :class:`UsageError`, and keeps those there are, where they cannot be read."""
        if self._settings.keys is not None:
            self._ring = read_keys(self._settings.keys)

    def admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Allowance:
        """Return the allowance that the request has been taken from.

        Raises
        ------
        ProblemError
            A header that may be sent once came twice (400).
            There is no key, an unknown one (401), or nothing is left of what it allows (429); or the request came from elsewhere
            to a service without keys (403).
        """
        entry = self.identify(scope, headers)
        name = "" if entry is None else entry.sha256
        kept = self._allowances.get(name)
        if kept is None or kept[0] is not entry:  # the keys were read anew, too
            kept = entry, kept[1] if kept is not None and kept[0] == entry else self._new_allowance(entry)
            self._allowances[name] = kept
        listed = scope.get("headers", ())
        if len(headers) < len(listed):
            check_headers(listed)
        kept[1].take()
        return kept[1]

    def identify(self, scope: Scope, headers: Mapping[bytes, bytes]) -> KeyEntry | None:
        """Return whose key came with a request, None for a service without keys; raises as :meth:`admit` does, but never 429."""
        if self._ring is None:
            server = scope.get("server")
            host = headers.get(b"host", b"").decode("latin-1").lower()
            if (server is not None and server[1] is not None and not is_loopback(server[0])) or _name(host) not in _LOCAL_NAMES:
                raise ProblemError(403, "loopback_only", "This service has no keys, so it answers on loopback alone.")
            return None
        key = headers.get(b"x-api-key", b"").decode("latin-1")
        if not key:
            scheme, _, key = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                key = ""
        entry = self._ring.find(key.strip()) if key else None
        if entry is None:
            detail = "Send a valid key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
            raise ProblemError(401, "key", detail, headers={"www-authenticate": "Bearer"})
        return entry

    def _new_allowance(self, entry: KeyEntry | None) -> Allowance:
        own_rate = None if entry is None else entry.requests_per_second
        own_open = None if entry is None else entry.concurrent_requests
        workers = self._settings.workers
        rate = (own_rate or self._settings.requests_per_second) / workers
        return Allowance(rate, max(1, (own_open or self._settings.concurrent_requests) // workers))


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_address(host: str, settings: GuardSettings, variable: str = "FUSIONGUARD_SERVE_KEYS") -> None:
    """Refuse to listen elsewhere than on loopback without keys; raises :class:`UsageError`."""
    if settings.keys is None and not is_loopback(host):
        raise UsageError(
            f"Listening on {host} needs keys: anybody there could ask.",
            f"Make a key: fusionguard key NAME --keys FILE; then set {variable}=FILE. Or listen on 127.0.0.1.",
        )


def _name(host: str) -> str:
    """Return a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host
