"""What is told to people of one data set, where somebody has written it: reasons, facts that divide its rows, and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fact:
    """A fact that divides the rows of a training table.

    Parameters
    ----------
    name
        What people call it.
    expression
        SQL over the table that gives a row's part, a number from 0 on or a text, and is never NULL.
    values
        Names of the parts 0, 1, 2 and so on; none where a part is its own name.
    """

    name: str
    expression: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CrossedFacts:
    """Two facts looked at together: ``by`` has the parts that ``sides`` names, of which the last is subtracted."""

    fact: Fact
    by: Fact
    sides: tuple[int | str, int | str] = (0, 1)


@dataclass(frozen=True)
class Texts:
    """Sentences of a model's card and of the pages beside it.

    Parameters
    ----------
    title
        What the card is about.
    of_whom, leaves
        Whose customers they are (`` of a bank``) and what those do who leave (``leaves the bank``).
    rows
        What a row is, and what was dropped before anything was computed.
    sensitive
        What the model reads that its use must heed, as half a sentence; empty where there is nothing.
    local_file
        What a local file is.
    defaults
        Where the default hyperparameters come from.
    one_file, no_causes, hindsight
        Limits: of where the rows come from, of what reasons are, and of what is known too late.
    published
        What others have reached on this data; empty where nothing is known.
    untold
        Why some features are told as no reason; empty where there are none.
    fairness
        Paragraphs on single attributes.
    expected
        By attribute on which rates may differ, its name and what is said of a group: ``Age``, ``aged``.
    not_causes, not_treatment
        Cautions on insights: that they are no causes, and no ground to treat people differently.
    """

    title: str
    of_whom: str
    leaves: str
    rows: str
    sensitive: str
    local_file: str
    defaults: str
    one_file: str
    no_causes: str
    hindsight: str
    published: str
    untold: str
    fairness: tuple[str, ...]
    expected: Mapping[str, tuple[str, str]]
    not_causes: str
    not_treatment: str


@dataclass(frozen=True)
class Told:
    """What is told of one data set.

    Parameters
    ----------
    describe
        Turns a model feature's name and its value, a number or a text, into words.
    texts
        The sentences of cards and pages.
    speaks_for
        By model feature, another one that tells its part, too.
    untold
        Model features that are no reason for anybody.
    facts, crossings
        What divides the rows: one by one, and two together. Without facts, those that the model looks at most are taken.
    rules
        Rules of thumb, the simplest first: by name the columns or expressions whose values make a cell.
    """

    describe: Callable[[str, float | str], str]
    texts: Texts
    speaks_for: Mapping[str, str] = field(default_factory=dict)
    untold: frozenset[str] = frozenset()
    facts: tuple[Fact, ...] = ()
    crossings: tuple[CrossedFacts, ...] = ()
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
