"""How people speak of a family: what the assistant needs to understand questions about it, and to say what its models answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Value = float | int | str | None
"""None where nothing is known of an optional field."""

MISSING = r"missing|unknown|not known|not given|none|null|empty|n/?a"
"""What says that nothing is known of a field, as a pattern."""

YES, NO = frozenset({"yes", "yep", "yeah", "yup", "true", "y"}), frozenset({"no", "nope", "nah", "none", "nil", "false", "n"})
"""What answers whether a flag is set."""


@dataclass
class GivenValues:
    """What a question gives: fields with their values, and in words what of it was not understood."""

    values: dict[str, Value] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    """Numbers that belong to no field, and fields without a value."""
    unsaid: list[str] = field(default_factory=list)
    """Flags that are spoken of without a value."""

    def add(self, name: str, value: Value, words: str) -> None:
        """Note a value; a second one that differs makes the field unclear."""
        if self.values.setdefault(name, value) != value:
            self.unclear.append(f"{name}, which is given twice ('{words}')")


def _nothing_more(text: str, given: GivenValues) -> str:
    return text


@dataclass(frozen=True)
class FieldWords:
    """How people write the fields of a made-up row. Patterns are regular expressions, upper and lower case alike.

    Parameters
    ----------
    before, after
        By field, what stands before its value (``credit score``), and what stands after it (``years old``).
    numbered
        A letter and the last number of fields that are called by both: ``("V", 28)``.
    money
        Fields that hold money.
    any_money
        The field that money without a name is a value of.
    in_words
        What may be set to a word (``card = yes``) and is understood by ``read``, in lower case.
    everyday
        Fields whose names are everyday words, too: a mention without a value says nothing.
    optional
        Fields of numbers of which nothing need be known.
    read
        Notes what no pattern says, such as the time of day, and returns the text without what is understood.
    """

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    numbered: tuple[str, int] | None = None
    money: frozenset[str] = frozenset()
    any_money: str | None = None
    in_words: frozenset[str] = frozenset()
    everyday: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    read: Callable[[str, GivenValues], str] = _nothing_more


@dataclass(frozen=True)
class FormWords:
    """The form that scores a made-up row.

    Parameters
    ----------
    unusual
        What an unusual example has other than the usual one.
    first, rest
        Fields that are shown at once, all where none is named, and what the others are called together.
    labels
        What fields are called whose names do not say their unit.
    """

    unusual: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    rest: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefusalWords:
    """A reason to refuse a question that comes with what the family is for, such as getting around it.

    Parameters
    ----------
    message
        What is said instead of an answer.
    rules
        The English rules, as ``fusionguard.assistant.rules`` reads them from YAML.
    languages
        By language, words of a question, words near them, and words that make it harmless.
    """

    message: str
    rules: Mapping[str, Any]
    languages: Mapping[str, list[str]]


@dataclass(frozen=True)
class FamilyWords:
    """What people call a family and what it is about. Patterns are regular expressions.

    Parameters
    ----------
    named_by
        What names it in a question.
    things
        The words for a row in questions.
    chance_of
        What the probability is one of: ``leaving``.
    outcomes
        What is said of a row with outcome 0 and of one with outcome 1: ``stayed``, ``left``.
    decisions
        What the model would do, by its decision: ``review it``.
    worth
        What the family's ``worth`` is called.
    written_example
        How values of a made-up row are written in a question.
    fields, form
        How its fields are written, and shown.
    said_and_meant
        What people say, as a pattern, and the words of the documents for it.
    risk_words
        Words of what the family is about, in plain text.
    of_all_words
        Words that behind "customer" make it a question about all of them: ``customer losses``.
    attack_words
        Words that attacks use, to be found where they are misspelt or encoded.
    not_names
        Capitalised words behind "customer" and the like that are nobody's name.
    personal_numbers
        Numbers of people in the family's data, as a pattern.
    refusals
        Reasons to refuse questions, by their names.
    """

    named_by: str
    things: tuple[str, ...]
    chance_of: str
    outcomes: tuple[str, str]
    decisions: Mapping[str, str] = field(default_factory=dict)
    worth: str = "Expected worth"
    written_example: str = ""
    fields: FieldWords = FieldWords()
    form: FormWords = FormWords()
    said_and_meant: tuple[tuple[str, str], ...] = ()
    risk_words: tuple[str, ...] = ()
    of_all_words: tuple[str, ...] = ()
    attack_words: frozenset[str] = frozenset()
    not_names: frozenset[str] = frozenset()
    personal_numbers: str = ""
    refusals: Mapping[str, RefusalWords] = field(default_factory=dict)
