"""Text of another encoding than UTF-8, read as UTF-8."""

from __future__ import annotations

import codecs
import io
from typing import IO, cast

from fusionguard.errors import DataError

_BLOCK_BYTES = 1 << 20
_MARK = b"\xef\xbb\xbf"


def as_utf8(stream: IO[bytes], name: str, encoding: str) -> IO[bytes]:
    """Return a stream of one byte a letter, such as ``windows-1252``, as one of UTF-8.

    Raises
    ------
    DataError
        While it is read: a byte is no letter of the encoding, or all that is not ASCII is whole letters of UTF-8, as they come
        about in no other text.
    """
    return cast(IO[bytes], io.BufferedReader(_Transcoded(stream, name, encoding)))


class _Transcoded(io.RawIOBase):
    def __init__(self, stream: IO[bytes], name: str, encoding: str) -> None:
        self._stream, self._name, self._encoding, self._left = stream, name, encoding, memoryview(b"")
        self._as_utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._is_ascii = self._begins = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left:
            self._left = memoryview(self._next())
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _next(self) -> bytes:
        block = self._stream.read(_BLOCK_BYTES)
        self._look_for_utf8(block)
        try:
            return block.decode(self._encoding).encode()
        except UnicodeDecodeError as error:
            what = f"{self._name} is no text of {self._encoding}, as it is declared: it has a byte 0x{block[error.start]:02x}."
            raise DataError(what, "Correct csv.encoding in the declaration, or save the file as declared.") from None

    def _look_for_utf8(self, block: bytes) -> None:
        marked = self._begins and block.startswith(_MARK)
        self._begins = False
        self._is_ascii = self._is_ascii and block.isascii()
        if self._as_utf8 is not None:
            try:
                self._as_utf8.decode(block, final=not block)
            except UnicodeDecodeError:
                self._as_utf8 = None
        if marked or not (block or self._is_ascii or self._as_utf8 is None):
            what = f"{self._name} is UTF-8 text, and the declaration says {self._encoding}."
            raise DataError(what, "Leave csv.encoding out of the declaration, or save the file as declared.")
