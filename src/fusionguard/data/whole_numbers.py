"""Whole numbers as people and programs write them: ``7``, ``1.0``, ``1e+05`` and ``7e2`` are whole, ``7.5`` is not."""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

_PLAIN = re.compile(r"[ \t]*([+-]?[0-9]{1,40})(?:\.0*)?[ \t]*")
_ANY = re.compile(r"[ \t]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)[ \t]*")


def parse_whole(text: str) -> int | None:
    """Return the whole number of 64 bits that a text writes, exactly; None where it writes none."""
    if plain := _PLAIN.fullmatch(text):
        value = int(plain[1])
    elif (
        (written := _ANY.fullmatch(text)) and abs(number := Decimal(written[1])) < 2**64 and number == number.to_integral_value()
    ):
        value = int(number)
    else:
        return None
    return value if -(2**63) <= value < 2**63 else None


def whole_numbers(texts: pa.Array) -> pa.Array:
    """Return texts as int64, nulls as nulls; raise :class:`ValueError` where one writes no whole number of 64 bits."""
    if pc.all(pc.ascii_is_decimal(texts)).as_py() is not False:
        try:
            return texts.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise ValueError("a number that 64 bits do not hold") from error
    coded = texts.dictionary_encode()
    values = [text if text is None else parse_whole(text) for text in coded.dictionary.to_pylist()]
    if any(value is None and text is not None for value, text in zip(values, coded.dictionary.to_pylist(), strict=True)):
        raise ValueError("a number that is not whole")
    return pa.array(values, pa.int64()).take(coded.indices)
