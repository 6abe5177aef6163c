"""Commands about models: ``score`` a file with one, ``release`` some to the service, pack them as a ``bento``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.errors import UsageError
from fusionguard.home import find_home

_SPECS = "NAME@champion, NAME@3 or a bundle's folder; `fusionguard models` lists the names"
_DOES = {"champion": "answers with", "challenger": "is shadowed by"}
"""What a model of a release does in its role; it need not be the registry's champion."""


def score(
    model: Annotated[str, typer.Option("--model", "-m", help=f"{_SPECS}.")],
    input_file: Annotated[Path, typer.Option("--input", "-i", help="What to score, in its data set's layout, CSV or parquet.")],
    output_file: Annotated[Path, typer.Option("--output", "-o", help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")],
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="A column of the input that the output gets, too; no model reads it."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="The rows that happened before, for a model that reads what happened before a row."),
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", metavar="ENGINE", help="Where it is done: duckdb, here, or spark (SPARK_MASTER).")
    ] = "duckdb",
) -> None:
    """Score the rows of a file: score, calibrated probability, decision, what it is worth, reasons, model version.

    Example: fusionguard score --model NAME@champion --input rows.csv --output scores.csv
    """
    from fusionguard.files import check_output
    from fusionguard.output import output_suffix
    from fusionguard.registry.aliases import resolve_bundle

    output_suffix(output_file)
    if id_column == "":
        raise UsageError("--id names no column.", "Name one of the input, or leave --id out.")
    check_output(output_file, "the scores")
    bundle = resolve_bundle(find_home(), model)

    from fusionguard.families.of_bundle import family_of
    from fusionguard.scoring import score_file

    family = family_of(bundle)
    loaded, things = family.load(bundle), family.features.rows
    if bundle.manifest.origin == "simulated":
        say(f"Model {loaded.version} was trained on SIMULATED data: its scores say nothing about real {things}.")
    summary = score_file(loaded, input_file, output_file, id_column, history=history, engine=engine)
    if summary.ambiguous_ids:
        say(f"{summary.ambiguous_ids:,} rows have an empty id or one that another row has, too: tell them apart by 'row'.")
    for remark in summary.remarks:
        say(remark)
    for column, count in summary.unseen.items():
        say(f"{count:,} rows hold a value of '{column}' that the model has not seen; its declaration says how they are scored.")
    flagged = f"{summary.flagged:,} {family.flagged_rows_are}"
    say(f"Scored {summary.rows:,} {things}, {flagged}, with model {loaded.version}: {output_file}")


def release(
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help=f"What answers: {_SPECS}. The champions by default.")
    ] = None,
    shadow: Annotated[list[str] | None, typer.Option("--shadow", help="A challenger to be scored too, and only logged.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The folder to write; the one `serve` reads.")] = None,
) -> None:
    """Write the models a service answers with: the champions as they are now, or those you name.

    A service that runs takes them over without a pause: kill -HUP its process. One that was told --model or --shadow has
    a release of its own, which --output names.

    Example: fusionguard release --model NAME@3 --shadow NAME@challenger
    """
    from fusionguard.serving.launch import release_folder
    from fusionguard.serving.own_releases import held_releases
    from fusionguard.serving.release import check_place, released_models
    from fusionguard.serving.resolve import make_release

    home = find_home()
    if output is not None:
        check_place(output)
    folder = output or release_folder(home)
    before = released_models(folder)
    written = make_release(home, folder, models=model or (), challengers=shadow or ())
    for about in written:
        number = f" (version {about.registered_version})" if about.registered_version is not None else ""
        say(f"{about.model} {_DOES[about.role]} {about.bundle_sha256[:12]}{number}")
    for gone in sorted({about.model for about in before} - {about.model for about in written}):
        say(f"{gone} is in it no more: name all that are to answer.")
    say(f"Wrote {folder}")
    if output is None:
        for own in held_releases(folder.parent):
            port = own.name.rpartition("-")[2]
            say(f"The service on port {port} was told what answers and does not read it: add --output {own}")


def bento(
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="What answers; the champions of now by default.")
    ] = None,
    shadow: Annotated[list[str] | None, typer.Option("--shadow", help="A challenger to be scored too, and only logged.")] = None,
    base_digest: Annotated[
        str | None, typer.Option("--base-digest", help="Pin the image's base by its digest: sha256:...")
    ] = None,
) -> None:
    """Build RiskScoring, the Bento of the champions, and say how to make an image of it. Naming an earlier version rolls back.

    Example: fusionguard bento --model NAME@3
    """
    from fusionguard.serving.bento import build_bento

    built = build_bento(find_home(), models=model or (), challengers=shadow or (), base_digest=base_digest)
    for about in built.models:
        say(f"{about.model} {_DOES[about.role]} {about.bundle_sha256[:12]}, trained on {about.origin} data")
    if built.simulated:
        say("A model in it was trained on SIMULATED data: its scores say nothing about real customers.")
    typer.echo(built.tag)
    say(f"An image of it: docker build --file {built.folder}/env/docker/Dockerfile {built.folder}")
