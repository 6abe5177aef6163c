"""What the commands say beside their output: one line on stderr."""

from __future__ import annotations

import typer


def say(line: str) -> None:
    """Write a line to stderr; stdout is for what another program reads."""
    typer.echo(line, err=True)
