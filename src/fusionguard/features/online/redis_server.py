"""The Redis that holds a state: its address, how it is asked, and what its faults are called."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fusionguard.errors import StorageError, UsageError

SCHEMES = ("redis", "rediss")
PASSWORD = "FUSIONGUARD_REDIS_PASSWORD"
"""The environment variable of the password; that with ``_FILE`` behind it names a file that holds it."""

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 2.0
"""A server that is silent for longer is taken for one that is gone."""

PAUSE_SECONDS = 0.5
"""So long nobody asks a server again that was not there: who comes meanwhile is told at once."""

_PORT = 6379
_CA = "ca"
_NOT_RECORDED = "What a call that broke off may have recorded is recorded once: send the same rows again under the same ids."


def is_redis(where: str) -> bool:
    """Whether a place of states is the address of a Redis, and no folder."""
    return where.partition("://")[0] in SCHEMES and "://" in where


@dataclass(frozen=True)
class RedisAddress:
    """Where a Redis is, without its password."""

    host: str
    port: int
    database: int
    tls: bool
    user: str | None = None
    ca: str | None = None

    @classmethod
    def of(cls, text: str) -> RedisAddress:
        """Read ``redis://[USER@]HOST[:PORT][/DATABASE]``, with ``rediss`` over TLS, where ``?ca=FILE`` says whom to trust.

        Raises
        ------
        UsageError
            It is no such address, or has a password in it.
        """
        try:
            parts = urlsplit(text)
            host, port, database = parts.hostname, parts.port or _PORT, int(parts.path.strip("/") or 0)
        except ValueError:
            raise _no_address() from None
        if parts.password is not None:
            remedy = f"Put it into {PASSWORD}, or into a file that {PASSWORD}_FILE names."
            raise UsageError("The address of Redis has a password in it, where everybody can read it.", remedy)
        options = parse_qs(parts.query, keep_blank_values=True)
        tls = parts.scheme == "rediss"
        if parts.scheme not in SCHEMES or host is None or database < 0 or set(options) - ({_CA} if tls else set()):
            raise _no_address()
        user = None if parts.username is None else unquote(parts.username)
        return cls(host, port, database, tls, user, options.get(_CA, [None])[-1])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' * self.tls}://{host}:{self.port}/{self.database}"


def _no_address() -> UsageError:
    return UsageError("That is no address of a Redis.", "Write redis://HOST:PORT/0, or rediss://HOST:PORT/0?ca=FILE for TLS.")


def read_password(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the password that the environment tells, or the file that it names; UsageError where that cannot be read."""
    if named := environment.get(f"{PASSWORD}_FILE"):
        try:
            return Path(named).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{PASSWORD}_FILE names a file that cannot be read: {named}.", "Correct the variable.") from error
    return environment.get(PASSWORD) or None


@dataclass
class RedisServer:
    """A Redis that is asked; every fault of it is a :class:`StorageError`.

    Parameters
    ----------
    address
        Where it is.
    """

    address: RedisAddress
    _client: Any = field(init=False, repr=False)
    _shas: dict[str, str] = field(default_factory=dict, repr=False)
    _gone: tuple[float, str] = (0.0, "")
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        secure: dict[str, Any] = {"ssl": True, "ssl_ca_certs": self.address.ca} if self.address.tls else {}
        self._client = redis.Redis(
            host=self.address.host,
            port=self.address.port,
            db=self.address.database,
            username=self.address.user,
            password=read_password(),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            **secure,
        )

    def ask(self, *command: Any) -> Any:
        """Return what a command answers; one that finds a connection closed is sent again over another."""
        return self._asked(lambda: self._client.execute_command(*command))

    def run(self, script: str, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        """Return what a script answers, in one round trip where the server knows it."""
        from redis.exceptions import NoScriptError

        sha = self._shas.get(script) or self._shas.setdefault(script, _sha(script))

        def run() -> Any:
            try:
                return self._client.execute_command("EVALSHA", sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return self._client.execute_command("EVAL", script, len(keys), *keys, *arguments)

        return self._asked(run)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _asked(self, ask: Any) -> Any:
        from redis import exceptions

        until, why = self._gone
        if time.monotonic() < until:
            raise self._unreachable(why)
        try:
            try:
                answer = ask()
            except exceptions.BusyLoadingError:
                raise
            except exceptions.ConnectionError as error:
                if isinstance(error, exceptions.AuthenticationError):
                    raise
                answer = ask()  # that of a server that was started anew: each connection to the one before is found closed once
        except exceptions.RedisError as error:
            raise self._fault(error) from error
        return answer

    def _fault(self, error: Exception) -> StorageError:
        from redis import exceptions

        text = str(error)
        denied = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)
        if isinstance(error, denied) or "NOAUTH" in text or "WRONGPASS" in text:
            remedy = f"Correct the user in its address, or the password in {PASSWORD} or the file of {PASSWORD}_FILE."
            return StorageError(f"{self.address} refuses this user or password.", remedy)
        if isinstance(error, exceptions.OutOfMemoryError) or text.startswith("OOM"):
            remedy = "Nothing of this call was recorded. Prune the state, or give Redis more memory (maxmemory)."
            return StorageError(f"{self.address} has no memory left.", remedy)
        if "MISCONF" in text:
            remedy = "Nothing of this call was recorded. Free some space on its disk; its own log says more."
            return StorageError(f"{self.address} cannot write to its disk.", remedy)
        if isinstance(error, exceptions.ReadOnlyError):
            return StorageError(f"{self.address} is a replica that takes nothing.", "Name the primary one.")
        if isinstance(error, (exceptions.ConnectionError, exceptions.TimeoutError)):
            why = "it is loading its data" if isinstance(error, exceptions.BusyLoadingError) else _without_address(text)
            self._gone = time.monotonic() + PAUSE_SECONDS, why
            return self._unreachable(why)
        return StorageError(f"{self.address} refuses a command: {text[:200]}.", "It must be Redis 6 or later, with scripts.")

    def _unreachable(self, why: str) -> StorageError:
        return StorageError(f"{self.address} does not answer: {why}.", f"Start it, or correct its address. {_NOT_RECORDED}")


def _sha(script: str) -> str:
    import hashlib

    return hashlib.sha1(script.encode()).hexdigest()  # by which Redis knows scripts


def _without_address(text: str) -> str:
    return text.rstrip(".").partition("\n")[0][:200]
