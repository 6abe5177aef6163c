"""The section that is written between the markers; every verdict is computed from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.assistant.answers_section import answers_section
from benchmarks.assistant.results import AssistantResults, IndexCost, PartReading, RetrievalReading
from benchmarks.markdown import table

BEGIN = "<!-- benchmarks/assistant -->"
FUSED = "fused"
HIT_AT_3, RECIPROCAL_RANK, MILLISECONDS = 0.95, 0.85, 10.0

_PARTS = {
    "dev": "what ranking, vocabulary and threshold were tuned on",
    "test": "written together with them by who wrote the vocabulary, too, and not used to choose weights",
    "fresh": "written when the vocabulary was done; headings were added to documents for some, the vocabulary was not changed",
    "held": "written last; neither vocabulary, ranking nor documents were changed for them",
}


def section(results: AssistantResults) -> str:
    """Return the Markdown of the results, without the markers."""
    opening = (
        f"Written by `make bench-assistant`; all numbers come from one call, which took {results.seconds / 60:.1f} minutes.\n\n"
        f"{results.machine.sentences()}"
    )
    return "\n\n".join(
        [
            opening,
            _retrieval(results),
            _unknown(results.parts),
            answers_section(results.answers, results.model),
            _cost(results.index),
        ]
    )


def _retrieval(results: AssistantResults) -> str:
    said = [
        "### Finding passages\n\nQuestions as people ask them, each with the places (file and heading) any of which answers it;"
        " the index holds the documents alone. hit@k: an answering passage is among the first k. MRR: the mean of 1 / its rank,"
        " 0 beyond the fifth. Milliseconds are of one thread, the median question and the slowest of 95 in 100. The vocabulary"
        " adds the words that documents use for those of a question; the assistant's own two searches have it, the others do not."
    ]
    for part in results.parts:
        rows = [_row(reading) for reading in part.retrieval]
        head = (f"{part.part}: {part.retrieval[0].questions} questions", "hit@1", "hit@3", "MRR", "ms", "ms, 95 %")
        said.append(f"**{part.part}**, {_PARTS[part.part]}\n\n{table(head, rows)}")
    said.append(_targets(results))
    return "\n\n".join(said)


def _row(reading: RetrievalReading) -> tuple[str, ...]:
    quality = (f"{value:.3f}" for value in (reading.hit_at_1, reading.hit_at_3, reading.reciprocal_rank))
    return (reading.name, *quality, f"{reading.milliseconds:.1f}", f"{reading.slowest_milliseconds:.1f}")


def _targets(results: AssistantResults) -> str:
    judged = []
    for part in results.parts:
        fused = next((reading for reading in part.retrieval if reading.name == FUSED), None)
        if fused is None:
            return "The embedding model was not used (`make setup-llm` installs it): the fused search was not measured."
        if part.part == "dev":
            continue
        verdicts = (
            f"hit@3 {fused.hit_at_3:.3f} {_verdict(fused.hit_at_3 >= HIT_AT_3)}",
            f"MRR {fused.reciprocal_rank:.3f} {_verdict(fused.reciprocal_rank >= RECIPROCAL_RANK)}",
            f"{fused.milliseconds:.1f} ms {_verdict(fused.milliseconds < MILLISECONDS)}",
        )
        judged.append(f"on {part.part} {', '.join(verdicts)}")
    return (
        f"Targets of the fused search: hit@3 at least {HIT_AT_3}, MRR at least {RECIPROCAL_RANK}, under {MILLISECONDS:.0f} ms a"
        f" question. {_upper('; '.join(judged))}."
    )


def _unknown(parts: Sequence[PartReading]) -> str:
    rows = [
        (
            f"{part.part}, {reading.name}",
            f"{reading.answered} of {reading.answerable}",
            f"{reading.declined} of {reading.unanswerable}",
            f"{reading.precision:.2f}",
            f"{reading.recall:.2f}",
        )
        for part in parts
        for reading in part.unknown
    ]
    head = ("", "answerable, not declined", "near misses, declined", "precision", "recall")
    return (
        '### Saying "I don\'t know"\n\nNear misses sound as if they belonged here and have no answer in the documents. Precision:'
        " of what is declined, the share that has no answer. Recall: of what has none, the share that is declined. It is the"
        f" search's own judgement, before an answer is made of what was found.\n\n{table(head, rows)}"
    )


def _cost(cost: IndexCost) -> str:
    def shown(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:,.{digits}f}"

    rows = [
        ("to build it, seconds", shown(cost.words_seconds, 2), shown(cost.meaning_seconds, 1)),
        ("a process that searches it, peak MB", shown(cost.words_peak_mb, 0), shown(cost.meaning_peak_mb, 0)),
    ]
    return (
        f"### The index\n\n{cost.passages:,} passages of the documents, a file of {cost.file_kilobytes:,.0f} kB. Built again"
        f" where nothing has changed: {cost.again_seconds:.2f} s.\n\n{table(('', 'by words', 'by words and meaning'), rows)}"
    )


def _verdict(met: bool) -> str:
    return "(met)" if met else "(**not met**)"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
