"""Checks the quotes of CSV text by RFC 4180 and counts its rows: by parity of quotes, independently of the reader that parses it.

A quote is an opening one where an even number of quotes lies before it, else a closing one; a doubled quote inside a cell closes
and opens again. So the text is right where each opening quote begins a cell, each closing one ends it, and the last is closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST_ROW_BYTES = 16 << 20
"""A row may have so many bytes; one that goes on for longer has a quote that is not closed, in practice."""

_PIECE_BYTES = 1 << 20
"""Scanned at a time, so that it stays in a processor's cache."""

_FEWEST_SEPARATORS = 5
"""A line of a legal cell may hold fewer separators than this, however narrow the table is."""

_QUOTE, _LINE_FEED, _RETURN = (ord(character) for character in '"\n\r')
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class QuoteFault:
    """A cell whose quotes cannot be right: its row of data and its place in it, both from 0, and the line it begins in.

    The header is row -1.
    """

    row: int
    column: int
    line: int
    what: str


class CsvScan:
    """Takes CSV text block by block, and knows at the end how many rows it has and the first cell with a wrong quote.

    Parameters
    ----------
    columns
        How many columns the header has; a cell that spans lines and holds as many separators as the rows it would have swallowed
        is one whose quotes were not meant to belong together.
    """

    def __init__(self, columns: int, separator: str = ",") -> None:
        self.rows = 0
        self.fault: QuoteFault | None = None
        self._columns, self._separator = columns, ord(separator)
        self._line, self._rest, self._begun = 1, b"", False

    def feed(self, block: bytes) -> bytes:
        """Scan the next bytes of the text, and return the whole rows that have come, up to the first fault."""
        whole = []
        for start in range(0, len(block), _PIECE_BYTES):
            piece = self._rest + block[start : start + _PIECE_BYTES]
            if not self._begun:
                if len(piece) < len(_BOM):
                    self._rest = piece
                    continue
                piece, self._begun = piece.removeprefix(_BOM), True
            taken = self._scan(piece, last=False)
            self._rest = piece[taken:]
            if len(self._rest) > LARGEST_ROW_BYTES and self.fault is None:
                self._close(self._rest)
            if self.fault is not None:
                break
            whole.append(piece[:taken])
        return b"".join(whole)

    def close(self) -> bytes:
        """Scan what has no line end yet, for the text is over, and return it."""
        rest = self._rest if self._begun else self._rest.removeprefix(_BOM)
        if self.fault is None and rest:
            self._close(rest)
        self._rest = b""
        return rest if self.fault is None else b""

    def _close(self, piece: bytes) -> None:
        self._scan(piece, last=True)
        if self.fault is None and len(piece) > LARGEST_ROW_BYTES:
            self.fault = QuoteFault(self.rows - 1, 0, self._line, f"a row of more than {LARGEST_ROW_BYTES >> 20} MiB")

    def _scan(self, piece: bytes, *, last: bool) -> int:
        """Take the whole rows at the beginning of ``piece`` (all of the ``last`` one), and return how many bytes they have."""
        text = np.frombuffer(piece, dtype=np.uint8)
        quotes = np.flatnonzero(text == _QUOTE)
        ends = _line_ends(piece, text)
        outside = ends[np.searchsorted(quotes, ends) % 2 == 0] if quotes.size else ends
        if not last and outside.size and text[outside[-1]] == _RETURN and outside[-1] == len(piece) - 1:
            outside = outside[:-1]  # the line feed that belongs to it may come with the next piece
        taken = len(piece) if last else int(outside[-1]) + 1 if outside.size else 0
        if taken == 0:
            return 0
        inside = quotes[quotes < taken] if taken < len(piece) else quotes
        if inside.size and (wrong := self._first_wrong(text[:taken], inside, ends)):
            self.fault = self._located(text, inside, outside, ends, *wrong)
            return taken
        self.rows += _filled(text, outside) + (last and not (outside.size and outside[-1] == len(piece) - 1))
        self._line += _lines(text, ends[ends < taken])
        return taken

    def _first_wrong(self, text: NDArray[np.uint8], quotes: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[int, str] | None:
        """Return the position of the quote that opens the first wrong cell, and what is wrong; None where nothing is."""
        opening, closing = quotes[::2], quotes[1::2]
        before = np.where(opening > 0, text[opening - 1], _LINE_FEED)
        begins = (before == self._separator) | (before == _LINE_FEED) | (before == _RETURN)
        after = text[np.minimum(closing + 1, text.size - 1)]
        stops = (closing == text.size - 1) | (after == self._separator) | (after == _LINE_FEED) | (after == _RETURN)
        found: list[tuple[int, int, str]] = []
        bare = np.flatnonzero(~begins & (before != _QUOTE))
        if bare.size:
            place = int(opening[bare[0]])
            found.append((place, place, "a quote in the middle of a cell that does not begin with one"))
        loose = np.flatnonzero(~stops & (after != _QUOTE))
        starts = opening[begins]
        if loose.size:
            place = int(closing[loose[0]])
            found.append((place, _last_before(starts, place), "text after the quote that closes the cell"))
        if quotes.size % 2:
            place = int(quotes[-1])
            found.append((place, _last_before(starts, place + 1), "a quote that is never closed"))
        if not found:
            return self._swallowing(text, starts, closing[stops], ends)
        _, cell, what = min(found, key=lambda each: each[0])
        return cell, what

    def _swallowing(
        self, text: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[int, str] | None:
        first, beyond = np.searchsorted(ends, starts), np.searchsorted(ends, stops)
        if not (spanning := beyond > first).any():
            return None
        between = np.flatnonzero(text == self._separator)
        held = np.searchsorted(between, stops) - np.searchsorted(between, starts)
        fewest = max(self._columns - 1, _FEWEST_SEPARATORS)
        for cell in np.flatnonzero(spanning & (held >= fewest)):
            if held[cell] >= fewest * _lines(text, ends[first[cell] : beyond[cell]]):
                return int(starts[cell]), "two quotes that have other rows between them"
        return None

    def _located(
        self,
        text: NDArray[np.uint8],
        quotes: NDArray[np.int64],
        outside: NDArray[np.int64],
        ends: NDArray[np.int64],
        cell: int,
        what: str,
    ) -> QuoteFault:
        before = outside[outside < cell]
        row_start = int(before[-1]) + 1 if before.size else 0
        between = np.flatnonzero(text[row_start:cell] == self._separator) + row_start
        column = int(np.count_nonzero(np.searchsorted(quotes, between) % 2 == 0))
        return QuoteFault(self.rows + _filled(text, before) - 1, column, self._line + _lines(text, ends[ends < cell]), what)


def _line_ends(piece: bytes, text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the positions of line feeds and carriage returns."""
    ends = text == _LINE_FEED
    if b"\r" in piece:
        ends |= text == _RETURN
    return np.flatnonzero(ends)


def _filled(text: NDArray[np.uint8], outside: NDArray[np.int64]) -> int:
    """Count the line ends that follow something: a blank line is no row, and a return and a line feed are one end."""
    before = text[outside[outside > 0] - 1]
    return int(np.count_nonzero((before != _LINE_FEED) & (before != _RETURN)))


def _lines(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> int:
    """Count line ends, a return and a line feed as one."""
    pairs = (text[ends] == _RETURN) & (text[np.minimum(ends + 1, text.size - 1)] == _LINE_FEED) & (ends + 1 < text.size)
    return int(ends.size - np.count_nonzero(pairs))


def _last_before(starts: NDArray[np.int64], place: int) -> int:
    at = int(np.searchsorted(starts, place)) - 1
    return int(starts[at]) if at >= 0 else place
