"""The sections about whole pipeline runs: what one takes, what it is held against, and how it grows."""

from __future__ import annotations

from benchmarks.markdown import numbers, table
from benchmarks.measure import Measurement
from benchmarks.pipeline_run import TARGETS, MeasuredRun, PipelineRun

_ROWS = {"fraud": "transactions", "churn": "customers"}
_TO = {"fraud": "to the model card", "churn": "to the model card, the business insights and the contact list"}


def run_section(run: MeasuredRun, *, full_size: bool, cores: int) -> str:
    """Return the section about one pipeline: cold, cached, its imports, the verdict, and each step."""
    cold, beyond = run.cold.took, run.beyond_imports
    rows = [
        ("cold: nothing made yet", *numbers(cold)),
        ("imports only", *numbers(run.imports)),
        ("**beyond what imports take**", *(f"**{number}**" for number in numbers(beyond))),
        (f"the same command again: {_cached(run.cached)}", *numbers(run.cached.took)),
    ]
    verdict = _verdict(run, cores) if full_size else "The target is for the full size, so it is not judged here."
    command = "python run.py" if run.pipeline == "fraud" else f"python run.py --pipeline {run.pipeline}"
    return (
        f"## The {run.pipeline} run\n\n"
        f"`{command} --source simulated` with {run.cold.rows:,} {_ROWS[run.pipeline]}, from simulating them {_TO[run.pipeline]},"
        " as one process with a home and a ZenML store of its own.\n\n"
        f"{table(('', 'seconds', 'peak MB'), rows)}\n\n"
        f"{verdict} Imports are the {run.modules:,} modules that this very run had loaded when it ended.\n\n"
        f"{_steps(run)}"
    )


def _verdict(run: MeasuredRun, cores: int) -> str:
    target, beyond = TARGETS[run.pipeline], run.beyond_imports
    memory = "" if target.peak_mb is None else f" and {target.peak_mb:,.0f} MB"
    said = "Met" if target.met_by(beyond) else "Missed"
    return (
        f"Target on 2 cores: at most {target.seconds:.0f} s{memory} beyond imports. {said}: {beyond.seconds:.1f} s and"
        f" {beyond.peak_mb:,.0f} MB on {cores} cores."
    )


def _steps(run: MeasuredRun) -> str:
    cached = {step.name: step for step in run.cached.steps}
    rows = [
        (step.name, f"{step.seconds:.1f}", "cached" if cached[step.name].cached else f"{cached[step.name].seconds:.1f}")
        for step in run.cold.steps
    ]
    outside = [f"{each.outside_steps_seconds:.1f}" for each in (run.cold, run.cached)]
    in_all = [f"{each.took.seconds:.1f}" for each in (run.cold, run.cached)]
    rows += [("outside the steps", outside[0], outside[1]), ("**in all**", f"**{in_all[0]}**", f"**{in_all[1]}**")]
    return (
        f"{table(('step', 'cold, seconds', 'again, seconds'), rows)}\n\n"
        "A step's time includes the libraries that it is the first to load. Outside the steps: Python's start, imports,"
        " new databases, compiling the pipeline, and the summary."
    )


def _cached(run: PipelineRun) -> str:
    return f"{sum(step.cached for step in run.steps)} of {len(run.steps)} steps cached"


def plain_script_section(run: MeasuredRun, plain: Measurement) -> str:
    """Return the section that holds the fraud run against the usual script."""
    cold = run.cold.took
    rows = [
        ("plain script", *numbers(plain)),
        ("fraud run, cold", *numbers(cold)),
        ("**plain script / fraud run**", f"**{plain.seconds / cold.seconds:.2f}**", f"**{plain.peak_mb / cold.peak_mb:.2f}**"),
    ]
    return (
        "## Against a plain script\n\n"
        "`benchmarks/plain_script.py` does the same work the way it is commonly written: Spark from CSV to JSON features,"
        " pandas to read them, XGBoost with a fixed number of trees, an autoencoder with a DataLoader, SHAP. It has no contracts,"
        " calibration, policy, references, intervals, gate, registry, card or lineage. Same rows; making its CSV file does not"
        " count, while the fraud run's time includes making its data.\n\n"
        f"{table(('', 'seconds', 'peak MB'), rows)}\n\n"
        f"The fraud run takes {100 * cold.seconds / plain.seconds:.0f} % of the plain script's time and"
        f" {100 * cold.peak_mb / plain.peak_mb:.0f} % of its memory."
    )


