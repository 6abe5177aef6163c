"""The Redis that holds a state: its address, how it is asked, and what its faults are called."""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
_WITH_AUTHORITY = "rediss://HOST:PORT/0?ca=FILE"
_OF_ANOTHER_HOST = (62, 64)
"""OpenSSL's codes for a certificate of another name, and of another IP address (X509_V_ERR_HOSTNAME_MISMATCH and its like)."""
_NOT_RECORDED = "What a call that broke off may have recorded is recorded once: send the same rows again under the same ids."


Word = bytes | str | int
"""A part of a command."""


@dataclass(frozen=True)
class Script:
    """What runs inside Redis, which knows it by its SHA-1."""

    text: str

    @cached_property
    def sha(self) -> str:
        """The SHA-1."""
        return hashlib.sha1(self.text.encode()).hexdigest()


def is_redis(where: str) -> bool:
    """Whether a place of states is meant as an address, and no folder; :class:`RedisAddress` says what is wrong with it."""
    return "://" in where


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
        """Read ``redis://[USER@]HOST[:PORT][/DATABASE]``, with ``rediss`` over TLS, where ``?ca=FILE`` says whom to trust, too.

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
    return UsageError("That is no address of a Redis.", f"Write redis://HOST:PORT/0, or {_WITH_AUTHORITY} for TLS.")


def read_password(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the password that the environment tells, or the file that it names; UsageError where that cannot be read."""
    if named := environment.get(f"{PASSWORD}_FILE"):
        try:
            return Path(named).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{PASSWORD}_FILE names a file that cannot be read: {named}.", "Correct the variable.") from error
    return environment.get(PASSWORD) or None


class RedisServer:
    """A Redis that is asked over one connection; every fault of it is a :class:`StorageError`.

    The library connects, and reads answers. Commands are packed here: to go through its clients takes as long as an event does.

    Parameters
    ----------
    address
        Where it is: UsageError where a file that it names is not there, or holds no certificate.
    """

    def __init__(self, address: RedisAddress) -> None:
        from redis.backoff import NoBackoff
        from redis.connection import Connection, SSLConnection
        from redis.retry import Retry

        if address.ca is not None:
            _check_authority(address.ca)
        secure: dict[str, Any] = {"ssl_ca_certs": address.ca} if address.tls else {}
        self.address = address
        self._connection: Any = (SSLConnection if address.tls else Connection)(
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.user,
            password=read_password(),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            **secure,
        )
        self._lock = threading.Lock()
        self._gone: tuple[float, str, str] = (0.0, "", "")

    def ask(self, *command: Word) -> Any:
        """Return what a command answers; one that finds the connection closed is sent again over another."""
        return self._asked(_packed(command))

    def run(self, script: Script, keys: Sequence[bytes], arguments: Sequence[Word]) -> Any:
        """Return what a script answers, in one round trip where the server knows it."""
        from redis.exceptions import NoScriptError

        rest = (len(keys), *keys, *arguments)
        try:
            return self._asked(_packed((b"EVALSHA", script.sha, *rest)))
        except StorageError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return self._asked(_packed((b"EVAL", script.text, *rest)))

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._connection.disconnect()

    def _exchange(self, packed: bytes) -> Any:
        self._connection.send_packed_command((packed,), check_health=False)
        return self._connection.read_response()

    def _asked(self, packed: bytes) -> Any:
        from redis import exceptions

        until, what, remedy = self._gone
        if time.monotonic() < until:
            raise StorageError(what, remedy)
        with self._lock:
            try:
                try:
                    return self._exchange(packed)
                except (exceptions.BusyLoadingError, exceptions.AuthenticationError):
                    raise
                except exceptions.ConnectionError:  # the server was started anew, most often
                    return self._exchange(packed)
            except exceptions.RedisError as error:
                if isinstance(error, exceptions.ReadOnlyError):  # by its name, another one may be the primary now
                    self._connection.disconnect()
                raise self._fault(error) from error

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
            what, remedy = self._unreachable(error)
            self._gone = time.monotonic() + PAUSE_SECONDS, what, remedy
            return StorageError(what, remedy)
        return StorageError(f"{self.address} refuses a command: {text[:200]}.", "It must be Redis 6 or later, with scripts.")

    def _unreachable(self, error: Exception) -> tuple[str, str]:
        """Return what is wrong with a connection, and what to do about it."""
        from redis.exceptions import BusyLoadingError

        beneath = error.__cause__ or error.__context__
        if isinstance(beneath, ssl.SSLCertVerificationError):
            what = f"The certificate of {self.address} is not trusted: {beneath.verify_message.rstrip('.')}."
            of_host = beneath.verify_code in _OF_ANOTHER_HOST
            remedy = "Name its host as the certificate does" if of_host else f"Name the file of its authority: {_WITH_AUTHORITY}"
            return what, f"{remedy}. {_NOT_RECORDED}"
        why = "it is loading its data" if isinstance(error, BusyLoadingError) else _without_address(str(error))
        remedy = "Start it, or correct its address"
        if self.address.tls and (isinstance(beneath, ssl.SSLError) or "handshake" in str(beneath)):
            why, remedy = "it speaks no TLS, as it seems", f"{remedy}: redis:// is without TLS"
        elif not self.address.tls and isinstance(beneath, ConnectionResetError):
            remedy += ": rediss:// is with TLS"
        return f"{self.address} does not answer: {why}.", f"{remedy}. {_NOT_RECORDED}"


def _check_authority(file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        what = f"The address of Redis names a file that holds no certificate: ca={file}."
        raise UsageError(what, "Name one in PEM: of the authority that signed the certificate of the server.") from None
    except OSError:
        raise UsageError(f"The address of Redis names a file that is not there: ca={file}.", "Correct it.") from None


def _packed(words: Sequence[Word]) -> bytes:
    """Return a command as it goes over the wire."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        content = word if type(word) is bytes else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(content), content))
    return b"".join(parts)


def _without_address(text: str) -> str:
    return text.rstrip(".").partition("\n")[0][:200]
