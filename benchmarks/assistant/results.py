"""What was measured, as plain numbers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True)


class RetrievalReading(_Measured):
    """One way to rank, on the questions that have an answer; the time is of all questions."""

    name: str
    questions: int
    hit_at_1: float
    hit_at_3: float
    reciprocal_rank: float
    """The mean; 0 for what is not among the first five."""
    milliseconds: float
    """The median question's."""
    slowest_milliseconds: float
    """Of 95 in 100 questions, the slowest."""


class UnknownReading(_Measured):
    """How well "I don't know" is decided: of questions with an answer and of near misses without."""

    name: str
    answerable: int
    answered: int
    """Of the answerable."""
    unanswerable: int
    declined: int
    """Of the unanswerable."""

    @property
    def precision(self) -> float:
        """Of the declined questions, the share that has no answer."""
        declined = self.declined + self.answerable - self.answered
        return self.declined / declined if declined else 1.0

    @property
    def recall(self) -> float:
        """Of the questions without an answer, the share that is declined."""
        return self.declined / self.unanswerable


class IndexCost(_Measured):
    """What an index costs."""

    passages: int
    file_kilobytes: float
    words_seconds: float
    """To build it anew without an embedding model."""
    meaning_seconds: float | None
    """The same with it, every passage embedded."""
    again_seconds: float
    """To build it again where nothing has changed."""
    words_peak_mb: float
    """Resident memory of a process that opens and searches it by words."""
    meaning_peak_mb: float | None


class PartReading(_Measured):
    """What was read on one part of the questions."""

    part: str
    retrieval: tuple[RetrievalReading, ...]
    unknown: tuple[UnknownReading, ...]


class AnswerReading(_Measured):
    """What was said to all questions of a part, in one way."""

    name: str
    questions: int
    answered: int
    by_model: int
    """Of the answered: those whose words are a model's."""
    sentences: int
    supported: int
    """Sentences that stand in what they cite."""
    placed: int
    """Answers to questions that have an expected place."""
    first_placed: int
    """Of those: whose first quote comes from an expected place."""
    quotes: int
    """Quotes in those answers."""
    quotes_placed: int
    """Of those: the quotes from an expected place."""
    milliseconds: float
    """The median question's, guard and search included."""


class ModelCost(_Measured):
    """What a language model costs, and what it wrote before it was checked."""

    name: str
    threads: int
    first_token_seconds: float
    tokens_per_second: float
    peak_mb: float
    sentences: int
    supported: int
    """Sentences that stand in one of the passages that were found."""


class AssistantResults(_Measured):
    """All of one call."""

    machine: Machine
    parts: tuple[PartReading, ...]
    index: IndexCost
    answers: tuple[AnswerReading, ...]
    model: ModelCost | None
    seconds: float
