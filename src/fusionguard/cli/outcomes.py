"""``fusionguard outcomes``: what became of logged rows, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.home import find_home


def outcomes(
    file: Annotated[Path, typer.Argument(help="A CSV file: request_id, row, the outcome, and observed_at where it is known.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Whose rows they are: a model, or its data set; NAME@3 for a version of it.")
    ],
    log: Annotated[
        Path | None, typer.Option(help="The folder of the prediction log; that of the services here by default.")
    ] = None,
) -> None:
    """Tell the prediction log what became of rows that were scored, in the words of their data set, such as Y and N.

    Where a service remembers earlier rows, later ones see these outcomes, too.

    The outcome's column is called as in the table, or label. All of a file is stored or nothing; the same again changes nothing.
    Outcomes of rows that the log does not hold are stored, too, and counted.

    Example: fusionguard outcomes chargebacks.csv --model NAME
    """
    from fusionguard.monitoring.champion import find_champion
    from fusionguard.monitoring.outcome_file import read_outcome_file
    from fusionguard.serving.prediction_log import append_labels, count_unlogged
    from fusionguard.serving.states import tell_outcomes

    home = find_home()
    family = find_champion(home, model).family
    read = read_outcome_file(file, family)
    folder = home.predictions if log is None else log.expanduser()
    receipt = append_labels(folder, family, read.labels)
    tell_outcomes(home.online, family, read.labels)
    left = f"; {read.unknown:,} rows have none yet" if read.unknown else ""
    say(f"Stored {receipt.stored:,} outcomes of {family.model}, {receipt.repeated:,} were known already{left}.")
    if unlogged := count_unlogged(folder, family, [each[:2] for each in read.labels]):
        say(f"{unlogged:,} are of rows that this log does not hold: check request_id and row, unless they are in another log.")
