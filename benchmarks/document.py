"""The document: every number in it was measured in one call, and every verdict is computed from the numbers."""

from __future__ import annotations

from benchmarks.engines import EngineRun, engine_pairs
from benchmarks.markdown import table
from benchmarks.quality_section import quality_section
from benchmarks.results import Results
from benchmarks.run_sections import growth_section, overhead_section, plain_script_section, run_section

_ELSEWHERE = """\
What starting costs, help and a usage error, scoring a small file, and what runs import, was measured in a call of its own:
[starting](../benchmarks/starts/starts.md).

What jobs on a Slurm cluster cost was measured in a call of its own: [the stack hpc](hpc_benchmarks.md).

So were monitoring's false alarms, the drifts it catches, and its growth to millions of rows:
[monitoring](monitoring.md#measured).

What a history costs a service, and what the same features cost elsewhere, was measured in a call of its own:
[what a history costs](fraud_serving.md#what-a-history-costs).

What the assistant finds and answers, and how fast, was measured in a call of its own: [the assistant](agent_service.md#measured).

"""


def write_document(results: Results, chart: str | None) -> str:
    """Return the Markdown; ``chart`` is the file name of the image beside it."""
    parts = [_opening(results)]
    if chart is not None:
        parts.append(f"![Seconds of each step of the fraud run, and growth with the number of rows]({chart})")
    run, full_size, cores = results.fraud_run, results.full_size, results.machine.cores
    if run is not None:
        parts.append(run_section(run, full_size=full_size, cores=cores))
        if results.plain_script is not None:
            parts.append(plain_script_section(run, results.plain_script))
        if results.without_zenml is not None:
            parts.append(overhead_section(run.cold, results.without_zenml))
        if results.growth is not None:
            parts.append(growth_section(results.growth, run.imports))
    if results.churn_run is not None:
        parts.append(run_section(results.churn_run, full_size=full_size, cores=cores))
    if results.churn_quality is not None:
        parts.append(quality_section(results.churn_quality, full_size=full_size))
    if results.engines is not None or results.churn_engines is not None:
        parts.append(_engines(results))
    parts.append(_method(results))
    return "\n\n".join(parts) + "\n"


def _opening(results: Results) -> str:
    machine = results.machine
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    churn_alone = results.fraud_run is None and results.engines is None and results.churn_run is not None
    text = (
        f"# Benchmarks{' of the churn pipeline' if churn_alone else ''}\n\n"
        f"Written by `python -m benchmarks` on {results.day.isoformat()}; all numbers come from that one call, which took"
        f" {results.seconds / 60:.1f} minutes.\n\n{'' if churn_alone else _ELSEWHERE}"
        f"{machine.sentences()}\n"
        f"Libraries: {libraries}."
    )
    if not results.full_size:
        text += "\n\n**QUICK: small sizes and few rounds. These numbers show that the measuring works, and nothing else.**"
    return text


def _engines(results: Results) -> str:
    measured = {"transactions": results.engines, "customers": results.churn_engines}
    tables = [_engine_table(noun, runs) for noun, runs in measured.items() if runs is not None]
    return (
        "## DuckDB against Spark\n\n"
        "The same SQL text from a raw parquet table to the feature table, each in a process of its own, start included. Spark"
        " runs as `local[2]`; on a cluster it would have more cores, and a network.\n\n" + "\n\n".join(tables)
    )


def _engine_table(noun: str, runs: tuple[EngineRun, ...]) -> str:
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
        for duckdb, spark in engine_pairs(runs)
    ]
    head = (noun, "DuckDB, s", "Spark, s", "Spark / DuckDB", "DuckDB, peak MB", "Spark, peak MB", "Spark / DuckDB")
    return table(head, rows)


def _method(results: Results) -> str:
    real = results.churn_quality is not None and not results.churn_quality.simulated
    given = ", but for the customers that the churn models' quality was measured on" if real else ""
    command = "python -m benchmarks --customers FILE" if real else "make bench"
    return (
        "## How it was measured\n\n"
        "- Each line is one process, started by `benchmarks/measure.py` when the one before had ended; seconds are wall clock"
        " from start to end.\n"
        "- Peak memory is resident memory summed over the process and all it starts, sampled ten times a second (pages that"
        " processes share count once for each), or the highest mark the kernel kept for one of them, where that is more.\n"
        "- Each was measured once: expect a few percent between two calls, and trust ratios more than seconds.\n"
        f"- Data are simulated{given}. Run it yourself: `{command}`."
    )
