"""Lists of whole numbers as few bytes: each in the width that its range needs, and all with a checksum."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence

_ITEMS = ("", "B", "H", "I", "Q")
_BASE = 8
_SAME = 16
_CHECKSUM_BYTES = 4
_BASE_BYTES = 8
_HEAD_BYTES = 3
MOST_NUMBERS = 2**16 - 1
"""A list holds at most so many numbers."""


def pack(lists: Iterable[Sequence[int]]) -> bytes:
    """Return lists of whole numbers from -2**63 to 2**63 - 1 as bytes.

    Of each list: a byte that says how wide its numbers are, how many there are in two bytes, the smallest where counting from it
    makes them narrower, and the numbers. All equal ones take no room; nor does a list that was there before.
    """
    before: list[Sequence[int]] = []
    parts = []
    for numbers in lists:
        if len(numbers) > 1 and numbers in before:
            parts.append(bytes((_SAME, before.index(numbers) & 0xFF, before.index(numbers) >> 8)))
        else:
            parts.append(_packed(numbers))
        before.append(numbers)
    body = b"".join(parts)
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "little") + body


def unpack(content: bytes) -> list[list[int]]:
    """Return the lists that :func:`pack` packed; ValueError where the bytes are not as it left them."""
    if zlib.crc32(content[_CHECKSUM_BYTES:]) != int.from_bytes(content[:_CHECKSUM_BYTES], "little"):
        raise ValueError("its checksum differs")
    lists, at = [], _CHECKSUM_BYTES
    while at < len(content):
        head, count, base = content[at], content[at + 1] | content[at + 2] << 8, 0
        at += _HEAD_BYTES
        if head == _SAME:
            lists.append(lists[count].copy())
            continue
        if head & _BASE:
            base = int.from_bytes(content[at : at + _BASE_BYTES], "little", signed=True)
            at += _BASE_BYTES
        code = _ITEMS[head & ~_BASE]
        if not code:
            lists.append([base] * count)
            continue
        numbers = array(code)
        end = at + count * numbers.itemsize
        numbers.frombytes(content[at:end])
        if sys.byteorder == "big":
            numbers.byteswap()
        lists.append([number + base for number in numbers] if base else numbers.tolist())
        at = end
    return lists


def _packed(numbers: Sequence[int]) -> bytes:
    count = len(numbers)
    if not count:
        return b"\0\0\0"
    if count > MOST_NUMBERS:
        raise ValueError(f"a list of {count} numbers, more than {MOST_NUMBERS}")
    lowest, highest = min(numbers), max(numbers)
    width = _width(highest - lowest)
    base = 0 if lowest >= 0 and width and _width(highest) == width else lowest
    head = bytes((width | (_BASE if base else 0), count & 0xFF, count >> 8))
    if base:
        head += base.to_bytes(_BASE_BYTES, "little", signed=True)
    if not width:
        return head
    items = array(_ITEMS[width], [number - base for number in numbers] if base else numbers)
    if sys.byteorder == "big":
        items.byteswap()
    return head + items.tobytes()


def _width(number: int) -> int:
    return 0 if number == 0 else 1 if number < 1 << 8 else 2 if number < 1 << 16 else 3 if number < 1 << 32 else 4
