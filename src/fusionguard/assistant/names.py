"""Customers' names that are known: a file, one name a line, so that a rare name is found by itself, too."""

from __future__ import annotations

from pathlib import Path

from fusionguard.errors import UsageError

MOST_NAMES = 20_000
"""Each text is searched for all of them."""
_SHORTEST = 3


def read_names(file: Path | None) -> frozenset[str]:
    """Return the names in a file; none where there is no file named. An error names the line, never what stands in it.

    Raises
    ------
    UsageError
        The file cannot be read, holds too many names, or one that is so short that it would stand in any text.
    """
    if file is None:
        return frozenset()
    try:
        lines = file.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"The file of customers' names {file} cannot be read: {why}.", "Name a text file, one name a line."
        ) from None
    names = {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}
    for number, name in names.items():
        if len(name) < _SHORTEST:
            what = f"Line {number} of the file of customers' names {file} is shorter than {_SHORTEST} characters."
            raise UsageError(what, "Write whole names.")
    if len(names) > MOST_NAMES:
        raise UsageError(f"{file} holds {len(names):,} names, and {MOST_NAMES:,} are looked for at most.", "Shorten the file.")
    return frozenset(names.values())
