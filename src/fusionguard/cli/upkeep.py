"""Commands about the installation itself: ``clean`` frees what it no longer needs, ``doctor`` says what it lacks."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from fusionguard.errors import UsageError
from fusionguard.extras import require_extra
from fusionguard.families.catalog import family_names
from fusionguard.home import find_checkout, find_home


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

    checkout = find_checkout()
    if checkout is None:
        raise UsageError("Only a checkout of FusionGuard runs pipelines and can clean up after them.", "Run it in the checkout.")
    require_extra("pipelines", "Cleaning up after pipelines")
    options = [f"--keep-runs={keep_runs}"] if keep_runs is not None else []
    options += [f"--keep-days={keep_days}"] if keep_days is not None else []
    options += ["--dry-run"] if dry_run else []
    path = os.pathsep.join([str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "pipelines.clean", *options, "--", *(names or ())]
    become(command, {**os.environ, "PYTHONPATH": path, "FUSIONGUARD_HOME": str(find_home().root)})


def doctor() -> None:
    """Say what is installed, what is missing and what to do. Exits with 0 when what is installed works."""
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
    checkout = find_checkout() is not None
    what = "The embedded default" if checkout else "Scoring"
    commands = ", ".join(f"make {name}" for name in family_names()) if checkout else "fusionguard score, fusionguard serve"
    typer.echo(f"{what} works: {commands}" if works else f"{what} does not work: see the lines marked BROKEN.")
    raise typer.Exit(0 if works else 1)
