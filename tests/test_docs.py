"""The documents tell the truth: their links lead somewhere and their commands are ones that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

import run
from fusionguard.cli import app
from fusionguard.config import load_config
from pipelines.catalog import find_pipeline

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "data" / "README.md"])


def _commands(document: Path) -> list[str]:
    """Return the commands of a document's shell blocks, without comments and continuation lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [command for line in lines if (command := shlex.join(shlex.split(line, comments=True)))]


COMMANDS = [(document.relative_to(ROOT).as_posix(), command) for document in DOCUMENTS for command in _commands(document)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target) and not (document.parent / target.split("#")[0]).resolve().exists()
    ]
    assert missing == []


def test_readme_opens_with_the_two_commands() -> None:
    assert [command.split()[:2] for command in _commands(ROOT / "README.md")[:2]] == [["make", "fraud"], ["make", "test"]]


@pytest.mark.parametrize(("document", "command"), COMMANDS, ids=[f"{document}: {command}" for document, command in COMMANDS])
def test_commands_exist(document: str, command: str) -> None:
    words = shlex.split(command)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    program = Path(words[0]).name
    if program == "make":
        targets = [word for word in words[1:] if "=" not in word]
        known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
        assert set(targets) <= known
    elif program.startswith("python") and words[1] == "run.py":
        options = run._parser().parse_args(words[2:])
        load_config(find_pipeline(options.pipeline or "fraud").config, [], options.set)
    elif program == "fusionguard":
        subcommand = get_command(app).commands[words[1]]  # type: ignore[attr-defined]
        known = {option for parameter in subcommand.params for option in parameter.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= known
    elif program == "curl":
        assert "http://127.0.0.1:3000/" in command, "tests/serving/test_serving_docs.py sends it"
    elif program in ("uvx", "npx"):
        assert document == "docs/fraud_serving.md", "tests/clients runs it"
    else:
        assert program in {"bash", "git", "pip", "export", "python", "zenml", "source", "cd"}, f"nobody checks '{command}'"


def test_the_commands_that_need_no_model_run(tmp_path: Path, home: object) -> None:
    program = ROOT / ".venv" / "bin" / "fusionguard"
    if not program.exists():
        pytest.skip("needs the .venv that `make setup` makes")
    for command in _commands(ROOT / "README.md"):
        if command.startswith("fusionguard simulate"):
            words = [str(program), *shlex.split(command)[1:]]
            subprocess.run(words, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    for name in ("transactions.csv", "customers.csv"):
        assert (tmp_path / name).read_text().count("\n") == 10_001
