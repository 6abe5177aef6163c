"""``python -m benchmarks.assistant``: ask the index, measure, and write into docs/agent_service.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

from benchmarks.assistant.answers import read_answers, read_model_answers
from benchmarks.assistant.cost import measure_cost
from benchmarks.assistant.questions import Part, read_questions
from benchmarks.assistant.results import AssistantResults, PartReading
from benchmarks.assistant.retrieval import ROUNDS, contenders, read_retrieval
from benchmarks.assistant.section import BEGIN, section
from benchmarks.assistant.small_model import small_model
from benchmarks.assistant.unknown import calibrate, read_unknown
from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from fusionguard.assistant.embedding import Embedder, find_embedder
from fusionguard.assistant.index import Index, build_index
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_text
from fusionguard.home import Home
from fusionguard.threads import wait_politely

DOCS = CHECKOUT / "docs"
MODEL_STEP, QUICK_STEP = 3, 12
"""Of so many questions a language model is asked one, by a whole call and by a quick one: each takes it many seconds."""
_DOCUMENT = DOCS / "agent_service.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assistant", description="Measure how well the assistant finds.")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write the section there instead of docs/agent_service.md")
    parser.add_argument("--words-only", action="store_true", help="without the embedding model, even where it is installed")
    parser.add_argument("--quick", action="store_true", help="ask once instead of several times; print, and write no document")
    parser.add_argument(
        "--model", type=Path, metavar="FILE.gguf", help="a language model; by default the small one of make setup-llm"
    )
    parser.add_argument("--calibrate", action="store_true", help="print the weights of the support that the part dev gives")
    options = parser.parse_args(arguments)
    try:
        embedder = None if options.words_only else find_embedder()
        with tempfile.TemporaryDirectory(prefix="fg-bench-assistant-") as name:
            if options.calibrate:
                _calibrate(Path(name), embedder)
                return 0
            text = section(measure_all(Path(name), embedder, quick=options.quick, model=options.model or small_model()))
        if options.output is not None:
            write_text(options.output, f"{text}\n")
        elif options.quick:
            sys.stdout.write(f"{text}\n")
        else:
            write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def measure_all(folder: Path, embedder: Embedder | None, *, quick: bool, model: Path | None) -> AssistantResults:
    """Build the index of the documents, and ask it every part of the questions in every way; ``quick`` asks less."""
    begin, machine = time.monotonic(), describe_machine()
    file = _index(folder, embedder)
    with contenders(file, embedder) as ways, Index(file) as by_words, Index(file, embedder) as best:
        judges = {"by words": by_words, **({"by words and meaning": best} if embedder else {})}
        parts = [
            PartReading(
                part=part,
                retrieval=tuple(read_retrieval(way, read_questions(part), 1 if quick else ROUNDS) for way in ways),
                unknown=tuple(read_unknown(name, index, read_questions(part)) for name, index in judges.items()),
            )
            for part in get_args(Part)
        ]
        cost = measure_cost(DOCS, folder, embedder)
        asked = read_questions("test")
        answers, model_cost = [read_answers(best, asked)], None
        if model is not None:
            with_model, model_cost = read_model_answers(best, asked[:: QUICK_STEP if quick else MODEL_STEP], model)
            answers.append(with_model)
    return AssistantResults(
        machine=machine,
        parts=tuple(parts),
        index=cost,
        answers=tuple(answers),
        model=model_cost,
        seconds=time.monotonic() - begin,
    )


def _calibrate(folder: Path, embedder: Embedder | None) -> None:
    file, questions = _index(folder, embedder), read_questions("dev")
    sys.stdout.write(f"WORDS_ALONE = {calibrate(file, None, questions)}\n")
    if embedder is not None:
        sys.stdout.write(f"WITH_MEANING = {calibrate(file, embedder, questions)}\n")


def _index(folder: Path, embedder: Embedder | None) -> Path:
    home = Home(folder / "documents")
    return build_index(home, docs=DOCS, embed="never" if embedder is None else "always").file


if __name__ == "__main__":
    wait_politely()
    sys.exit(main())
