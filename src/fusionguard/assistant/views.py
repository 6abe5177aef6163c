"""A text in the forms that somebody may have meant: folded, without disguises, reversed, and with what it encodes decoded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from fusionguard.assistant.decoding import decoded_parts, shifted
from fusionguard.assistant.folding import fold
from fusionguard.assistant.misspelt import parted, put_right

MOST_VIEWS, MOST_BACKWARDS = 40, 20
_LOOKALIKES = dict(
    zip(
        "авсԁеҽԍһіїјкӏмпорԛѕтуѵѡхҮуᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢɡɑıℓ",
        "abcdeeghiijklmnopqstuvwxyyabcdeghijklmnoprtuvwyzgail",
        strict=True,
    )
) | dict(zip("αβεγικνορτυχωηδσμ", "abeyiknoptuxwndom", strict=True))
_TO_LATIN = str.maketrans(_LOOKALIKES)
_LEET = str.maketrans("0134578@$!|+€", "oieastbasiltE".lower())
_LEET_WORD = re.compile(r"(?=[^\s]*[0134578@$!|+€])(?=[^\s]*[a-z])[a-z0134578@$!|+€]{2,}")
_SPACED = re.compile(r"(?<!\w)\w(?:([ .\-_*|/,+~]{1,3})\w(?!\w)){3,}")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_QUOTED = re.compile(r"\"([^\"\n]{1,60})\"|'([^'\n]{1,60})'")


def plain(text: str) -> str:
    """Return text folded, in small letters, without accents of Latin letters, its spaces single; what rules are written for."""
    parted = unicodedata.normalize("NFD", fold(text).text.casefold())
    kept = "".join(each for place, each in enumerate(parted) if not ("\u0300" <= each <= "\u036f" and _is_latin(parted, place)))
    return re.sub(r"[ \t\r\f\v]+", " ", unicodedata.normalize("NFC", kept)).replace("\u0142", "l").replace("\u0131", "i").strip()


def _is_latin(parted: str, place: int) -> bool:
    """Whether the letter that an accent belongs to is Latin: in other scripts an accent makes another letter."""
    while place > 0 and "\u0300" <= parted[place] <= "\u036f":
        place -= 1
    return parted[place] < "\u0250"


def views(text: str) -> dict[str, bool]:
    """Return the forms of a text that rules look at, the plain one first and a bounded number, and whether each is backwards."""
    found: dict[str, bool] = {}
    for each in _all(text):
        if each:
            found[each] = False
        if len(found) >= MOST_VIEWS:
            break
    for each in (plain(text), *decoded_views(text)):
        for backwards in _backwards(_SPACED.sub(_join, each.translate(_TO_LATIN))):
            if len(found) < MOST_VIEWS + MOST_BACKWARDS:
                found.setdefault(backwards, True)
    return found


def decoded_views(text: str) -> tuple[str, ...]:
    """Return what a text encodes (base64, hexadecimal, Morse and the like), decoded and plain."""
    hidden = "".join(_hidden(text))
    return tuple(plain(each) for each in (*decoded_parts(fold(text).text), hidden) if each.strip())


def _all(text: str) -> Iterator[str]:
    basic = plain(text)
    yield basic
    if _SPACED.search(basic):
        yield plain(_SPACED.sub(_join, fold(text).text.translate(_TO_LATIN)))  # before gaps of two spaces become one
    yield from _disguises(basic)
    for each in decoded_views(text):
        yield each
        yield from _disguises(each)
    yield from shifted(basic)


def _disguises(text: str) -> Iterator[str]:
    latin = text.translate(_TO_LATIN)
    yield latin
    straight = _LEET_WORD.sub(lambda match: match.group().translate(_LEET), latin)
    yield straight
    joined = _SPACED.sub(_join, straight)
    yield joined
    yield parted(joined)
    yield put_right(joined)
    yield re.sub(r"(?<=\w)[.\-_*|/+~\\]+(?=\w)", "", joined)  # i.g.n.o.r.e, ig-nore
    yield re.sub(r"(?<=\w)[.\-_*|/+~\\]+(?=\w)", " ", straight)  # ignore_previous_instructions
    yield re.sub(r"(\w)\1{2,}", r"\1", joined)  # ignooooore
    quoted = [first or second for first, second in _QUOTED.findall(text)]
    if len(quoted) > 1:
        yield "".join(quoted)
        yield " ".join(quoted)


def _join(match: re.Match[str]) -> str:
    """Join letters that stand apart; where gaps differ, the wider ones part words."""
    text = match.group()
    gaps = re.findall(r"[ .\-_*|/,+~]+", text)
    narrow = min(len(gap) for gap in gaps)
    return re.sub(r"[ .\-_*|/,+~]+", lambda gap: " " if len(gap.group()) > narrow else "", text)


def _hidden(text: str) -> Iterator[str]:
    """Yield text that is written in Unicode's tag characters, which show nothing."""
    for match in _TAGS.finditer(text):
        yield "".join(chr(ord(each) - 0xE0000) for each in match.group()) + " "


def _backwards(text: str) -> Iterator[str]:
    """Yield a text read backwards: by letters, by the letters of each word, by words."""
    words = text.split()
    yield text[::-1]
    yield " ".join(word[::-1] for word in words)
    yield " ".join(reversed(words))
