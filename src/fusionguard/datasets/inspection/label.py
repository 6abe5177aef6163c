"""Which column is the label, which of its values mean yes, and how many rows have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fusionguard.datasets.inspection.name_words import name_words, says, word_set
from fusionguard.datasets.inspection.problem import Problem
from fusionguard.datasets.inspection.profile import Column, Profile
from fusionguard.datasets.inspection.text_table import quoted
from fusionguard.errors import UnknownChoiceError, UsageError

YES = word_set("yes y true t 1 1.0 ja j oui si")
NO = word_set("no n false f 0 0.0 -1 nein non")
GENERAL_WORDS = word_set("label target class outcome y response")
_MOST_VALUES = 12


@dataclass(frozen=True)
class Label:
    """The label of a table.

    Parameters
    ----------
    column
        Its column.
    positive
        Its values that mean yes, as they are written.
    positives, negatives
        How many rows have one of them, and how many another one.
    reason
        Why it was taken, and why these values, in words.
    sure
        Whether both its name and its values say so, or a person did.
    """

    column: Column
    positive: tuple[str, ...]
    positives: int
    negatives: int
    reason: str
    sure: bool

    @property
    def is_positive(self) -> str:
        """SQL that is true for rows of the positive class, and false for all others, those without a label, too."""
        return f"coalesce({self.column.sql_text} IN ({', '.join(map(quoted, self.positive))}), false)"

    @property
    def is_negative(self) -> str:
        """SQL that is true for rows of the negative class."""
        return f"coalesce({self.column.sql_text} NOT IN ({', '.join(map(quoted, self.positive))}), false)"

    @property
    def share(self) -> float:
        """The share of positive rows among those with a label."""
        return self.positives / max(self.positives + self.negatives, 1)


def guess_problem(profile: Profile, problems: Sequence[Problem], named: str | None) -> Problem:
    """Return the problem that a table is about: the named one, else that whose words its columns have most.

    Raises
    ------
    UnknownChoiceError
        The named one is none of them.
    """
    if named is not None:
        for problem in problems:
            if problem.name == named:
                return problem
        raise UnknownChoiceError("problem", named, [problem.name for problem in problems])

    def score(problem: Problem) -> int:
        labels = sum(3 for column in profile.columns if _binary(column) and says(column.name, problem.label_words))
        return labels + sum(says(column.name, problem.table_words) is not None for column in profile.columns)

    return max(problems, key=score)


def find_label(profile: Profile, problem: Problem, named: str | None) -> Label | None:
    """Return the label: the named column, else the likeliest one with two values whose name is a label's; None where none is.

    Raises
    ------
    UnknownChoiceError
        There is no column of that name.
    UsageError
        It has one value only, or too many for a label, or looks personal.
    """
    if named is not None:
        if named not in profile.by_name:
            raise UnknownChoiceError("column", named, [column.name for column in profile.columns])
        column = profile.by_name[named]
        if column.personal is not None:
            raise UsageError(f"'{named}' looks personal ({column.personal}), and so cannot be a label.", "Name another column.")
        if not 2 <= len(column.values) <= _MOST_VALUES:
            raise UsageError(f"'{named}' has {column.distinct:,} values, and so cannot be a label.", "A label says yes or no.")
        return _label(column, problem, "you named it", sure=True)
    ranked = sorted(_candidates(profile, problem), key=lambda each: (each[0], each[1].place))
    if not ranked:
        return None
    _, column, reason = ranked[-1]
    others = [each[1].name for each in ranked[:-1]]
    rest = f" (so could {', '.join(repr(name) for name in others[:3])} be)" if others else ""
    return _label(column, problem, reason + rest, sure=not others)


def _binary(column: Column) -> bool:
    return len(column.values) == 2 and column.personal is None


def _candidates(profile: Profile, problem: Problem) -> Iterator[tuple[int, Column, str]]:
    for column in profile.columns:
        if not _binary(column):
            continue
        if word := says(column.name, problem.label_words):
            # A name that says nothing else is a label's rather than one of many words, such as fraud_team_called.
            whole = len(name_words(column.name)) <= 2
            yield 3 if whole else 2, column, f"'{word}' in its name, and two values"
        elif word := says(column.name, GENERAL_WORDS):
            yield 1, column, f"'{word}' in its name, and two values"


def _label(column: Column, problem: Problem, reason: str, *, sure: bool) -> Label:
    texts = [value.text for value in column.values]
    positive = [text for text in texts if _means(text, YES | problem.positive_words)]
    negative = [text for text in texts if _means(text, NO | problem.negative_words)]
    if positive and len(positive) < len(texts):
        why = f"{_listed(positive)} mean{'s' if len(positive) == 1 else ''} yes"
    elif negative and len(negative) < len(texts):
        positive = [text for text in texts if text not in negative]
        why = f"{_listed(negative)} means no"
    else:
        positive, sure = [texts[-1]], False
        why = f"{_listed(positive)} is the rarest value: check that it means yes"
    rows = sum(value.rows for value in column.values if value.text in positive)
    return Label(column, tuple(positive), rows, column.filled - rows, f"{reason}; {why}", sure)


def _means(text: str, among: frozenset[str]) -> bool:
    return text.lower() in among or "".join(name_words(text)) in among


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(repr(text) for text in texts)
