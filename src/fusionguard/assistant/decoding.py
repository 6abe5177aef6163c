"""What is written in base64, hexadecimal, percent signs, entities, escapes, binary, Morse or a shifted alphabet, decoded."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import unquote

from fusionguard.families.catalog import family_names, model_family

MOST_DEPTH, MOST_PARTS = 3, 12
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE32 = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){8,}")
_BINARY = re.compile(r"(?:[01]{8}[ ,]?){5,}")
_DECIMAL = re.compile(r"(?:\b(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])\b[ ,]{1,2}){7,}\d{2,3}")
_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4})\}?|\\x([0-9a-fA-F]{2})|\bU\+([0-9a-fA-F]{4})\b ?")
_MORSE = re.compile(r"(?:[.\-·•]{1,5}(?: ?/ ?| {1,3})){7,}[.\-·•]{1,5}")
_MORSE_LETTERS = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
        ],
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TELLING = (
    r"ignore|instructions?|system|prompt|reveal|password|detection|customers?|without|delete|threshold|stolen|champion|model"
    r"|names?|show|list|your|the|all|how|and|card"
)


def decoded_parts(text: str) -> tuple[str, ...]:
    """Return the readable texts that parts of a text encode, also where they are encoded several times; a bounded number."""
    parts: list[str] = []
    level = [text]
    for _ in range(MOST_DEPTH):
        level = [new for each in level for new in _once(each) if new not in parts and new != text][:MOST_PARTS]
        parts += level
    return tuple(parts[:MOST_PARTS])


def shifted(text: str) -> Iterator[str]:
    """Yield the text in each shifted alphabet that makes words of it that attacks use: ROT13, Caesar's shifts, Atbash."""
    for alphabet in (*(_LETTERS[shift:] + _LETTERS[:shift] for shift in range(1, 26)), _LETTERS[::-1]):
        candidate = text.translate(str.maketrans(_LETTERS, alphabet))
        if len(set(_telling().findall(candidate))) >= 2:
            yield candidate


@cache
def _telling() -> re.Pattern[str]:
    of_families = sorted(word for name in family_names() for word in model_family(name).words.attack_words)
    return re.compile(rf"\b(?:{'|'.join([_TELLING, *of_families])})\b")


def _once(text: str) -> Iterator[str]:
    unquoted = unquote(text)
    if unquoted != text:
        yield unquoted
    unescaped = html.unescape(text)
    if unescaped != text:
        yield unescaped
    escaped = _ESCAPE.sub(lambda match: chr(int(next(filter(None, match.groups())), 16)), text)
    if escaped != text:
        yield escaped
    for pattern, decode in _DECODERS:
        for match in list(pattern.finditer(text))[:MOST_PARTS]:
            part = decode(match.group())
            if part is not None and _readable(part):
                yield part


def _readable(text: str) -> bool:
    """Whether a text has words: mostly letters and spaces, and vowels among them where they are Latin."""
    letters = sum(each.isalpha() or each in " ',.\n" for each in text)
    return len(text) >= 6 and letters >= 0.85 * len(text) and bool(re.search(r"[aeiouAEIOU]|[^\x00-\x7f]", text))


def _utf8(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _base64(part: str) -> str | None:
    bare = part.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return _utf8(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _base32(part: str) -> str | None:
    bare = part.rstrip("=")
    try:
        return _utf8(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except (binascii.Error, ValueError):
        return None


def _hexadecimal(part: str) -> str | None:
    digits = re.sub(r"0x|\\x|[ ,:]", "", part)
    return _utf8(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _binary(part: str) -> str | None:
    return _utf8(bytes(int(each, 2) for each in re.findall(r"[01]{8}", part)))


def _decimal(part: str) -> str | None:
    return "".join(chr(int(each)) for each in re.findall(r"\d+", part))


def _morse(part: str) -> str | None:
    dotted = part.translate(str.maketrans("·•", ".."))
    words = re.split(r" ?/ ?| {2,}", dotted.strip())
    return " ".join("".join(_MORSE_LETTERS.get(each, "") for each in word.split()) for word in words)


_DECODERS: tuple[tuple[re.Pattern[str], Callable[[str], str | None]], ...] = (
    (_BASE64, _base64),
    (_BASE32, _base32),
    (_HEX, _hexadecimal),
    (_BINARY, _binary),
    (_DECIMAL, _decimal),
    (_MORSE, _morse),
)
