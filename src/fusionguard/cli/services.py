"""Commands that answer until Ctrl-C, ``serve``, ``assistant`` and ``mlflow``, and what those need: ``index`` and ``key``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from fusionguard.cli.say import say
from fusionguard.errors import UsageError
from fusionguard.extras import require_extra
from fusionguard.home import find_home

LogFormat = Literal["text", "json"]


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 3000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    keys: Annotated[Path | None, typer.Option(help="The file of API keys, as `fusionguard key` writes it.")] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="What answers; the champions of now by default.")
    ] = None,
    shadow: Annotated[list[str] | None, typer.Option("--shadow", help="A challenger to be scored too, and only logged.")] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="What the service writes: lines of text, or JSON.")] = None,
) -> None:
    """Answer over HTTP until Ctrl-C: scores, decisions and reasons, each logged. Its pages are at /docs.

    A start that fails says why in one line, and leaves the release as it was. Several services may run at once. Those that are
    told no --model and no --shadow share the release that promotions renew.

    Example: fusionguard serve --port 3000
    """
    from fusionguard.serving.launch import become, rehearse, release_folder, serve_command
    from fusionguard.serving.logs import one_line_errors, wanted_format
    from fusionguard.serving.resolve import renew_release
    from fusionguard.serving.settings import read_settings

    home = find_home()
    named = bool(model or shadow)
    ready = os.environ.get("FUSIONGUARD_SERVE_RELEASE")
    with one_line_errors(log_format or wanted_format("FUSIONGUARD_SERVE_LOG_FORMAT")):
        if named and ready:
            raise UsageError(
                "FUSIONGUARD_SERVE_RELEASE already says what answers.", "Unset it, or leave out --model and --shadow."
            )
        folder = release_folder(home, port if named else None)
        command, environment = serve_command(
            home,
            release=folder,
            host=host,
            port=port,
            workers=workers,
            keys=keys,
            environment=os.environ,
            log_format=log_format,
        )
        if not ready:
            check = partial(rehearse, read_settings(environment))
            renew_release(home, folder, check, models=model or (), challengers=shadow or ())
    become(command, environment)


def assistant(
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 3001,
    keys: Annotated[Path | None, typer.Option(help="The file of API keys, as `fusionguard key` writes it.")] = None,
    model: Annotated[Path | None, typer.Option("--model", help="A language model as a GGUF file; none is needed.")] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="What the service writes: lines of text, or JSON.")] = None,
) -> None:
    """Open the console and the assistant until Ctrl-C: questions, monitoring, models, a form to score with.

    The index of what it knows is brought up to date first. Elsewhere than on loopback the console asks for a key, too.

    Example: fusionguard assistant --port 3001
    """
    from fusionguard.serving.logs import one_line_errors, wanted_format

    form = log_format or wanted_format("FUSIONGUARD_CONSOLE_LOG_FORMAT")
    with one_line_errors(form):
        require_extra("assistant", "The assistant")
        from fusionguard.assistant.http.launch import assistant_command
        from fusionguard.assistant.index import build_index
        from fusionguard.serving.launch import become

        home = find_home()
        command, environment = assistant_command(
            home, host=host, port=port, keys=keys, model=model, environment=os.environ, log_format=log_format
        )
        if "FUSIONGUARD_ASSISTANT_INDEX" not in os.environ:
            report = build_index(home)
            if form == "text" and (report.added or report.removed):
                say(report.sentence())
    become(command, environment)


def index(
    docs: Annotated[Path | None, typer.Option(help="The documents' folder; that of the checkout by default.")] = None,
) -> None:
    """Build what the assistant knows: documents, model cards, the latest runs and monitoring verdicts. What is there is kept.

    What holds personal data or secrets is refused and named. With the embedding model (make setup-llm) a first build takes a
    minute or so.

    Example: fusionguard index
    """
    require_extra("assistant", "The assistant")
    from fusionguard.assistant.index import build_index

    report = build_index(find_home(), docs=docs)
    for note in report.notes:
        say(note)
    for refused in report.refused:
        say(f"Refused: {refused.file}, '{refused.heading}' holds personal data or a secret ({refused.kind}).")
    say(report.sentence())
    typer.echo(report.file)


def key(
    name: Annotated[str, typer.Argument(help="Who gets the key: a program or a team.")],
    keys: Annotated[Path, typer.Option("--keys", help="The file of keys; made where there is none.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove the keys of that name.")] = False,
    remove_old: Annotated[bool, typer.Option("--remove-old", help="Remove the keys of that name but the newest.")] = False,
) -> None:
    """Make an API key, or remove one. The key is shown once; the file holds its SHA-256.

    To replace one: make another of the same name, hand it out, then use --remove-old. A service takes the file over on SIGHUP.

    Example: fusionguard key mobile-app --keys keys.json
    """
    from fusionguard.serving.keys import add_key, remove_keys

    if remove or remove_old:
        say(f"Removed {remove_keys(keys, name, but_newest=remove_old)} of '{name}' from {keys}")
        return
    typer.echo(add_key(keys, name))
    say(f"Its SHA-256 is in {keys}; the key itself is shown only here.")


def mlflow(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port; 5000 or a free one by default.")] = None,
) -> None:
    """Open MLflow's pages on loopback until Ctrl-C: runs, metrics, plots and registered models."""
    require_extra("registry", "This command")
    from fusionguard.registry.server import serve_pages

    say("Starting MLflow's server, which takes about 10 seconds.")
    serve_pages(find_home(), lambda address: typer.echo(f"MLflow: {address} (Ctrl-C ends it)"), port)
