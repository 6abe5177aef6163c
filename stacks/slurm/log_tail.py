"""A job's log as it grows, and after somebody took it away."""

from __future__ import annotations

from pathlib import Path

_MOST = 256 * 1024
_CHUNKS = 64
"""At most so many are read in one call: a job that writes faster than this must not keep its watcher from watching."""
_CHUNKS_AT_END = 1024
"""The rest of a longer log is in the file."""
_LONGEST = 1024 * 1024
"""A line without an end is cut into pieces of about this size."""


class LogTail:
    """Reads whole new lines of a file that may not be there yet, shrink, or vanish."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._identity: tuple[int, int] | None = None
        self._rest = b""
        self.was_lost = False
        """The file was there once and is gone, or another took its place."""

    def lines(self, *, last: bool = False) -> list[str]:
        """Return the lines since the last call; with ``last`` also one that has no end yet."""
        lines: list[str] = []
        read = 0
        while read < (_CHUNKS_AT_END if last else _CHUNKS) and (chunk := self._read()):
            read += 1
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            if len(self._rest) > _LONGEST:
                whole.append(self._rest)
                self._rest = b""
            lines += [line.decode(errors="replace") for line in whole]
        if last and self._rest:
            lines.append(self._rest.decode(errors="replace"))
            self._rest = b""
        return lines

    def _read(self) -> bytes:
        try:
            with self._file.open("rb") as stream:
                status = self._file.stat()
                identity = (status.st_dev, status.st_ino)
                if self._identity not in (None, identity) or status.st_size < self._offset:
                    self._offset, self._rest, self.was_lost = 0, b"", True
                self._identity = identity
                stream.seek(self._offset)
                chunk = stream.read(_MOST)
        except FileNotFoundError:
            self.was_lost = self.was_lost or self._identity is not None
            return b""
        except OSError:  # network file systems have their moments: it is read again
            return b""
        self._offset += len(chunk)
        return chunk


def last_lines(file: Path, count: int = 20) -> list[str]:
    """Return the last lines of a log, none where there is no log."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 16 * 1024))
            text = stream.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:]
