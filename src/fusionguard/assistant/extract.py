"""Extractive answers: the sentences of the passages that answer a question best, as they stand there. Deterministic."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from fusionguard.assistant.answers import Persona
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.units import Unit, split_units
from fusionguard.assistant.words import content_word_list, content_words

UNITS_TOLD = {Persona.EXECUTIVE: 2, Persona.SUPPORT: 3, Persona.ANALYST: 6}
"""How much each persona is told: each set holds the one before it, so that facts never differ."""

_ENOUGH_HERE, _ENOUGH_ELSEWHERE = 0.65, 0.85
"""What a further unit must reach of the best one's score, in the same passage and in another."""
_HEADING_WEIGHT = 0.5
"""A word of the question that stands in the heading alone counts this much of one in the unit."""
_OWN_HEADING_GAIN = 0.5
"""And this much more in the heading of the passage itself: the passage is about it."""
_COMMAND_GAIN = 1.5
_MOST_COMMANDS = 4
_RANK_LOSS = 0.5
_PAIR_GAIN = 0.25
"""What words that stand side by side in question and unit add, by their share of the question's pairs."""
_MEASURED_WEIGHT = 0.8
"""What a passage about how something was measured counts for a question that asks for no figure."""
_DEFINITION_GAIN = 2.5
"""What a unit that begins with the very term counts where a question asks what a term is."""
_MOST_WORDS_OF_A_TERM = 6
_FEW_WORDS = 5
_PLENTY_WORDS = 40
_LEANS_ON_THE_ONE_BEFORE = re.compile(r"(?:It|This|That|These|They|Those|Its|Their|Both|So|There|Then|Instead|Else|Otherwise)\b")
_DIGITS = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_ASKS_FOR_A_COMMAND = re.compile(r"\b(?:how (?:do|can|to|should)|command|run|start|install|set ?up|make)\b", re.IGNORECASE)
_ASKS_WHAT_IT_IS = re.compile(r"\bdefin\w+|\bmeaning of\b|\bwhat(?:['’]s|\s+(?:is|are|does|do))\b", re.IGNORECASE)
_TERM = re.compile(r"(.{2,60}?)(?::| is\b| are\b| says\b| computes\b)")

_WHOLE = re.compile(r"[.!?…][\"'”’)`*]*$")
_MEASUREMENT = re.compile(r"\b(?:measured|benchmarks?|conditions)\b", re.IGNORECASE)
_ASKS_FOR_A_FIGURE = re.compile(
    r"\b(?:how (?:much|many|fast|quick|slow|long|big|large|good|well|often|far|accura\w+|was|were)|measur\w*|"
    r"benchmark\w*|faster|slower|"
    r"latency|speed|memory|ram|seconds?|overhead|costs?|better|worse|scales?|grows?|compared?)\b",
    re.IGNORECASE,
)


class Quoted(NamedTuple):
    """Text of a passage, and the place of that passage among those it was chosen from (0 is the first)."""

    text: str
    passage: int
    kind: str


class _Scored(NamedTuple):
    score: float
    passage: int
    units: tuple[Unit, ...]


def extract(question: str, passages: Sequence[Passage], persona: Persona) -> tuple[Quoted, ...]:
    """Return what answers a question best, for a persona; the same for the same question and passages.

    Each unit is scored by the share of the question's words it holds, each weighed by how rare it is among the units (inverse
    document frequency); words of the heading count half, and as much again in the passage's own. Words that stand side by side
    in both add a little; lower ranks, very long and very short units lose a little. Where the question asks what something is,
    an item that begins with its name wins. Half sentences are left out, and how something was measured counts less where no
    figure is asked for. A unit that leans on the sentence before brings that along; one that leads over to a command brings the
    command.

    Parameters
    ----------
    passages
        Best first, as a search returns them.

    Returns
    -------
    tuple of Quoted
        Best first for executives; else by passage, in the order of the document. Empty where nothing of the question stands in
        any passage.
    """
    chosen = _choose(question, passages)[: UNITS_TOLD[persona]]
    if persona is not Persona.EXECUTIVE:
        order = list(dict.fromkeys(each.passage for each in chosen))
        chosen = sorted(chosen, key=lambda each: (order.index(each.passage), each.units[0].place))
    told: dict[tuple[int, int], Quoted] = {}
    for each in chosen:
        for unit in each.units:
            told.setdefault((each.passage, unit.place), Quoted(unit.text, each.passage, unit.kind))
    return tuple(told.values())


def next_step(question: str, passages: Sequence[Passage], quoted: Sequence[Quoted]) -> Quoted | None:
    """Return a command of the quoted passages that has to do with the question; None where there is none, or one is quoted."""
    if any(quote.kind == "code" for quote in quoted):
        return None
    asked = content_words(question)
    for place in dict.fromkeys(quote.passage for quote in quoted):
        for unit in split_units(passages[place].text):
            if unit.kind == "code" and asked & content_words(unit.text):
                return Quoted(unit.text, place, unit.kind)
    return None


