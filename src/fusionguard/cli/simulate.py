"""``fusionguard simulate``: data and traffic that nobody had to wait for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.datasets.shipped import dataset_names, other_names, shipped_dataset
from fusionguard.errors import UnknownChoiceError, UsageError

_NAMES = tuple(other_names())
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
    if name in dataset_names():
        return name
    from fusionguard.home import find_home
    from fusionguard.registry.model_names import model_names

    if Path(text).suffix in (".yaml", ".yml") or "/" in text or text in model_names(find_home()):
        raise UsageError(
            f"'{text}' is a declared data set, and nobody has written a simulator of its rows.",
            f"Simulate {' or '.join(_NAMES)}, or use the data set's own rows.",
        )
    raise UnknownChoiceError("data set", text, (*_NAMES, *dataset_names()))


def simulate(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=100, help="How many rows; as many as the published file by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 7,
    dataset: Annotated[str, typer.Option(help="Which data set's layout.", parser=_dataset, metavar=_KNOWN)] = _FIRST,
) -> None:
    """Write simulated transactions or customers in Kaggle's layout; `simulate traffic` sends them to a running service.

    Example: fusionguard simulate --rows 20000 --output transactions.csv
    """
    if context.invoked_subcommand is not None:
        return
    if output is None:
        raise UsageError("Where are the rows to go?", "Add --output FILE.csv, FILE.csv.gz or FILE.parquet.")
    from fusionguard.data.export import write_table
    from fusionguard.datasets.simulated import simulate as simulate_table
    from fusionguard.files import check_output
    from fusionguard.output import output_suffix, scratch_folder

    output_suffix(output)
    check_output(output, "the rows")
    shipped = shipped_dataset(dataset)
    count = rows or shipped.published_rows
    with scratch_folder(output) as scratch:
        write_table(simulate_table(shipped.schema, count, seed, scratch / "raw.parquet"), output)
    say(f"Wrote {count:,} SIMULATED {shipped.rows} (seed {seed}) to {output}.")


def traffic(
    model: Annotated[str, typer.Option("--model", "-m", help="Which model's rows.", parser=_dataset, metavar=_KNOWN)] = _FIRST,
    rows: Annotated[int, typer.Option(min=100, max=5_000_000, help="How many rows.")] = 20_000,
    drift: Annotated[str, typer.Option(help="What changes: none, covariate-shift, heavier-tail, new-pattern, ...")] = "none",
    size: Annotated[float | None, typer.Option(help="How much changes; each drift's usual size by default.")] = None,
    onset: Annotated[float, typer.Option(help="The share of the rows after which it changes.")] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 11,
    service: Annotated[str, typer.Option(help="The service's address.")] = "http://127.0.0.1:3000",
) -> None:
    """Let a running service score simulated rows, drifted or not, and tell it their outcomes; its key is FUSIONGUARD_API_KEY.

    Example: fusionguard simulate traffic --drift covariate-shift
    """
    from fusionguard.monitoring.traffic import Drift, Traffic, drive
    from fusionguard.monitoring.traffic.driver import KEY_VARIABLE

    if drift not in [kind.value for kind in Drift]:
        raise UnknownChoiceError("drift", drift, [kind.value for kind in Drift])
    sent = Traffic(model, rows=rows, drift=Drift(drift), size=size, onset=onset, seed=seed)
    report = drive(service, sent, key=os.environ.get(KEY_VARIABLE))
    what = f"drift {drift} of size {sent.drift_size:g} from {onset:.0%} on" if drift != "none" else "no drift"
    rows_are = shipped_dataset(model).rows
    say(f"Sent {report.rows:,} SIMULATED {rows_are} ({what}) and {report.labels:,} outcomes in {report.seconds:.1f} s.")
