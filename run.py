"""The front door: run a pipeline on a stack. ``python run.py --help`` says how."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from fusionguard.errors import FusionGuardError
    from pipelines.summary import Summary

_BEGIN = time.monotonic()

_EXAMPLES = """\
examples:
  python run.py --pipeline fraud --stack local --source simulated
  python run.py --pipeline fraud --source ~/data/creditcard.csv --summary run.json
  python run.py --pipeline fraud --engine spark --set xgboost.rounds=300 --set data.rows=50000
  python run.py --pipeline fraud --config my_settings.yaml --no-cache
  python run.py --dataset my_bank/declaration.yaml
  python run.py --pipeline monitoring --set model=churn --set window.hours=168 --set on_drift=retrain
"""


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit status: 0, 1 for a failure, 2 for a mistake in the command."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        return _fail("Interrupted: the run was stopped and left nothing half-written.", status=130)


def _run(options: argparse.Namespace) -> int:
    from fusionguard.errors import FusionGuardError, MissingExtraError
    from fusionguard.extras import require_extra
    from fusionguard.home import find_home
    from fusionguard.threads import wait_politely
    from fusionguard.verbose import be_verbose

    if options.verbose:
        be_verbose()
    wait_politely()
    try:
        require_extra("pipelines", "run.py")
    except MissingExtraError as error:
        return _fail(str(error), status=error.exit_status)
    from pipelines.catalog import find_pipeline
    from pipelines.failures import expected_failure
    from pipelines.interruption import Interrupted

    try:
        options.pipeline = options.pipeline or _problem(options.dataset)
        given = {"dataset": options.dataset, "source": options.source, "engine": options.engine}
        flags = find_pipeline(options.pipeline).assignments(given)
        from pipelines.runner import RunRequest, execute  # only now: a mistyped name need not wait for it

        request = RunRequest(
            pipeline=options.pipeline,
            stack=options.stack,
            config_files=tuple(options.config),
            assignments=(*flags, *options.set),
            cache=not options.no_cache,
            summary=options.summary,
            quiet=options.quiet,
            resume=options.resume,
        )
        summary = execute(request, find_home(), begin=_BEGIN)
        _show(summary, options)
        wanted = summary.report.follow_up()
        if wanted is not None:
            if not options.quiet:
                sys.stdout.write(f"\nThen    {wanted.why}\n")
                sys.stdout.flush()
            follower = replace(
                request,
                pipeline=wanted.pipeline,
                assignments=wanted.assignments,
                config_files=wanted.config_files,
                summary=None,
                resume=None,
                asked_by=f"{summary.zenml_run}: {wanted.why}",
            )
            then = execute(follower, find_home())
            _show(then, options)
            if options.summary is not None:
                summary.model_copy(update={"then": then}).write(options.summary)
    except Interrupted as stop:
        return _fail(f"{stop}: the run was stopped and left nothing half-written.", status=stop.exit_status)
    except FusionGuardError as error:
        return _refuse(error, options.dataset)
    except Exception as error:
        failure = expected_failure(error)
        if failure is None:
            raise  # a bug: show all of it
        return _refuse(failure, options.dataset)
    return 0


def _problem(dataset: str | None) -> str:
    """Return the pipeline of a data set, where nobody names one."""
    if dataset is None:
        return "fraud"
    from fusionguard.datasets.catalog import find_dataset
    from fusionguard.families.catalog import family_names

    return find_dataset(dataset, family_names()).declaration.problem


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with 2, and name the option that was probably meant."""
        from fusionguard.errors import did_you_mean

        known = [option for action in self._actions for option in action.option_strings]
        given = [word.partition("=")[0] for word in message.split() if word.startswith("--")]
        near = did_you_mean(given[0], known) if given and given[0] not in known else ""
        super().error(f"{message}. {near}".strip() if near else message)


def _show(summary: Summary, options: argparse.Namespace) -> None:
    if not options.quiet:
        from pipelines.summary import print_summary

        print_summary(summary)


def _parser() -> argparse.ArgumentParser:
    here = Path(__file__).resolve().parent
    pipelines, stacks = (
        ", ".join(sorted(file.stem for file in (here / name).glob("*.yaml") if "." not in file.stem))
        for name in ("pipelines", "stacks")
    )
    parser = _Parser(
        prog="run.py",
        description="Run a FusionGuard pipeline: from raw data to a gated model, or from what a service answered to a verdict.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--pipeline", metavar="NAME", help=f"what to run: {pipelines} (default: what the data set is about, else fraud)")
    add(
        "--dataset", metavar="NAME|FILE.yaml", help="the data set: one that ships, or a declaration (default: the pipeline's own)"
    )
    add("--stack", metavar="NAME", default="local", help=f"where to run it: {stacks} (default: %(default)s)")
    add(
        "--source",
        metavar="SOURCE",
        help="what a training reads: auto, kaggle, simulated, or a file or folder in the data set's layout (default: auto)",
    )
    add("--engine", metavar="ENGINE", help="what builds features or counts a log: duckdb or spark (default: duckdb)")
    add("--config", metavar="FILE", type=Path, action="append", default=[], help="a YAML file with settings; the last one wins")
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="one setting, such as data.rows=20000; repeatable, wins over files",
    )
    add("--no-cache", action="store_true", help="run every step, whatever earlier runs have left (default: use it)")
    add("--resume", metavar="RUN", help="go on with a run whose process died: watch its jobs, reuse what it finished")
    add("--summary", metavar="FILE.json", type=Path, help="write the run's summary there as JSON")
    add("--quiet", action="store_true", help="print nothing unless it fails")
    add("--verbose", action="store_true", help="show what libraries log, too: ZenML, MLflow, Great Expectations and others")
    return parser


def _refuse(error: FusionGuardError, dataset: str | None = None) -> int:
    """Say what was wrong in one line; of a declaration, and of a table that is not what it declares, each fault in its own."""
    from fusionguard.datasets.faults import ContradictionError, DeclarationError
    from fusionguard.datasets.reading import FILE_NAME

    if isinstance(error, ContradictionError) and error.file == FILE_NAME and Path(dataset or "").is_file():
        # A step reads a declaration's text, which is what its result is kept by, and so does not know the file.
        error = ContradictionError(Path(str(dataset)).name, error.faults)
    faults = isinstance(error, ContradictionError | DeclarationError)
    return _fail(*(str(error).splitlines() if faults else [str(error)]), status=error.exit_status)


def _fail(*lines: str, status: int) -> int:
    sys.stderr.write("".join(" ".join(line.split()) + "\n" for line in lines))
    return status


if __name__ == "__main__":
    from fusionguard.garbage import collect_seldom, leave

    collect_seldom()
    leave(main())
