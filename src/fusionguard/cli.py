"""The ``fusionguard`` command: what needs no pipeline. Heavy imports wait until a command needs them."""

from __future__ import annotations

import errno
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from fusionguard import __version__
from fusionguard.errors import FusionGuardError, UnknownChoiceError, UsageError
from fusionguard.home import Home, find_home
from fusionguard.threads import wait_politely

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="fusionguard",
    help="Card-fraud detection and churn risk: simulate data, score transactions or customers, see what is installed.",
    epilog="Training is `python run.py --pipeline fraud` or `--pipeline churn`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Dataset(StrEnum):
    """The data sets that can be simulated."""

    FRAUD = "fraud"
    CHURN = "churn"

    @classmethod
    def read(cls, text: str) -> Dataset:
        """Return the data set called ``text``; raise :class:`UnknownChoiceError` otherwise."""
        known = [kind.value for kind in cls]
        if text not in known:
            raise UnknownChoiceError("data set", text, known)
        return cls(text)

    @property
    def published_rows(self) -> int:
        """How many rows the published file has."""
        return {"fraud": 284_807, "churn": 10_000}[self.value]

    @property
    def rows_are(self) -> str:
        """What a row stands for, in the plural."""
        return {"fraud": "transactions", "churn": "customers"}[self.value]


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and its exit status, never a traceback."""
    wait_politely()
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except FusionGuardError as error:
        _say(f"fusionguard: {error}")
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            _say(f"fusionguard: The name '{str(error.filename)[:40]}...' is too long for the file system. Choose a shorter one.")
        elif error.errno == errno.EACCES and error.filename:  # a folder above it may not even be looked into
            _say(f"fusionguard: You may not use '{error.filename}'. Change its permissions, or ask its owner to.")
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


simulate_app = typer.Typer(invoke_without_command=True, help="Write simulated data, or send simulated traffic to a service.")
app.add_typer(simulate_app, name="simulate")


@simulate_app.callback()
def simulate(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=100, help="How many rows; as many as the published file by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 7,
    dataset: Annotated[
        Dataset, typer.Option(help="Which data set's layout.", parser=Dataset.read, metavar="fraud|churn")
    ] = Dataset.FRAUD,
) -> None:
    """Write simulated transactions or customers in Kaggle's layout; `simulate traffic` sends them to a running service.

    Example: fusionguard simulate --rows 20000 --output transactions.csv
    """
    if context.invoked_subcommand is not None:
        return
    if output is None:
        raise UsageError("Where are the rows to go?", "Add --output FILE.csv, FILE.csv.gz or FILE.parquet.")
    from fusionguard.data.export import write_table
    from fusionguard.data.schema import dataset_schema
    from fusionguard.data.simulator import simulate as simulate_table
    from fusionguard.files import check_output
    from fusionguard.output import output_suffix, scratch_folder

    output_suffix(output)
    check_output(output, "the rows")
    count = rows or dataset.published_rows
    with scratch_folder(output) as scratch:
        write_table(simulate_table(dataset_schema(dataset.value), count, seed, scratch / "raw.parquet"), output)
    _say(f"Wrote {count:,} SIMULATED {dataset.rows_are} (seed {seed}) to {output}.")


@simulate_app.command()
def traffic(
    model: Annotated[
        Dataset, typer.Option("--model", "-m", help="Which model's rows.", parser=Dataset.read, metavar="fraud|churn")
    ] = Dataset.FRAUD,
    rows: Annotated[int, typer.Option(min=100, max=5_000_000, help="How many rows.")] = 20_000,
    drift: Annotated[str, typer.Option(help="What changes: none, covariate-shift, heavier-tail, new-pattern, ...")] = "none",
    size: Annotated[float | None, typer.Option(help="How much changes; each drift's usual size by default.")] = None,
    onset: Annotated[float, typer.Option(help="The share of the rows after which it changes.")] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 11,
    service: Annotated[str, typer.Option(help="The service's address.")] = "http://127.0.0.1:3000",
) -> None:
    """Let a running service score simulated rows, drifted or not, and tell it their outcomes; its key is FUSIONGUARD_API_KEY.

    Example: fusionguard simulate traffic --model fraud --drift covariate-shift
    """
    from fusionguard.monitoring.traffic import Drift, Traffic, drive
    from fusionguard.monitoring.traffic.driver import KEY_VARIABLE

    if drift not in [kind.value for kind in Drift]:
        raise UnknownChoiceError("drift", drift, [kind.value for kind in Drift])
    sent = Traffic(model.value, rows=rows, drift=Drift(drift), size=size, onset=onset, seed=seed)
    report = drive(service, sent, key=os.environ.get(KEY_VARIABLE))
    what = f"drift {drift} of size {sent.drift_size:g} from {onset:.0%} on" if drift != "none" else "no drift"
    _say(f"Sent {report.rows:,} SIMULATED {model.rows_are} ({what}) and {report.labels:,} outcomes in {report.seconds:.1f} s.")


@app.command()
def score(
    model: Annotated[str, typer.Option("--model", "-m", help="A bundle's folder, or fraud@champion, churn@champion, fraud@3.")],
    input_file: Annotated[Path, typer.Option("--input", "-i", help="What to score, in Kaggle's layout, CSV or parquet.")],
    output_file: Annotated[Path, typer.Option("--output", "-o", help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")],
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="A column of the input that the output gets, too; no model reads it."),
    ] = None,
) -> None:
    """Score transactions or customers: score, calibrated probability, decision, what it is worth, reasons, model version.

    Example: fusionguard score --model fraud@champion --input transactions.csv --output scores.csv
    """
    from fusionguard.files import check_output
    from fusionguard.output import output_suffix
    from fusionguard.registry.aliases import resolve_bundle

    output_suffix(output_file)
    if id_column == "":
        raise UsageError("--id names no column.", "Name one of the input, or leave --id out.")
    check_output(output_file, "the scores")
    bundle = resolve_bundle(find_home(), model)

    from fusionguard.models.family import model_family
    from fusionguard.scoring import score_file

    family = model_family(bundle.manifest.model)
    loaded, things = family.load(bundle), family.features.rows
    if bundle.manifest.origin == "simulated":
        _say(f"Model {loaded.version} was trained on SIMULATED data: its scores say nothing about real {things}.")
    summary = score_file(loaded, input_file, output_file, id_column)
    if summary.ambiguous_ids:
        _say(f"{summary.ambiguous_ids:,} rows have an empty id or one that another row has, too: tell them apart by 'row'.")
    flagged = f"{summary.flagged:,} {family.flagged_rows_are}"
    _say(f"Scored {summary.rows:,} {things}, {flagged}, with model {loaded.version}: {output_file}")


@app.command()
def release(
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="What answers: fraud@champion, churn@3, a bundle's folder.")
    ] = None,
    shadow: Annotated[list[str] | None, typer.Option("--shadow", help="A challenger to be scored too, and only logged.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The folder to write; the one `serve` reads.")] = None,
) -> None:
    """Write the models a service answers with: the champions as they are now, or those you name.

    A service that runs takes them over without a pause: kill -HUP its process.

    Example: fusionguard release --model fraud@3 --shadow fraud@challenger
    """
    from fusionguard.serving.launch import release_folder
    from fusionguard.serving.release import check_place

    home = find_home()
    if output is not None:
        check_place(output)
    _write_release(home, output or release_folder(home), model, shadow)


def _write_release(home: Home, folder: Path, models: list[str] | None, shadows: list[str] | None) -> None:
    from fusionguard.serving.resolve import make_release

    for about in make_release(home, folder, models=models or (), challengers=shadows or ()):
        number = f" (version {about.registered_version})" if about.registered_version is not None else ""
        _say(f"{about.model} {about.role}: {about.bundle_sha256[:12]}{number}")
    _say(f"Wrote {folder}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 3000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    keys: Annotated[Path | None, typer.Option(help="The file of API keys, as `fusionguard key` writes it.")] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="What answers; the champions of now by default.")
    ] = None,
    shadow: Annotated[list[str] | None, typer.Option("--shadow", help="A challenger to be scored too, and only logged.")] = None,
) -> None:
    """Answer over HTTP until Ctrl-C: scores, decisions and reasons, each logged. Its pages are at /docs.

    Several services may run at once. Those that are told no --model and no --shadow share the release that promotions renew.

    Example: fusionguard serve --port 3000
    """
    from fusionguard.serving.launch import become, release_folder, serve_command

    home = find_home()
    named = bool(model or shadow)
    ready = os.environ.get("FUSIONGUARD_SERVE_RELEASE")
    if named and ready:
        raise UsageError("FUSIONGUARD_SERVE_RELEASE already says what answers.", "Unset it, or leave out --model and --shadow.")
    folder = release_folder(home, port if named else None)
    command, environment = serve_command(
        home, release=folder, host=host, port=port, workers=workers, keys=keys, environment=os.environ
    )
    if not ready:
        _write_release(home, folder, model, shadow)
    _say(f"FusionGuard answers on http://{host}:{port}/docs in some seconds (Ctrl-C ends it)")
    become(command, environment)


@app.command()
def assistant(
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 3001,
    keys: Annotated[Path | None, typer.Option(help="The file of API keys, as `fusionguard key` writes it.")] = None,
    model: Annotated[Path | None, typer.Option("--model", help="A language model as a GGUF file; none is needed.")] = None,
) -> None:
    """Open the console and the assistant until Ctrl-C: questions, monitoring, models, a form to score with.

    The index of what it knows is brought up to date first. Elsewhere than on loopback the console asks for a key, too.

    Example: fusionguard assistant --port 3001
    """
    from fusionguard.assistant.http.launch import assistant_command
    from fusionguard.assistant.index import build_index
    from fusionguard.serving.launch import become

    home = find_home()
    command, environment = assistant_command(home, host=host, port=port, keys=keys, model=model, environment=os.environ)
    if "FUSIONGUARD_ASSISTANT_INDEX" not in os.environ:
        _say(build_index(home).sentence())
    _say(f"The console opens on http://{host}:{port}/console/ in some seconds (Ctrl-C ends it)")
    become(command, environment)


@app.command()
def index(
    docs: Annotated[Path | None, typer.Option(help="The documents' folder; that of the checkout by default.")] = None,
) -> None:
    """Build what the assistant knows: documents, model cards, the latest runs and monitoring verdicts. What is there is kept.

    What holds personal data or secrets is refused and named. With the embedding model (make setup-llm) a first build takes a
    minute or so.

    Example: fusionguard index
    """
    from fusionguard.assistant.index import build_index

    report = build_index(find_home(), docs=docs)
    for note in report.notes:
        _say(note)
    for refused in report.refused:
        _say(f"Refused: {refused.file}, '{refused.heading}' holds personal data or a secret ({refused.kind}).")
    _say(report.sentence())
    typer.echo(report.file)


@app.command()
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

    Example: fusionguard bento --model fraud@3
    """
    from fusionguard.serving.bento import build_bento

    built = build_bento(find_home(), models=model or (), challengers=shadow or (), base_digest=base_digest)
    for about in built.models:
        _say(f"{about.model} {about.role}: {about.bundle_sha256[:12]}, trained on {about.origin} data")
    if built.simulated:
        _say("A model in it was trained on SIMULATED data: its scores say nothing about real customers.")
    typer.echo(built.tag)
    _say(f"An image of it: docker build --file {built.folder}/env/docker/Dockerfile {built.folder}")


