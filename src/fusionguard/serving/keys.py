"""API keys: kept as SHA-256 in a file, several with names, replaced while the service runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from fusionguard.errors import UsageError
from fusionguard.files import check_output, locked, write_json

PREFIX = "fg_"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")


class KeyEntry(BaseModel):
    """One key as it is kept: never the key itself.

    A key is 256 random bits, so one round of SHA-256 is as hard to invert as many; it needs no salt either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")
    """Who it was given to: a program or a team, told in logs and metrics. Two keys may share a name while one is replaced."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires: AwareDatetime | None = None
    requests_per_second: float | None = Field(default=None, gt=0)
    concurrent_requests: int | None = Field(default=None, ge=1)


class KeyFile(BaseModel):
    """What a file of keys holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[KeyEntry, ...]


class KeyRing:
    """The keys that open the service."""

    def __init__(self, entries: tuple[KeyEntry, ...]) -> None:
        self.entries = entries
        self._digests = [(bytes.fromhex(entry.sha256), entry) for entry in entries]

    def find(self, key: str) -> KeyEntry | None:
        """Return the entry of a key, or None for one that is unknown or expired; the time taken does not depend on the key."""
        given = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        found = None
        for digest, entry in self._digests:
            if hmac.compare_digest(digest, given):
                found = entry
        if found is not None and found.expires is not None and found.expires <= datetime.now(UTC):
            return None
        return found


def read_keys(file: Path) -> KeyRing:
    """Read a file of keys.

    Raises
    ------
    UsageError
        The file does not exist, holds no key, or something else than keys; or everybody on the machine may write to it.
    """
    remedy = f"Make one: fusionguard key NAME --keys {file}"
    try:
        # All may read it: it holds no key, and an image's user, who is another one, has to. Who may write to it lets himself in.
        if file.stat().st_mode & stat.S_IWOTH:
            raise UsageError(f"Everybody may write to the file of keys '{file}'.", f"Correct that: chmod o-w {file}")
        entries = KeyFile.model_validate(json.loads(file.read_bytes())).keys
    except OSError as error:
        raise UsageError(f"The file of keys '{file}' cannot be read: {error.strerror}.", remedy) from error
    except (ValueError, ValidationError) as error:
        raise UsageError(f"'{file}' is not a file of keys.", remedy) from error
    if not entries:
        raise UsageError(f"'{file}' holds no key.", remedy)
    return KeyRing(entries)


def add_key(file: Path, name: str, *, expires: datetime | None = None) -> str:
    """Make a key, add its SHA-256 to a file, and return the key, which is kept nowhere.

    Raises
    ------
    UsageError
        The name is not made of small letters, digits, dots and dashes; the file is not a file of keys; or it cannot be written.
    StorageError
        The disk refuses.
    """
    if not _NAME.match(name):
        raise UsageError(f"'{name}' cannot name a key.", "Use at most 40 small letters, digits, dots, dashes and underscores.")
    check_output(file, "the keys")
    with locked(file.parent):
        kept = read_keys(file).entries if file.exists() else ()
        key = PREFIX + secrets.token_urlsafe(32)
        entry = KeyEntry(name=name, sha256=hashlib.sha256(key.encode()).hexdigest(), expires=expires)
        _write(file, (*kept, entry))
    return key


def remove_keys(file: Path, name: str, *, but_newest: bool = False) -> int:
    """Remove the keys of a name from a file, with ``but_newest`` all but the one that was added last; return how many went."""
    check_output(file, "the keys")
    with locked(file.parent):
        kept = list(read_keys(file).entries)
        places = [place for place, entry in enumerate(kept) if entry.name == name]
        gone = places[:-1] if but_newest else places
        left = tuple(entry for place, entry in enumerate(kept) if place not in gone)
        if not left:
            raise UsageError(f"'{name}' is the last key.", "Add another one first: a service without keys answers nobody else.")
        _write(file, left)
    return len(gone)


def _write(file: Path, entries: tuple[KeyEntry, ...]) -> None:
    write_json(file, KeyFile(keys=entries).model_dump(mode="json", exclude_none=True))
