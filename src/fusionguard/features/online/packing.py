"""Lists of whole numbers as few bytes: each in the width that its numbers need, and all with a checksum."""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Container, Iterable, Sequence

MOST_NUMBERS = 2**16 - 1
"""A list holds at most so many numbers."""

_CODES = ("b", "h", "i", "q", "B", "H")
_NARROWEST_BASED = 4
_EQUAL = 6
_SAME = 7
_CHECKSUM_BYTES, _HEAD_BYTES, _BASE_BYTES = 4, 3, 8
_EMPTY = b"\0\0\0"
_HEAD, _BASED = struct.Struct("<BH"), struct.Struct("<BHq")
_SWAPPED = sys.byteorder == "big"


def pack(lists: Iterable[Sequence[int]], ascending: Container[int] = ()) -> bytes:
    """Return lists of whole numbers from -2**63 to 2**63 - 1 as bytes.

    Of each list: a byte that says how it is written, two that say how many numbers it has, and these. Equal ones are written
    once, and nothing is of a list that was there before.

    Parameters
    ----------
    lists
        Of numbers in any order.
    ascending
        The places of lists whose numbers ascend: they are counted from the first where that makes them narrower.
    """
    parts: list[bytes] = []
    before: dict[tuple[int, int, int], tuple[int, Sequence[int]]] = {}
    for place, numbers in enumerate(lists):
        count = len(numbers)
        if not count:
            parts.append(_EMPTY)
            continue
        if count > MOST_NUMBERS:
            raise ValueError(f"a list of {count} numbers, more than {MOST_NUMBERS}")
        first, last = numbers[0], numbers[-1]
        if count > 1:
            if first == last and numbers.count(first) == count:
                parts.append(_BASED.pack(_EQUAL, count, first))
                continue
            same, other = before.setdefault((count, first, last), (place, numbers))
            if same != place and other == numbers:
                parts.append(_HEAD.pack(_SAME, same))
                continue
        if place in ascending and (width := 0 if last - first < 1 << 8 else 1) < _width_of(last) and last - first < 1 << 16:
            code, items = _NARROWEST_BASED + width, [number - first for number in numbers]
            parts += (_BASED.pack(code, count, first), _bytes(array(_CODES[code], items)))
        else:
            code, narrow = _narrow(numbers, max(_width_of(first), _width_of(last)))
            parts += (_HEAD.pack(code, count), _bytes(narrow))
    body = b"".join(parts)
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "little") + body


def unpack(content: bytes) -> list[list[int]]:
    """Return the lists that :func:`pack` packed; ValueError where the bytes are not as it left them."""
    if zlib.crc32(memoryview(content)[_CHECKSUM_BYTES:]) != int.from_bytes(content[:_CHECKSUM_BYTES], "little"):
        raise ValueError("its checksum differs")
    lists: list[list[int]] = []
    at, end = _CHECKSUM_BYTES, len(content)
    while at < end:
        code, count, base = content[at], content[at + 1] | content[at + 2] << 8, 0
        at += _HEAD_BYTES
        if code == _SAME:
            lists.append(lists[count].copy())
            continue
        if code >= _NARROWEST_BASED:
            base = int.from_bytes(content[at : at + _BASE_BYTES], "little", signed=True)
            at += _BASE_BYTES
            if code == _EQUAL:
                lists.append([base] * count)
                continue
        stop = at + (count << code % _NARROWEST_BASED)
        numbers = array(_CODES[code], content[at:stop])
        if _SWAPPED:
            numbers.byteswap()
        lists.append([number + base for number in numbers] if base else numbers.tolist())
        at = stop
    return lists


def _narrow(numbers: Sequence[int], code: int) -> tuple[int, array[int]]:
    while True:
        try:
            return code, array(_CODES[code], numbers)
        except OverflowError:
            code += 1
            if code == _NARROWEST_BASED:
                raise


def _width_of(number: int) -> int:
    return 0 if -128 <= number < 128 else 1 if -(1 << 15) <= number < 1 << 15 else 2 if -(1 << 31) <= number < 1 << 31 else 3


def _bytes(numbers: array[int]) -> bytes:
    if _SWAPPED:
        numbers.byteswap()
    return numbers.tobytes()
