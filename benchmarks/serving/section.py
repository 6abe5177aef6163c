"""The section of docs/fraud_serving.md: every number in it was measured in one call, and every verdict is computed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.markdown import table
from benchmarks.measure import BenchmarkError
from benchmarks.serving.arithmetic import PRICE_SOURCE, cost_per_million
from benchmarks.serving.contenders import BENTOML, FASTAPI, SERVICE
from benchmarks.serving.results import ServingResults
from benchmarks.serving.targets import CHURN, CLOSED_2, EXPLAIN, FLAGGED, TARGETS

BEGIN, END = "<!-- benchmarks/serving -->", "<!-- end -->"
_TITLE = "# Scoring services"


def place_section(document: str | None, section: str) -> str:
    """Return a document with ``section`` between the markers, whatever was there before; None for one that does not exist yet.

    Raises
    ------
    BenchmarkError
        It does not have both markers, each once and in order.
    """
    if document is None:
        document = f"{_TITLE}\n\n{BEGIN}\n{END}\n"
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest:
        raise BenchmarkError(f"The document lacks the lines '{BEGIN}' and '{END}'.", "Put both where the section belongs.")
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{after}"


def write_section(results: ServingResults, vcpu_second_dollars: float, numbers: Path) -> str:
    """Return the Markdown; ``numbers`` is the file beside the document that holds all of them."""
    parts = [
        _opening(results, numbers),
        _targets(results),
        _loads(results),
        _ratios(results),
        _own(results),
        _batches(results),
        _cost(results, vcpu_second_dollars),
        _method(results),
    ]
    return "\n\n".join(parts)


def _opening(results: ServingResults, numbers: Path) -> str:
    machine, model = results.machine, results.model_time
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    text = (
        "## Measured\n\n"
        f"Written by `make bench-serving` on {results.day.isoformat()}; all numbers come from that one call, which took"
        f" {results.seconds / 60:.1f} minutes: [all of them]({numbers.name}). The load generator ran on the same"
        f" {machine.cores} cores.\n\n"
        f"{machine.sentences()}\n"
        f"Libraries: {libraries}.\n\n"
        f"The models were trained on **simulated** data; the fraud model has {model.trees} trees"
        f" {'and the autoencoder' if model.uses_autoencoder else '(the fusion left the autoencoder out)'}."
        f" {results.requests_sent:,} simulated transactions are sent in turn, of which {results.requests_flagged} are flagged and"
        " get reason codes: more than come by nature, so that the cost of reasons is in the latencies."
    )
    if not results.full_size:
        text += "\n\n**QUICK: few trees and short loads. These numbers show that the measuring works, and nothing else.**"
    return text


def _targets(results: ServingResults) -> str:
    if not results.full_size:
        return "### Targets\n\nA quick run judges nothing."
    rows = [
        (
            target.what,
            target.wanted,
            f"{target.reached(results):,.2f} {target.unit}",
            "met" if target.met(results) else "**not met**",
        )
        for target in TARGETS
    ]
    return "### Targets\n\n" + table(("on 2 cores, load generator included", "target", "measured", ""), rows)


def _loads(results: ServingResults) -> str:
    head = ("", "p50 ms", "p95 ms", "p99 ms", "answers/s", "CPU us a request", "client's CPU us", "unanswered")
    text = (
        "### A single fraud score\n\n"
        f"`{SERVICE}` is the service as `fusionguard serve` starts it: strict checks, decision, metrics, rate"
        " limits, prediction log."
        f" `{FASTAPI}` has the same ONNX graphs behind a FastAPI route that checks nothing, measures nothing and logs nothing."
        f" `{BENTOML}` has them behind `@bentoml.api` with a pydantic model. One worker each, HTTP/1.1, keep-alive."
    )
    for load, by_service in results.readings.items():
        if len(by_service) == 1:
            continue
        rows = [
            (
                service,
                *(f"{results.value(load, service, name):,.2f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
                *(
                    f"{results.value(load, service, name):,.0f}"
                    for name in ("per_second", "cpu_us", "client_cpu_us", "unanswered")
                ),
            )
            for service in by_service
        ]
        text += f"\n\n**{load}**\n\n" + table(head, rows)
    return text


def _ratios(results: ServingResults) -> str:
    rows = []
    for load, by_service in results.readings.items():
        for other in (FASTAPI, BENTOML):
            if other not in by_service or any(not each.per_second for each in by_service[other]):
                continue
            names = ("p50_ms", "p99_ms", "per_second", "cpu_us")
            rows.append((f"{load}: / {other}", *(f"{results.ratio(load, SERVICE, other, name):.2f}" for name in names)))
    starts = [
        (
            service,
            f"{results.start(service, 'seconds'):.1f}",
            f"{results.start(service, 'rss_mb'):,.0f}",
            f"{results.start(service, 'pss_mb'):,.0f}",
        )
        for service in results.starts
    ]
    return (
        f"**`{SERVICE}` divided by its peers**, the median of the rounds' ratios\n\n"
        + table(("", "p50", "p99", "answers/s", "CPU a request"), rows)
        + "\n\n**Start and memory**, with every process of each service (BentoML has a supervisor beside the worker)\n\n"
        + table(("", "seconds to the first score", "RSS MB", "PSS MB"), starts)
    )


def _own(results: ServingResults) -> str:
    names = {
        FLAGGED: "a flagged fraud score, with reason codes",
        EXPLAIN: "an explanation of a transaction",
        CHURN: "a churn score, reason codes where an offer is made",
    }
    rows = [
        (
            f"{what} ({load.partition(', ')[2]})",
            *(f"{results.value(load, SERVICE, name):,.2f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{results.value(load, SERVICE, 'cpu_us'):,.0f}",
        )
        for load, what in names.items()
    ]
    return "### With reasons, and churn\n\n" + table(("", "p50 ms", "p95 ms", "p99 ms", "CPU us a request"), rows)


def _batches(results: ServingResults) -> str:
    model, rows = results.model_time, results.batch_rows
    carried = [(f"`score_batch`, {kind}", f"{results.batch_ms(kind):,.0f}") for kind in results.batches_ms]
    alone = [
        (f"the trees alone: XGBoost, {model.threads} threads", f"{model.xgboost_ms:,.1f}"),
        (f"the trees alone: ONNX Runtime, {model.threads} threads", f"{model.onnx_ms:,.1f}"),
        ("the whole answer from features, without reason codes", f"{model.answer_ms:,.1f}"),
    ]
    faster, slower = ("XGBoost", "ONNX Runtime") if model.xgboost_ms < model.onnx_ms else ("ONNX Runtime", "XGBoost")
    times = max(model.onnx_ms, model.xgboost_ms) / min(model.onnx_ms, model.xgboost_ms)
    return (
        f"### {rows:,} rows at once\n\n"
        f"Answers come in the form of the question; {results.batch_flagged} rows are flagged and explained, which is"
        " in the time.\n\n"
        + table((f"{rows:,} transactions", "median ms"), [*carried, *alone])
        + f"\n\nOf this model, {slower} takes {times:.1f} times {faster}'s time for a batch; the service scores batches with"
        " XGBoost and single rows with ONNX Runtime."
    )


def _cost(results: ServingResults, vcpu_second_dollars: float) -> str:
    rows = []
    for service in results.starts:
        cpu = results.value(CLOSED_2, service, "cpu_us")
        rows.append((service, f"{cpu:,.0f}", f"{cost_per_million(cpu, vcpu_second_dollars):.4f}"))
    return (
        "### Cost of a million predictions\n\n"
        + table(("", "CPU us a request", "$ a million"), rows)
        + f"\n\nMethod: CPU microseconds of a request at 2 connections x ${vcpu_second_dollars:.6f} for a vCPU-second; a million"
        " requests of one microsecond are one second. The price is an argument; its default is Cloud Run's, billed by request in"
        f" tier 1 without the free tier ([published]({PRICE_SOURCE})). It is what a busy core costs: an instance busy half"
        " of the time it is billed costs twice as much, and memory, the charge for each request and traffic come on top."
    )


def _method(results: ServingResults) -> str:
    return (
        "### How it was measured\n\n"
        f"- {results.rounds} rounds. In each, all services are started anew, warmed up, and get each load of"
        f" {results.load_seconds:g} s one after the other, in another order every round; what is shown is the median of the"
        " rounds.\n"
        "- Closed: each connection sends the next request when the last one is answered. Open: a request is due at fixed moments,"
        " and its latency counts from the moment it was due, so that a pause is charged with all that was due in it; what is not"
        " answered a second after the end counts with the time it has waited.\n"
        "- CPU is user and kernel time of all processes of a service (`/proc`), divided by the answers; the client is one"
        " thread.\n"
        "- The times without HTTP are taken in a process of their own, each of the three in a row after a pause: ONNX Runtime's"
        " threads spin for a while after a run, and would take a core from what follows.\n"
        "- Garbage collection, logging and flushing are as shipped; only the rate limit for one key is lifted.\n"
        "- Before each round the services must give the same scores. Run it yourself: `make bench-serving`."
    )
