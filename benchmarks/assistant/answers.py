"""How much of what the assistant says stands in what it cites, with and without a language model, and what a model costs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.assistant.questions import AskedQuestion
from benchmarks.assistant.results import AnswerReading, ModelCost
from fusionguard.assistant.answers import Answer, Persona, Question
from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.claims import CITATION
from fusionguard.assistant.index import Index
from fusionguard.assistant.llm.process import LlamaProcess
from fusionguard.assistant.numbers import missing_numbers
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.assistant.units import split_sentences, split_units
from fusionguard.assistant.words import content_words
from fusionguard.assistant.writer import Message

WORDS_THERE = 0.85
"""The share of a sentence's words that must stand in what it cites."""
_CITED = re.compile(r"\[(\d+)\]")
_LINE_END = re.compile(r"(?<=\])\s+|\n+")


class WatchedWriter:
    """A language model with a watch beside it: everything it wrote, and when."""

    def __init__(self, writer: LlamaProcess) -> None:
        self._writer = writer
        self.written: list[str] = []
        self.first_seconds: list[float] = []
        self.rates: list[float] = []
        """Tokens a second after the first."""

    @property
    def name(self) -> str:
        return self._writer.name

    @property
    def trouble(self) -> str:
        return self._writer.trouble

    def count_tokens(self, text: str, *, seconds: float) -> int:
        return self._writer.count_tokens(text, seconds=seconds)

    def write(
        self, messages: Sequence[Message], *, most_tokens: int, seconds: float, cancel: threading.Event | None = None
    ) -> Iterator[str]:
        begin, pieces, first, last = time.perf_counter(), [], 0.0, 0.0
        try:
            for piece in self._writer.write(messages, most_tokens=most_tokens, seconds=seconds, cancel=cancel):
                last = time.perf_counter() - begin
                first = first or last
                pieces.append(piece)
                yield piece
        finally:
            self.written.append("".join(pieces))
            if pieces:
                self.first_seconds.append(first)
            if len(pieces) > 5:
                self.rates.append((len(pieces) - 1) / (last - first))

    def peak_mb(self) -> float:
        """The most memory that the model's process has had resident."""
        status = Path(f"/proc/{self._writer.process_id}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def close(self) -> None:
        self._writer.close()


def read_answers(index: Index, questions: Sequence[AskedQuestion]) -> AnswerReading:
    """Ask every question without a language model."""
    return _read("quoted", Assistant(index, AssistantSettings(), Toolbox(())), questions)


def read_model_answers(index: Index, questions: Sequence[AskedQuestion], model: Path) -> tuple[AnswerReading, ModelCost]:
    """Ask every question with a language model; also read what it would have said unchecked."""
    settings = AssistantSettings(model=model, answer_seconds=120.0)
    watched = WatchedWriter(LlamaProcess(model, settings))
    watched.count_tokens("loaded", seconds=settings.load_seconds)
    assistant = Assistant(index, settings, Toolbox(()), watched)
    raw_sentences = raw_supported = 0
    answers = []
    for question in questions:
        before = len(watched.written)
        answers.append(_ask(assistant, question))
        passages = [found.passage.text for found in index.search(question.ask).found]
        for text in watched.written[before:]:
            sentences = [bare for each in split_sentences(text) if content_words(bare := CITATION.sub("", each))]
            raw_sentences += len(sentences)
            raw_supported += sum(any(_stands(sentence, [passage]) for passage in passages) for sentence in sentences)
    cost = ModelCost(
        name=watched.name,
        threads=settings.threads,
        first_token_seconds=median(watched.first_seconds),
        tokens_per_second=median(watched.rates),
        peak_mb=watched.peak_mb(),
        sentences=raw_sentences,
        supported=raw_supported,
    )
    watched.close()
    return _summarised("with a model, checked", questions, answers), cost


def _read(name: str, assistant: Assistant, questions: Sequence[AskedQuestion]) -> AnswerReading:
    return _summarised(name, questions, [_ask(assistant, question) for question in questions])


def _ask(assistant: Assistant, question: AskedQuestion) -> tuple[Answer, float]:
    begin = time.perf_counter()
    answer = assistant.answer(Question(text=question.ask, persona=Persona.ANALYST))
    return answer, 1000 * (time.perf_counter() - begin)


def _summarised(name: str, questions: Sequence[AskedQuestion], answers: Sequence[tuple[Answer, float]]) -> AnswerReading:
    given = [answer for answer, _ in answers if answer.kind == "answer" and answer.written_by != "tool"]
    hits = [
        quoted_places(answer, question)
        for question, (answer, _) in zip(questions, answers, strict=True)
        if question.answerable and answer.kind == "answer" and answer.written_by != "tool"
    ]
    judged = [supported for answer in given for supported in judge(answer)]
    return AnswerReading(
        name=name,
        questions=len(answers),
        answered=len(given),
        by_model=sum(answer.written_by == "model" for answer in given),
        sentences=len(judged),
        supported=sum(judged),
        placed=len(hits),
        first_placed=sum(each[0] for each in hits),
        quotes=sum(len(each) for each in hits),
        quotes_placed=sum(sum(each) for each in hits),
        milliseconds=median(milliseconds for _, milliseconds in answers),
    )


def quoted_places(answer: Answer, question: AskedQuestion) -> list[bool]:
    """Tell of each quote of an answer, in order, whether it comes from a place where the answer is expected."""
    places = {each.number: f"{each.file}#{each.heading.rpartition(' > ')[2]}" for each in answer.citations}
    cited = (int(number) for number in _CITED.findall(answer.text))
    return [places[number] in question.places for number in cited if number in places]


def judge(answer: Answer) -> list[bool]:
    """Tell of each sentence of an answer whether it stands in the passages it cites.

    It does where it cites one at all, every number of it stands there, and 85 of 100 of its words. That is mechanical: a sentence
    of the right words in a wrong order passes, and one in other words fails.
    """
    sources = {each.number: f"{each.heading}\n{each.text}" for each in answer.citations}
    judged = []
    for line in _LINE_END.split(answer.text):
        cited = [sources[int(number)] for number in _CITED.findall(line) if int(number) in sources]
        text = _CITED.sub("", line).strip(" -")
        if content_words(text):
            judged.append(bool(cited) and _stands(text, cited))
    return judged


def _stands(text: str, sources: Sequence[str]) -> bool:
    readable = "\n".join(part for source in sources for part in (source, *(unit.text for unit in split_units(source))))
    words = content_words(text)
    return not missing_numbers(text, readable) and len(words & content_words(readable)) >= WORDS_THERE * len(words)
