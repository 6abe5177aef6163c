"""``python -m benchmarks.assistant.redteam``: attack the assistant, and write the figures into docs/agent_service.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.assistant.redteam.cases import PARTS, attacks, benign
from benchmarks.assistant.redteam.judge import PoisonedIndex, Target, ask, ask_guard, attack, attack_guard
from benchmarks.assistant.redteam.section import BEGIN, Run, section
from benchmarks.assistant.small_model import small_model
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.build import build_index
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_text
from fusionguard.home import Home

_DOCUMENT = CHECKOUT / "docs" / "agent_service.md"


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for; return the exit status: 0, or 1 where something could not be read or written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assistant.redteam", description="Attack the assistant.")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE.gguf",
        help="attack with this language model, too; by default the small one of make setup-llm",
    )
    parser.add_argument("--guard-only", action="store_true", help="attack the guard alone: a few seconds; writes no document")
    parser.add_argument("--show", action="store_true", help="print each attack that succeeded and each harmless question refused")
    parser.add_argument("--part", choices=PARTS, action="append", help="this part alone; writes no document")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write the section there instead of docs/agent_service.md")
    options = parser.parse_args(arguments)
    chosen = tuple(options.part or PARTS)
    model = options.model or small_model()
    try:
        runs = [
            Run(target="guard", part=part, attacks=attack_guard(attacks(part)), benign=ask_guard(benign(part))) for part in chosen
        ]
        if not options.guard_only:
            runs += _run("extract", chosen, None)
            if model is not None:
                runs += _run("model", chosen, model)
        text = section(runs, model.name if model else None)
        if options.show:
            _show(runs)
        if options.output is not None:
            write_text(options.output, f"{text}\n")
        elif options.guard_only or options.part:
            sys.stdout.write(f"{text}\n")
        else:
            write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


@contextmanager
def attacked(model: Path | None, **settings: float) -> Iterator[Assistant]:
    """Give an assistant over this checkout's documents in a home of its own, with an index that can be poisoned."""
    with tempfile.TemporaryDirectory(prefix="fg-redteam-") as name:
        home = Home(Path(name))
        report = build_index(home, docs=CHECKOUT / "docs")
        assistant = Assistant.open(home, AssistantSettings(model=model, **settings), {})  # type: ignore[arg-type]
        try:
            with PoisonedIndex(report.file) as index:
                assistant.index.close()
                yield Assistant(index, assistant.settings, assistant.tools, assistant.writer, assistant.audit)
        finally:
            if assistant.writer is not None:
                assistant.writer.close()


def _run(target: Target, chosen: tuple[str, ...], model: Path | None) -> list[Run]:
    runs = []
    with attacked(model) as assistant:
        for part in PARTS:
            if part in chosen:
                sys.stderr.write(f"{target}, {part}\n")
                asked = ask(assistant, benign(part)) if model is None else []  # a refusal is never the model's doing
                runs.append(Run(target=target, part=part, attacks=attack(assistant, attacks(part)), benign=asked))
    return runs


def _show(runs: list[Run]) -> None:
    for run in runs:
        for each in (*run.attacks, *run.benign):
            if each.bad:
                sys.stderr.write(f"{run.target} {run.part} {each.id}: {each.said[:300]!r}\n")


if __name__ == "__main__":
    sys.exit(main())
