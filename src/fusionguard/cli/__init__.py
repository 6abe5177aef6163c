"""The ``fusionguard`` command: what needs no pipeline. Heavy imports wait until a command needs them."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated, Any

import typer

from fusionguard import __version__
from fusionguard.cli.datasets import inspect as inspect_table
from fusionguard.cli.models import bento, release, score
from fusionguard.cli.outcomes import outcomes
from fusionguard.cli.registered import models
from fusionguard.cli.say import say
from fusionguard.cli.services import assistant, index, key, mlflow, serve
from fusionguard.cli.simulate import simulate, traffic
from fusionguard.cli.states import build, check, prune
from fusionguard.cli.upkeep import clean, doctor
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.families.catalog import OF_WHOM, WHAT_FOR
from fusionguard.library_logs import LibraryLogs, hear_libraries
from fusionguard.threads import wait_politely
from fusionguard.verbose import be_verbose

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and its exit status, never a traceback."""
    wait_politely()
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        with LibraryLogs(say, own=True):
            app()
    except FusionGuardError as error:
        say(f"fusionguard: {error}")
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            say(f"fusionguard: The name '{str(error.filename)[:40]}...' is too long for the file system. Choose a shorter one.")
        elif error.errno == errno.EACCES and error.filename:  # a folder above it may not even be looked into
            say(f"fusionguard: You may not use '{error.filename}'. Change its permissions, or ask its owner to.")
        else:
            raise
        sys.exit(UsageError.exit_status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _stop(number: int, frame: FrameType | None) -> None:
    """Answer the first Ctrl-C at once, and tidy up; a second one does not wait for that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.write(2, b"\nfusionguard: stopping; nothing half-written is left (Ctrl-C again ends it at once)\n")
    raise KeyboardInterrupt


def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _verbosely(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take ``--verbose``, which its function need not know; it may stand before a command as well as after it."""
    signature = inspect.signature(command, eval_str=True)
    option = Annotated[bool, typer.Option("--verbose", help="Show what libraries log, too, and where an error was.")]
    verbose = inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)

    @functools.wraps(command)
    def heard(*arguments: Any, verbose: bool, **options: Any) -> None:
        if verbose:
            be_verbose()
            hear_libraries()
        command(*arguments, **options)

    parameters = [*signature.parameters.values(), verbose]
    vars(heard)["__signature__"] = signature.replace(parameters=parameters)
    heard.__annotations__ = {each.name: each.annotation for each in parameters}
    return heard


def _make_app() -> typer.Typer:
    """Return the command line; ``--help`` lists the commands in this order."""
    made = typer.Typer(
        name="fusionguard",
        help=f"{WHAT_FOR}: simulate data, score {OF_WHOM}, see what is installed.",
        epilog="Training is `python run.py --dataset NAME|FILE.yaml`: a data set that ships, or the declaration of one.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain text: the library that draws boxes takes longer to load than all else
    )
    made.callback(invoke_without_command=True)(_verbosely(_version))
    for command in (inspect_table, score, models, release, serve, outcomes, assistant, index, bento, key, clean, doctor, mlflow):
        made.command(help=_help(command), short_help=_summary(command))(_verbosely(command))
    simulations = typer.Typer(
        invoke_without_command=True,
        help="Write simulated data, or send simulated traffic to a service.",
        rich_markup_mode=None,
    )
    simulations.callback()(_verbosely(simulate))
    simulations.command(help=_help(traffic), short_help=_summary(traffic))(_verbosely(traffic))
    made.add_typer(simulations, name="simulate")
    states = typer.Typer(
        no_args_is_help=True,
        help="Make, check or prune what a service remembers of earlier rows, for models that read what happened before.",
        rich_markup_mode=None,
    )
    for of_states in (build, check, prune):
        states.command(help=_help(of_states), short_help=_summary(of_states))(of_states)
    made.add_typer(states, name="state")
    return made


def _help(command: Callable[..., None]) -> str:
    """Return what a command says of itself."""
    return inspect.cleandoc(command.__doc__ or "")


def _summary(command: Callable[..., None]) -> str:
    """Return the first paragraph of what a command says of itself, which would be cut at the end of a line otherwise."""
    return " ".join(inspect.cleandoc(command.__doc__ or "").partition("\n\n")[0].split())


app = _make_app()
