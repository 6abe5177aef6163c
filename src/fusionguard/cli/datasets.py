"""Commands about data sets: ``inspect`` takes a first look at a table, and drafts its declaration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.errors import UsageError
from fusionguard.families.catalog import family_names, model_family

if TYPE_CHECKING:
    from fusionguard.datasets.inspection.problem import Problem


def inspect(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="A table: CSV, parquet, its parts or their folder.")],
    label: Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The label, where the guess is wrong.")] = None,
    problem: Annotated[
        str | None, typer.Option("--problem", help=f"What it is about: {' or '.join(family_names())}; a guess by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the draft or the JSON goes; to stdout by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file that --output names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON instead.")] = False,
) -> None:
    """Look at any table: guess what each column is for, warn of what spoils models, and draft a declaration of the data set.

    Values of columns that look personal are never shown. The draft is YAML with the reasons as comments, to be corrected.

    Example: fusionguard inspect payments.csv --output payments.yaml
    """
    if output is not None:
        from fusionguard.files import check_output

        check_output(output, "the draft")
        if output.exists() and not force:
            raise UsageError(f"'{output}' exists, and may have been edited.", "Name another file, or add --force.")
    from fusionguard.datasets.inspection.draft import draft_declaration, draft_faults
    from fusionguard.datasets.inspection.inspected import inspect_table, to_json
    from fusionguard.datasets.inspection.text import inspection_text

    found = inspect_table(files, problems(), label=label, problem=problem)
    draft = draft_declaration(found)
    told = json.dumps(to_json(found), indent=1, ensure_ascii=False) + "\n"
    if not as_json:
        say(inspection_text(found))
    elif output is None:
        typer.echo(told, nl=False)
    if output is not None:
        from fusionguard.files import atomic_path

        with atomic_path(output) as temporary:
            temporary.write_text(told if as_json else draft, encoding="utf-8")
        say(f"Wrote {output}." if as_json else f"Wrote {output}: read the reasons in it, and correct what is wrong.")
    elif not as_json:
        say("")
        typer.echo(draft, nl=False)
    for fault in draft_faults(found, draft):
        say(f"The draft is no valid declaration yet, line {fault.line}: {fault.what}.")
    if not found.problem_said:
        say(f"{found.problem.name}: nothing says so; fill in `problem:` in the draft, or give --problem.")
    if found.label is None:
        say("No column is a plausible label: fill in `label:` in the draft, or run it\nagain with --label COLUMN.")


def problems() -> tuple[Problem, ...]:
    """Return the kinds of problems that tables may be about, as their tables show themselves."""
    return tuple(model_family(name).problem for name in family_names())
