"""What a kind of problem calls things: handed in by whoever knows the families, for guesses about a table of theirs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A kind of problem, as tables about it show themselves.

    Parameters
    ----------
    name
        What declarations call it.
    rows
        What a row stands for, in the plural.
    label_words
        Words in the names of its labels, in small letters: ``late``.
    positive_words, negative_words
        Values of its labels, besides yes and no, true and false, 1 and 0.
    table_words
        Words in the names of other columns that such tables have.
    opposite_words
        Words in the names of columns that say the opposite of its label: ``retained``.
    amount_words
        Words in the name of the column of the money that a row is about; none where rows are not about money.
    """

    name: str
    rows: str
    label_words: frozenset[str]
    positive_words: frozenset[str]
    negative_words: frozenset[str]
    table_words: frozenset[str]
    amount_words: tuple[str, ...] = ()
    opposite_words: frozenset[str] = frozenset()
