"""The documents that the assistant knows: README and ``docs/``, with the commit they stand at."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from fusionguard.assistant.passages import Passage
from fusionguard.assistant.reading import Reading, passages_of
from fusionguard.home import Home, find_checkout

LARGEST_BYTES = 2_000_000
"""A document above this is left out: it is no text that people read."""

_GIT_SECONDS = 10


def docs_folder(home: Home) -> Path:
    """Return where the documents lie: in the checkout this package runs from, else below the home."""
    return (find_checkout() or home.root) / "docs"


def read_documents(docs: Path) -> Reading:
    """Cut README and every Markdown file below ``docs`` into passages; what cannot be read is left out and told."""
    if not docs.is_dir():
        return Reading(
            notes=(
                f"There are no documents at {docs}: an installed package has none. Name a checkout's folder with --docs. "
                "Until then the assistant knows models and runs only.",
            )
        )
    readme = docs.parent / "README.md"
    files = [file for file in (readme, *sorted(docs.rglob("*.md"))) if file.is_file()]
    if files in ([], [readme]):
        note = (
            f"The folder {docs} holds no Markdown file: the assistant knows models and runs, and the README where there is one."
        )
        return _read(files, docs.parent, (note,))
    return _read(files, docs.parent, ())


def _read(files: list[Path], root: Path, notes: tuple[str, ...]) -> Reading:
    commit, changed = _commit(root)
    passages: list[Passage] = []
    said = list(notes)
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            content = file.read_bytes()
            if len(content) > LARGEST_BYTES:
                said.append(f"{name} is left out: it is larger than {LARGEST_BYTES / 1e6:.0f} MB.")
                continue
            markdown = content.decode("utf-8")
        except OSError as error:
            said.append(f"{name} is left out: {error.strerror}.")
            continue
        except UnicodeDecodeError:
            said.append(f"{name} is left out: it is not UTF-8 text.")
            continue
        source = f"commit {commit}" if commit and name not in changed else f"sha256 {hashlib.sha256(content).hexdigest()[:12]}"
        passages += passages_of(markdown, kind="document", file=name, title=file.stem, source=source)
    return Reading(tuple(passages), tuple(said))


def _commit(root: Path) -> tuple[str, frozenset[str]]:
    """Return the commit that is checked out and the files that differ from it; nothing where git cannot tell."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", "README.md", "docs")
    if head is None or changed is None:
        return "", frozenset()
    return head.strip(), frozenset(entry[3:] for entry in changed.split("\0") if entry)


def _git(root: Path, *arguments: str) -> str | None:
    if not (root / ".git").exists():  # do not ask a repository above it: it is not the checkout
        return None
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout
