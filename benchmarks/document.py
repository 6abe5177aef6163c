"""The document: every number in it was measured in one call, and every verdict is computed from the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.fraud_run import TARGET_MB, TARGET_SECONDS, FraudRun, PipelineRun
from benchmarks.measure import Measurement
from benchmarks.results import Results


def write_document(results: Results, chart: str | None) -> str:
    """Return the Markdown; ``chart`` is the file name of the image beside it."""
    parts = [_opening(results)]
    if chart is not None:
        parts.append(f"![Seconds of each step, and growth with the number of rows]({chart})")
    run = results.fraud_run
    if run is not None:
        parts += [_fraud_run(run, results), _steps(run)]
        if results.plain_script is not None:
            parts.append(_plain_script(run, results.plain_script))
        if results.without_zenml is not None:
            parts.append(_overhead(run.cold, results.without_zenml))
    if results.engines is not None:
        parts.append(_engines(results))
    if results.growth is not None and run is not None:
        parts.append(_growth(results.growth, run.imports))
    parts.append(_method())
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _opening(results: Results) -> str:
    machine = results.machine
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    text = (
        "# Benchmarks\n\n"
        f"Written by `python -m benchmarks` on {results.day.isoformat()}; all numbers come from that one call, which took"
        f" {results.seconds / 60:.1f} minutes.\n\n"
        f"Machine: {machine.cores} cores, {machine.memory_gb} GB of memory, {machine.system}, Python {machine.python}."
        f" Load before it began: {machine.load:.1f}.\n"
        f"Libraries: {libraries}."
    )
    if not results.full_size:
        text += "\n\n**QUICK: small sizes and few rounds. These numbers show that the measuring works, and nothing else.**"
    return text


def _fraud_run(run: FraudRun, results: Results) -> str:
    cold, beyond = run.cold.took, run.beyond_imports
    rows = [
        ("cold: nothing made yet", *_numbers(cold)),
        ("imports only", *_numbers(run.imports)),
        ("**beyond what imports take**", *(f"**{number}**" for number in _numbers(beyond))),
        (f"the same command again: {_cached(run.cached)}", *_numbers(run.cached.took)),
    ]
    if results.full_size:
        met = beyond.seconds <= TARGET_SECONDS and beyond.peak_mb <= TARGET_MB
        verdict = "met" if met else "MISSED"
        goal = (
            f"Target on 2 cores: at most {TARGET_SECONDS:.0f} s and {TARGET_MB:,.0f} MB beyond imports. {verdict.capitalize()}:"
            f" {beyond.seconds:.1f} s and {beyond.peak_mb:,.0f} MB on {results.machine.cores} cores."
        )
    else:
        goal = "The target is for the full size, so it is not judged here."
    return (
        "## The fraud run\n\n"
        f"`python run.py --source simulated` with {run.cold.rows:,} rows, from simulating them to the model card,"
        " as one process with a home and a ZenML store of its own.\n\n"
        f"{table(('', 'seconds', 'peak MB'), rows)}\n\n"
        f"{goal} Imports are the {run.modules:,} modules that this very run had loaded when it ended."
    )


def _steps(run: FraudRun) -> str:
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


def _plain_script(run: FraudRun, plain: Measurement) -> str:
    cold = run.cold.took
    rows = [
        ("plain script", *_numbers(plain)),
        ("fraud run, cold", *_numbers(cold)),
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


def _overhead(cold: PipelineRun, without: PipelineRun) -> str:
    bare = {step.name: step.seconds for step in without.steps}
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


def _engines(results: Results) -> str:
    rows = [
        (
            f"{duckdb.rows:,}",
            f"{duckdb.seconds:.1f}",
            f"{spark.seconds:.1f}",
            f"**{spark.seconds / duckdb.seconds:.1f}**",
            f"{duckdb.peak_mb:,.0f}",
            f"{spark.peak_mb:,.0f}",
            f"**{spark.peak_mb / duckdb.peak_mb:.1f}**",
        )
        for duckdb, spark in results.engine_pairs()
    ]
    head = ("rows", "DuckDB, s", "Spark, s", "Spark / DuckDB", "DuckDB, peak MB", "Spark, peak MB", "Spark / DuckDB")
    return (
        "## DuckDB against Spark\n\n"
        "The same SQL text from a raw parquet table to the feature table, each in a process of its own, start included. Spark"
        " runs as `local[2]`; on a cluster it would have more cores, and a network.\n\n"
        f"{table(head, rows)}"
    )


def _growth(runs: tuple[PipelineRun, ...], imports: Measurement) -> str:
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


def _method() -> str:
    return (
        "## How it was measured\n\n"
        "- Each line is one process, started by `benchmarks/measure.py` when the one before had ended; seconds are wall clock"
        " from start to end.\n"
        "- Peak memory is resident memory summed over the process and all it starts, sampled ten times a second (pages that"
        " processes share count once for each), or the highest mark the kernel kept for one of them, where that is more.\n"
        "- Each was measured once: expect a few percent between two calls, and trust ratios more than seconds.\n"
        "- Data are simulated. Run it yourself: `make bench`."
    )


def _numbers(taken: Measurement) -> tuple[str, str]:
    return f"{taken.seconds:.1f}", f"{taken.peak_mb:,.0f}"


def _cached(run: PipelineRun) -> str:
    return f"{sum(step.cached for step in run.steps)} of {len(run.steps)} steps cached"
