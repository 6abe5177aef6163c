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
_LETTERS = word_set("t f")
"""Letters that mean true and false where both are there."""
GENERAL_WORDS = word_set("label target class outcome y response")
OTHER_WORDS = word_set("default defaulted loanstatus bad isbad baddebt")
"""Words in the names of labels of problems that no family is for."""
_BESIDE = word_set("is was has flag status customer client account member policy contract kunde")
_MOST_VALUES = 12
_LABEL_POINTS = 3
_MOST_CANDIDATES, _MOST_CANDIDATE_VALUES = 8, 5


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
    undecided
        Its values of which nothing says what they mean; they are in no count.
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
    undecided: tuple[str, ...] = ()

    @property
    def is_positive(self) -> str:
        """SQL that is true for rows of the positive class, and false for all others, those without a label, too."""
        return f"coalesce({self.column.sql_text} IN ({', '.join(map(quoted, self.positive))}), false)"

    @property
    def is_negative(self) -> str:
        """SQL that is true for rows of the negative class."""
        return f"coalesce({self.column.sql_text} NOT IN ({', '.join(map(quoted, self.positive + self.undecided))}), false)"

    @property
    def share(self) -> float:
        """The share of positive rows among those with a label."""
        return self.positives / max(self.positives + self.negatives, 1)


def guess_problem(profile: Profile, problems: Sequence[Problem], named: str | None) -> tuple[Problem, bool]:
    """Return the problem that a table is about, the named one, else that whose words its columns have most; and whether any has.

    Raises
    ------
    UnknownChoiceError
        The named one is none of them.
    """
    if named is not None:
        for problem in problems:
            if problem.name == named:
                return problem, True
        raise UnknownChoiceError("problem", named, [problem.name for problem in problems])
    score = {problem: _score(profile, problem) for problem in problems}
    best = max(problems, key=score.__getitem__)
    other = any(_binary(column) and says(column.name, OTHER_WORDS) for column in profile.columns)
    return best, score[best] > (_LABEL_POINTS - 1 if other else 0)


def _score(profile: Profile, problem: Problem) -> int:
    labels = sum(_LABEL_POINTS for column in profile.columns if _few(column) and says(column.name, problem.label_words))
    opposite = sum(_LABEL_POINTS - 1 for column in profile.columns if _is_opposite(column, problem))
    return labels + opposite + sum(says(column.name, problem.table_words) is not None for column in profile.columns)


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


def _few(column: Column) -> bool:
    return 2 <= len(column.values) <= _MOST_VALUES and column.personal is None


def _is_opposite(column: Column, problem: Problem) -> bool:
    """Return whether a column is named as the opposite of a label, and as nothing else: not ``active_member_days``."""
    word = says(column.name, problem.opposite_words)
    return _binary(column) and word is not None and set(name_words(column.name)) <= {word} | _BESIDE - {"member"}


def label_candidates(profile: Profile, problems: Sequence[Problem]) -> tuple[Column, ...]:
    """Return columns with few values that may be the label where none is taken: first those whose names or values say so."""

    def rank(column: Column) -> tuple[int, int, int]:
        words = frozenset().union(*(problem.label_words for problem in problems)) | GENERAL_WORDS | OTHER_WORDS
        meant = frozenset().union(*(problem.positive_words | problem.negative_words for problem in problems))
        values = any(_means(value.text, meant) for value in column.values)
        return -2 * (says(column.name, words) is not None) - values, len(column.values), column.place

    few = [column for column in profile.columns if _few(column) and len(column.values) <= _MOST_CANDIDATE_VALUES]
    return tuple(sorted(few, key=rank)[:_MOST_CANDIDATES])


def _candidates(profile: Profile, problem: Problem) -> Iterator[tuple[int, Column, str]]:
    for column in profile.columns:
        if not _binary(column):
            continue
        if word := says(column.name, problem.label_words):
            # A name that says nothing else is a label's rather than one of many words, such as ``label_team_called``.
            whole = len(name_words(column.name)) <= 2
            yield 3 if whole else 2, column, f"'{word}' in its name, and two values"
        elif _is_opposite(column, problem):
            yield 1, column, f"'{says(column.name, problem.opposite_words)}' in its name, the opposite, and two values"
        elif word := says(column.name, GENERAL_WORDS | OTHER_WORDS):
            yield 1, column, f"'{word}' in its name, and two values"


def _label(column: Column, problem: Problem, reason: str, *, sure: bool) -> Label:
    texts = [value.text for value in column.values]
    yes, no = (NO, YES) if _is_opposite(column, problem) else (YES, NO)
    if not _LETTERS.issubset(map(str.lower, texts)):  # F beside G is no false
        yes, no = yes - _LETTERS, no - _LETTERS
    positive = [text for text in texts if _means(text, yes | problem.positive_words)]
    negative = [text for text in texts if _means(text, no | problem.negative_words) and text not in positive]
    undecided: list[str] = []
    if positive and len(positive) < len(texts):
        why = f"{_listed(positive)} mean{'s' if len(positive) == 1 else ''} yes"
        if negative and len(texts) > 2:
            undecided = [text for text in texts if text not in positive + negative]
            why += f", {_listed(negative)} no" + (f"; {_listed(undecided)}: undecided" if undecided else "")
    elif negative and len(negative) < len(texts):
        positive = [text for text in texts if text not in negative]
        why = f"{_listed(negative)} means no"
    else:
        positive, sure = [texts[-1]], False
        why = f"{_listed(positive)} is the rarest value: check that it means yes"
    rows, left = (sum(value.rows for value in column.values if value.text in among) for among in (positive, undecided))
    reason = f"{reason}; {why}"
    return Label(column, tuple(positive), rows, column.filled - rows - left, reason, sure, tuple(undecided))


def _means(text: str, among: frozenset[str]) -> bool:
    return text.lower() in among or "".join(name_words(text)) in among


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(repr(text) for text in texts)
