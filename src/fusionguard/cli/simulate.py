"""``fusionguard simulate``: data and traffic that nobody had to wait for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.datasets.shipped import (
    Wanted,
    dataset_names,
    declared_names,
    other_names,
    shipped_dataset,
    simulator,
)
from fusionguard.errors import UnknownChoiceError, UsageError

_NAMES = (*other_names(), *declared_names())
_KNOWN = "|".join(_NAMES)
_FIRST = _NAMES[0]


def _dataset(text: str) -> str:
    """Return the name of a data set that can be simulated, by either of its names.

    Raises
    ------
    UnknownChoiceError
        There is no such data set.
    UsageError
        It is one that somebody has declared.
    """
    name = other_names().get(text, text)
    if name in (*dataset_names(), *declared_names()):
        return name
    from fusionguard.home import find_home
    from fusionguard.registry.model_names import model_names

    if Path(text).suffix in (".yaml", ".yml") or "/" in text or text in model_names(find_home()):
        raise UsageError(
            f"'{text}' is a declared data set, and nobody has written a simulator of its rows.",
            f"Simulate {', '.join(_NAMES[:-1])} or {_NAMES[-1]}, or use the data set's own rows.",
        )
    raise UnknownChoiceError("data set", text, (*_NAMES, *dataset_names()))


def simulate(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=100, help="How many rows; as many as is usual by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 7,
    dataset: Annotated[str, typer.Option(help="Which data set's layout.", parser=_dataset, metavar=_KNOWN)] = _FIRST,
    truth: Annotated[
        Path | None, typer.Option(help="Where to write what only the simulator knows of positive rows: their kind, and more.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="A kind of positive rows to leave out; repeatable.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Rows of this day and later alone.", formats=["%Y-%m-%d"])] = None,
    until: Annotated[datetime | None, typer.Option(help="Rows of days before this one alone.", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Write simulated transactions or customers; `simulate traffic` sends them to a running service.

    Example: fusionguard simulate --rows 20000 --output transactions.csv
    """
    if context.invoked_subcommand is not None:
        return
    if output is None:
        raise UsageError("Where are the rows to go?", "Add --output FILE.csv, FILE.csv.gz or FILE.parquet.")
    from fusionguard.files import check_output
    from fusionguard.output import output_suffix, scratch_folder

    for file, what in ((output, "the rows"), (truth, "the truth")):
        if file is not None:
            output_suffix(file)
            check_output(file, what)
    if truth is not None and truth.resolve() == output.resolve():
        raise UsageError(f"The truth would overwrite the rows in '{output}'.", "Name another file for --truth.")
    chosen = [name for name, value in (("truth", truth), ("without", without), ("since", since), ("until", until)) if value]
    made_by = simulator(dataset)
    with scratch_folder(output) as scratch:
        if made_by is None:
            written = _write_published(dataset, rows, seed, chosen, output, scratch)
        else:
            wanted = Wanted(
                rows or made_by.usual_rows, seed, tuple(without or ()), since and since.date(), until and until.date()
            )
            written = _write_declared(dataset, wanted, output, truth, scratch)
    say(f"Wrote {written} (seed {seed}) to {output}{'' if truth is None else f', and the truth to {truth}'}.")


def _write_published(dataset: str, rows: int | None, seed: int, chosen: Sequence[str], output: Path, scratch: Path) -> str:
    """Write rows in the layout of a published file, of which nothing can be chosen; tell what was written."""
    from fusionguard.data.export import write_table
    from fusionguard.datasets.simulated import simulate as simulate_table

    if chosen:
        able = " and ".join(declared_names())
        raise UsageError(f"Rows of {dataset} have no --{chosen[0]}.", f"Leave it out; rows of {able} have one.")
    shipped = shipped_dataset(dataset)
    made = simulate_table(shipped.schema, rows or shipped.published_rows, seed, scratch / "raw.parquet")
    write_table(made, output)
    return f"{made.rows:,} SIMULATED {shipped.rows}"


def _write_declared(dataset: str, wanted: Wanted, output: Path, truth: Path | None, scratch: Path) -> str:
    """Write rows in the layout of a declaration, and what is true of them, where that is asked for; tell what was written."""
    from fusionguard.data.export import write_table
    from fusionguard.data.table import Table
    from fusionguard.datasets.simulated import simulate_declared

    told = scratch / "truth.parquet"
    made = simulate_declared(dataset, wanted, scratch / "raw.parquet", told)
    if truth is not None:
        write_table(Table(told), truth)
    write_table(made, output)
    return f"{made.rows:,} SIMULATED {_rows_are(dataset)}"


def _rows_are(dataset: str) -> str:
    return (simulator(dataset) or shipped_dataset(dataset)).rows


def traffic(
    model: Annotated[str, typer.Option("--model", "-m", help="Which model's rows.", parser=_dataset, metavar=_KNOWN)] = _FIRST,
    rows: Annotated[int, typer.Option(min=100, max=5_000_000, help="How many rows.")] = 20_000,
    drift: Annotated[str, typer.Option(help="What changes: none, covariate-shift, heavier-tail, new-pattern, ...")] = "none",
    size: Annotated[float | None, typer.Option(help="How much changes; each drift's usual size by default.")] = None,
    onset: Annotated[float, typer.Option(help="The share of the rows after which it changes.")] = 0.3,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same rows; where they go on, that of the training.")
    ] = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="How many rows came before, where models read those; what is usual by default.")
    ] = None,
    service: Annotated[str, typer.Option(help="The service's address.")] = "http://127.0.0.1:3000",
) -> None:
    """Let a running service score simulated rows, drifted or not, and tell it their outcomes; its key is FUSIONGUARD_API_KEY.

    Example: fusionguard simulate traffic --drift covariate-shift
    """
    from fusionguard.monitoring.traffic import Drift, Traffic, drive
    from fusionguard.monitoring.traffic.driver import KEY_VARIABLE

    if drift not in [kind.value for kind in Drift]:
        raise UnknownChoiceError("drift", drift, [kind.value for kind in Drift])
    sent = Traffic(model, rows=rows, drift=Drift(drift), size=size, onset=onset, seed=seed, after=after)
    report = drive(service, sent, key=os.environ.get(KEY_VARIABLE))
    what = f"drift {drift} of size {sent.drift_size:g} from {onset:.0%} on" if drift != "none" else "no drift"
    rows_are = _rows_are(model)
    say(f"Sent {report.rows:,} SIMULATED {rows_are} ({what}) and {report.labels:,} outcomes in {report.seconds:.1f} s.")