@app.command()
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
        _say(f"Removed {remove_keys(keys, name, but_newest=remove_old)} of '{name}' from {keys}")
        return
    typer.echo(add_key(keys, name))
    _say(f"Its SHA-256 is in {keys}; the key itself is shown only here.")


@app.command()
def clean(
    names: Annotated[
        list[str] | None, typer.Argument(help="What else goes, as a whole: predictions, outcomes, registry, releases.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")] = False,
    keep_runs: Annotated[int | None, typer.Option(min=0, help="Keep so many runs of each pipeline.")] = None,
    keep_days: Annotated[float | None, typer.Option(min=0, help="Keep no run that is older.")] = None,
) -> None:
    """Show and remove what is beyond its retention: artifacts, reports, tables and left-overs that can be made again.

    Settings `keep` of each pipeline say what is kept. Champions and what they need always stay.

    Example: fusionguard clean --dry-run
    """
    from fusionguard.serving.launch import become

    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "run.py").is_file():
        raise UsageError("Only a checkout of FusionGuard runs pipelines and can clean up after them.", "Run it in the checkout.")
    options = [f"--keep-runs={keep_runs}"] if keep_runs is not None else []
    options += [f"--keep-days={keep_days}"] if keep_days is not None else []
    options += ["--dry-run"] if dry_run else []
    path = os.pathsep.join([str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "pipelines.clean", *options, "--", *(names or ())]
    become(command, {**os.environ, "PYTHONPATH": path, "FUSIONGUARD_HOME": str(find_home().root)})


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing and what to do. Exits with 0 when the embedded default works."""
    from fusionguard.assistant.doctor import examine_assistant
    from fusionguard.doctor import Status, default_works, examine

    home = find_home()
    findings = [*examine(home), *examine_assistant(home)]
    signs = {Status.OK: "ok", Status.ABSENT: "-", Status.BROKEN: "BROKEN"}
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        remedy = f"  -> {finding.remedy}" if finding.remedy else ""
        typer.echo(f"{signs[finding.status]:6}  {finding.name:{width}}  {finding.detail}{remedy}")
    works = default_works(findings)
    typer.echo(
        "The embedded default works: make fraud, make churn"
        if works
        else "The embedded default does not work: see the lines marked BROKEN."
    )
    raise typer.Exit(0 if works else 1)


@app.command()
def mlflow(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port; 5000 or a free one by default.")] = None,
) -> None:
    """Open MLflow's pages on loopback until Ctrl-C: runs, metrics, plots and registered models."""
    from fusionguard.registry.server import serve_pages

    _say("Starting MLflow's server, which takes about 10 seconds.")
    serve_pages(find_home(), lambda address: typer.echo(f"MLflow: {address} (Ctrl-C ends it)"), port)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _say(line: str) -> None:
    typer.echo(line, err=True)
