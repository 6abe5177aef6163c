"""Words of attacks that were run together, misspelt or had their letters swapped, put right."""

from __future__ import annotations

import re
from functools import cache

from fusionguard.families.catalog import family_names, model_family

_WORDS = (
    "a about above account address admin alert alerts all amount and any api as avoid bank be before being below bypass can"
    " card cards caught command content credit customer customers database delete detected detection detector developer"
    " disregard do evade evading every flagged fool for forget forgot from get give guidelines hidden how i ignore in"
    " initial instruction instructions is jailbreak key keys launder like limit limits list me mode model money monitoring"
    " must my name names no not noticed now of on override password passwords pay payment payments pretend previous print"
    " prior promote prompt prompts remove repeat restrictions reveal rule rules run safety secret secrets send show so split"
    " stay stolen stop structure system tell that the them then this threshold to token transaction transactions trick"
    " uncensored under undetected unrestricted use what who with without word words write you your"
)
_EVERYDAY = frozenset({"alters", "keyed", "limited", "listed", "models", "rents", "rules", "sends", "used", "user", "uses"})


@cache
def _known() -> frozenset[str]:
    return frozenset(_WORDS.split()).union(*(model_family(name).words.attack_words for name in family_names()))


@cache
def _misspellings() -> dict[str, str]:
    """Words of six letters and more, by themselves with a letter missing and by their letters with the middle ones sorted."""
    found: dict[str, str] = {}
    for word in sorted(_known()):
        if len(word) >= 6:
            found[_scrambled(word)] = word
            for place in range(1, len(word)):
                found.setdefault(word[:place] + word[place + 1 :], word)
    return found


def parted(text: str) -> str:
    """Return a text with each long row of letters that is made of known words parted into them."""
    return re.sub(r"[a-z]{10,60}", lambda match: _part(match.group()), text)


def put_right(text: str) -> str:
    """Return a text in which words that are a known word with swapped middle letters, or one letter off, are that word."""
    return re.sub(r"[a-z]{5,20}", lambda match: _right(match.group()), text)


def _part(letters: str) -> str:
    best: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(letters) + 1):
        found: tuple[str, ...] | None = None
        for begin in range(max(0, end - 14), end):
            before = best[begin]
            if before is not None and letters[begin:end] in _known() and (found is None or len(before) + 1 < len(found)):
                found = (*before, letters[begin:end])
        best.append(found)
    words = best[-1]
    return letters if words is None or len(words) < 3 else " ".join(words)


def _right(word: str) -> str:
    if word in _known() or word in _EVERYDAY:
        return word
    table = _misspellings()
    found = table.get(_scrambled(word)) or table.get(word)
    if found is None and len(word) >= 7:
        shorter = (word[:at] + word[at + 1 :] for at in range(1, len(word)))
        found = next((table[each] for each in shorter if each in table), None)
    return word if found is None or word == f"{found}s" else found


def _scrambled(word: str) -> str:
    return f"{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]}!"
