"""The part of the section about answers: what stands in what is cited, and what a language model costs."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.assistant.results import AnswerReading, ModelCost
from benchmarks.markdown import table

_ABOUT = (
    "### Faithfulness\n\nOf the sentences of the answers to the questions of part test, as an analyst gets them: how many stand"
    " in what they cite. A sentence does where every number of it stands in a passage it cites and 85 of 100 of its words do. A"
    " program counts that and does not read: a sentence of the right words that says something else passes, and a true one in"
    " other words fails. Quoted sentences pass by construction; what fails there is a fault of the program."
    " First at place: of the answers to questions whose answer is known"
    " to stand somewhere, how many begin with a quote from there; quotes at place: of all their quotes, how many come from there."
    " A quote from elsewhere may be right too. Milliseconds are the"
    " median question's, with guard and search."
)


def answers_section(answers: Sequence[AnswerReading], model: ModelCost | None) -> str:
    """Return its Markdown."""
    head = (
        "",
        "questions",
        "answered",
        "in a model's words",
        "sentences",
        "supported",
        "first at place",
        "quotes at place",
        "ms",
    )
    said = [f"{_ABOUT}\n\n{table(head, [_row(reading) for reading in answers])}"]
    if model is None:
        said.append("No language model was installed (`make setup-llm` installs a small one): none was measured.")
    else:
        threads = f"{model.threads} thread{'s' if model.threads > 1 else ''}"
        said.append(
            f"The language model is {model.name} on {threads}. Unchecked, {_share(model.supported, model.sentences)} of the"
            f" {model.sentences} sentences that it wrote stood in a passage that was found. The others were dropped; where too"
            " little was left, the quotes were given.\n\n"
            + table(
                ("", ""),
                [
                    ("time to first token, median, seconds", f"{model.first_token_seconds:.2f}"),
                    ("tokens a second after it, median", f"{model.tokens_per_second:.0f}"),
                    ("its process, peak MB", f"{model.peak_mb:,.0f}"),
                ],
            )
        )
    return "\n\n".join(said)


def _row(reading: AnswerReading) -> tuple[str, ...]:
    return (
        reading.name,
        str(reading.questions),
        str(reading.answered),
        str(reading.by_model),
        str(reading.sentences),
        _share(reading.supported, reading.sentences),
        _share(reading.first_placed, reading.placed),
        _share(reading.quotes_placed, reading.quotes),
        f"{reading.milliseconds:,.0f}",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