def _choose(question: str, passages: Sequence[Passage]) -> list[_Scored]:
    asked = _words(question)
    units = [(place, unit) for place, passage in enumerate(passages) for unit in split_units(passage.text)]
    if not asked or not units:
        return []
    words = [_words(unit.text) for _, unit in units]
    seen = Counter(word for each in words for word in each & asked)
    weight = {word: math.log(1 + len(units) / (1 + seen[word])) for word in sorted(asked)}
    total = sum(weight.values())
    headings = [content_words(passage.heading) for passage in passages]
    own = [content_words(passage.heading.rpartition(" > ")[2]) for passage in passages]
    pairs = _pairs(question)
    wants_command = bool(_ASKS_FOR_A_COMMAND.search(question))
    asks_what_it_is = bool(_ASKS_WHAT_IT_IS.search(question))
    wants_figure = bool(_ASKS_FOR_A_FIGURE.search(question))
    codes = {place for place, unit in units if unit.kind == "code"}
    shows_how = {place for place in codes if wants_command and asked & own[place]}  # the commands for just what is asked
    scored = []
    for (place, unit), held in zip(units, words, strict=True):
        inside = sum(weight[word] for word in sorted(asked & held))
        around = sum(weight[word] for word in sorted((asked & headings[place]) - held))
        told = _with_what_belongs_to_it(unit, passages[place])
        if not told:
            continue
        if unit.kind == "code" and place in shows_how:
            told = tuple(each for each in split_units(passages[place].text) if each.kind == "code")[:_MOST_COMMANDS]
        if not inside and not (around and unit.place == 0):
            continue
        named = sum(weight[word] for word in sorted((asked & own[place]) - held))
        score = (inside + _HEADING_WEIGHT * around + _OWN_HEADING_GAIN * named) / total
        score += _PAIR_GAIN * len(pairs & _pairs(unit.text)) / max(1, len(pairs))
        defines = asks_what_it_is and asked <= _term(unit)
        rank = 0 if defines or place in shows_how else place
        score *= 1 - _RANK_LOSS * rank / (1 + 0.5 * rank)
        score *= min(1.0, 0.6 + 0.4 * len(held) / _FEW_WORDS)
        score *= 1 - 0.3 * min(1.0, max(0, len(held) - _PLENTY_WORDS) / _PLENTY_WORDS)
        if not wants_figure and _MEASUREMENT.search(passages[place].heading):
            score *= _MEASURED_WEIGHT
        if unit.kind == "code":
            score *= _COMMAND_GAIN if wants_command else 0.6
        if unit.place == 0:
            score *= 1.08
        if defines:
            score *= _DEFINITION_GAIN
        scored.append(_Scored(score, place, told))
    scored.sort(key=lambda each: (-each.score, each.passage, each.units[-1].place))
    best = scored[0] if scored else None
    return _distinct([each for each in scored if best is not None and _is_enough(each, best)])


def _is_enough(each: _Scored, best: _Scored) -> bool:
    return each.score >= best.score * (_ENOUGH_HERE if each.passage == best.passage else _ENOUGH_ELSEWHERE)


def _term(unit: Unit) -> frozenset[str]:
    """Return the words of the term that an item of a list tells of, as a glossary does; none where it begins otherwise."""
    found = _TERM.match(unit.text) if unit.kind == "item" else None
    words = content_words(found[1]) if found else frozenset()
    return words if len(words) <= _MOST_WORDS_OF_A_TERM else frozenset()


def _words(text: str) -> frozenset[str]:
    """Return the words and the numbers in digits that a question and a unit are compared by."""
    return content_words(text) | frozenset(_DIGITS.findall(text))


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    words = content_word_list(text)
    return frozenset(pairwise(words))


def _with_what_belongs_to_it(unit: Unit, passage: Passage) -> tuple[Unit, ...]:
    """Return a unit with the sentence it leans on, or the command it leads over to; nothing where it is half a sentence."""
    if unit.kind == "sentence" and not _WHOLE.search(unit.text):
        after = split_units(passage.text)[unit.place + 1 : unit.place + 2]
        return (unit, *after) if unit.text.endswith(":") and after and after[0].kind == "code" else ()
    if unit.kind in ("sentence", "item") and _LEANS_ON_THE_ONE_BEFORE.match(unit.text) and unit.place:
        before = split_units(passage.text)[unit.place - 1]
        if before.block == unit.block:
            return (before, unit)
    return (unit,)


def _distinct(scored: list[_Scored]) -> list[_Scored]:
    """Leave out what is told already, whether by another passage or together with a sentence that leans on it."""
    told: set[str] = set()
    kept = []
    for each in scored:
        if each.units[-1].text not in told:
            kept.append(each)
        told.update(unit.text for unit in each.units)
    return kept