def overhead_section(cold: PipelineRun, without: PipelineRun) -> str:
    """Return the section that holds the fraud run against the same work without ZenML."""
    bare = {"record_model": 0.0} | {step.name: step.seconds for step in without.steps}  # that step is for ZenML's pages alone
    rows = [
        (step.name, f"{step.seconds:.1f}", f"{bare[step.name]:.1f}", f"{step.seconds - bare[step.name]:+z.1f}")
        for step in cold.steps
    ]
    in_steps = sum(step.seconds - bare[step.name] for step in cold.steps)
    outside = cold.outside_steps_seconds - without.outside_steps_seconds
    difference, memory = cold.took.seconds - without.took.seconds, cold.took.peak_mb - without.took.peak_mb
    rows += [
        ("outside the steps", f"{cold.outside_steps_seconds:.1f}", f"{without.outside_steps_seconds:.1f}", f"{outside:+z.1f}"),
        ("**in all**", f"**{cold.took.seconds:.1f}**", f"**{without.took.seconds:.1f}**", f"**{difference:+z.1f}**"),
        ("peak MB", f"{cold.took.peak_mb:,.0f}", f"{without.took.peak_mb:,.0f}", f"{memory:+,.0f}"),
    ]
    return (
        "## What ZenML costs\n\n"
        "`benchmarks/without_zenml.py` calls the same functions of `src/fusionguard` in the same order, on the same rows, and"
        " leaves the same bundle, registered and with its card. The difference is what it takes that every result is an artifact"
        " with lineage, and that a second run finds it again.\n\n"
        f"{table(('step', 'fraud run, seconds', 'without ZenML, seconds', 'difference'), rows)}\n\n"
        f"ZenML takes {difference:.1f} s ({100 * difference / cold.took.seconds:.0f} % of the run): {in_steps:.1f} s in"
        f" {len(cold.steps)} steps ({in_steps / len(cold.steps):.2f} s each) and {outside:.1f} s outside them (its import, its"
        " database, compiling)."
    )


def growth_section(runs: tuple[PipelineRun, ...], imports: Measurement) -> str:
    """Return the section about more rows; the first run is the smallest."""
    rows = []
    before: PipelineRun | None = None
    for run in runs:
        millions = run.rows / 1e6
        more = (run.took.seconds - before.took.seconds) / (millions - before.rows / 1e6) if before else None
        more_mb = (run.took.peak_mb - before.took.peak_mb) / (millions - before.rows / 1e6) if before else None
        rows.append(
            (
                f"{run.rows:,}",
                f"{run.took.seconds:.1f}",
                f"{run.took.seconds / millions:,.0f}",
                "" if more is None else f"{more:,.0f}",
                f"{run.took.peak_mb:,.0f}",
                "" if more_mb is None else f"{more_mb:,.0f}",
            )
        )
        before = run
    first, last = runs[0], runs[-1]
    growth = (last.took.seconds - imports.seconds) / (first.took.seconds - imports.seconds)
    head = ("rows", "seconds", "seconds per million", "each further million, s", "peak MB", "each further million, MB")
    return (
        "## Cost of growth\n\n"
        f"The whole fraud run, cold, on more simulated rows.\n\n{table(head, rows)}\n\n"
        f"{last.rows / first.rows:.1f} times the rows take {last.took.seconds / first.took.seconds:.1f} times the seconds"
        f" ({growth:.1f} times beyond imports) and {last.took.peak_mb / first.took.peak_mb:.1f} times the memory."
    )
