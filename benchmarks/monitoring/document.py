"""The section that is written between the markers; every verdict is computed from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.monitoring.alarms import BROKEN, QUIET, REAL, WINDOW_ROWS, pooled, wilson
from benchmarks.monitoring.results import Alarms, EstimateError, MonitoringResults
from fusionguard.monitoring.traffic import Drift

BEGIN = "<!-- benchmarks/monitoring -->"
BROKEN_BEGIN = "<!-- benchmarks/monitoring: broken data -->"
FALSE_ALARMS, CAUGHT, BAND = 1 / 20, 19 / 20, 0.95
LEAST_WINDOWS = 20
"""Of fewer windows, nobody can tell 19 of 20 from fewer."""

SECONDS, PEAK_MB, TARGET_ROWS = 60.0, 3 * 1024.0, 3_000_000


def section(results: MonitoringResults, *, chart: str) -> str:
    """Return the Markdown of the results, without the markers; ``chart`` is the picture of growth."""
    software = f"DuckDB {results.machine.libraries['duckdb']}"
    opening = (
        f"Written by `make bench-monitoring`; all numbers come from one call, which took {results.seconds / 60:.1f} minutes. All"
        " data here is SIMULATED, training and windows alike: the figures say how the method works, not how often"
        " a bank's data drifts.\n\n"
        f"{results.machine.sentences(software)}"
    )
    parts = [opening, _quiet(results.alarms), _caught(results.alarms), _estimates(results.estimates)]
    return "\n\n".join([*parts, _scale(results, chart)])


def broken_section(alarms: Sequence[Alarms], *, seconds: float) -> str:
    """Return the Markdown of broken data and of real changes that could be taken for it, and of what was not measured of them."""
    of_kind = {kind.value: cause for kind, cause in BROKEN.items()}
    unbroken = [kind.value for kind in (*REAL, Drift.NONE)]
    rows, real = [], []
    for each in alarms:
        named, advised = _counted(each.causes), _counted(each.actions)
        if each.drift in of_kind:
            right = each.causes.get(of_kind[each.drift], 0)
            caught = f"{_share(right, each.windows)}, {_of_windows(right >= CAUGHT * each.windows, each.windows)}"
            rows.append((f"{each.model}, {each.drift}", f"{each.size:.3g}", caught, named, advised))
        elif each.drift in unbroken:
            wrong = sum(count for cause, count in each.causes.items() if cause in of_kind.values())
            held = f"{_share(wrong, each.windows)}, {_of_windows(wrong <= FALSE_ALARMS * each.windows, each.windows)}"
            real.append((f"{each.model}, {each.drift}", f"{each.size:.3g}", held, named, advised))
    known = {(each.model, each.drift) for each in alarms}
    lacking = [f"{model}, {kind}" for model in WINDOW_ROWS for kind in (*of_kind, *unbroken) if (model, kind) not in known]
    missing = f" Not measured: {'; '.join(lacking)}." if lacking else ""
    return (
        "Measured by what `make bench-monitoring` and its part `python -m benchmarks.monitoring --broken` call"
        f" (`measure_broken`) in {seconds / 60:.1f} minutes. SIMULATED windows of a week, of 20,000 transactions or 2,000"
        " customers, the fault from 30 % of the rows on. They are judged by their rows alone: a recognised fault comes before"
        " outcomes and classifier, whatever those say. Target: the right cause in at least 19 of 20, which fewer than"
        f" {LEAST_WINDOWS} windows cannot tell.{missing}\n\n"
        f"{table(('fault', 'size', 'right cause', 'likely cause, as named', 'advice'), rows)}\n\n"
        "Real changes, and windows without any, that are taken for broken data. Target: at most 1 of 20.\n\n"
        f"{table(('change', 'size', 'called broken', 'likely cause, as named', 'advice'), real)}"
    )


def _of_windows(met: bool, windows: int) -> str:
    return _verdict(met) if windows >= LEAST_WINDOWS else "too few windows to judge"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _verdict(met: bool) -> str:
    return "met" if met else "**not met**"


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits} of {of} ({100 * low:.0f} to {100 * high:.0f} %)"


def _quiet(alarms: Sequence[Alarms]) -> str:
    rows = []
    for each in alarms:
        if each.drift in [kind.value for kind in QUIET]:
            rows.append((f"{each.model}, {each.drift}", f"{each.rows:,}", _share(each.alarms, each.windows), str(each.act)))
    said = []
    for model in dict.fromkeys(each.model for each in alarms):
        hits, of = pooled(alarms, model)
        said.append(f"{model} {_verdict(hits <= FALSE_ALARMS * of)}, {_share(hits, of)}")
    return (
        "### False alarms\n\nWindows of a week without drift, each of another seed. An alarm is any verdict but healthy, a mere"
        " watch among them; in brackets the 95 % interval of the share.\n\n"
        f"{table(('windows', 'rows each', 'alarms', 'of them to act'), rows)}\n\n"
        f"Target: at most 1 in 20. Over both kinds: {'; '.join(said)}."
    )


def _caught(alarms: Sequence[Alarms]) -> str:
    rows = []
    for each in alarms:
        if each.drift not in [kind.value for kind in QUIET]:
            causes = ", ".join(f"{cause} {count}" for cause, count in sorted(each.causes.items(), key=lambda item: -item[1]))
            caught = f"{_share(each.alarms, each.windows)}, {_verdict(each.alarms >= CAUGHT * each.windows)}"
            rows.append((f"{each.model}, {each.drift}", f"{each.size:.3g}", caught, str(each.act), causes))
    return (
        "### Drifts that are caught\n\nThe drift begins after 30 % of the window's rows; what a size means stands in"
        " `fusionguard/monitoring/traffic/drifts.py`. All outcomes are known. Target: at least 19 in 20 of each kind.\n\n"
        f"{table(('drift', 'size', 'caught', 'of them to act', 'likely cause, as named'), rows)}"
    )


def _estimates(errors: Sequence[EstimateError]) -> str:
    rows = []
    for each in errors:
        held = _share(each.inside, each.trusted) if each.trusted else "–"
        numbers = (f"{each.width:.3f}", f"{each.mean_error:.3f}") if each.trusted else ("–", "–")
        rows.append((f"{each.model}, {each.drift}", str(each.trusted), held, *numbers))
    calm = [each for each in errors if each.drift == Drift.NONE.value and each.trusted]
    said = [f"{each.model} {_verdict(wilson(each.inside, each.trusted)[1] >= BAND)}" for each in calm]
    return (
        "### Performance without labels, against the truth\n\nThe ROC AUC that the probabilities alone lead to expect (CBPE),"
        " made as if no outcome of the window were known, with the calibration that the champion's evaluation shows; in windows"
        " whose estimate is not called untrustworthy. The truth is that of the window's outcomes. The band is stated to hold it"
        f" in {100 * BAND:.0f} of 100 undrifted windows; whether the share found agrees: {'; '.join(said)}. Of a concept drift"
        " (new-pattern) nothing without labels can know: its rows show how wrong an estimate then is.\n\n"
        f"{table(('windows', 'trusted', 'truth inside the band', 'mean width of the band', 'mean error'), rows)}"
    )


def _scale(results: MonitoringResults, chart: str) -> str:
    scale, evidently = results.scale, results.evidently
    rows, on_spark, peer = (
        [(f"{each.rows:,}", f"{each.seconds:.1f}", f"{each.peak_mb:,.0f}") for each in runs]
        for runs in (scale, results.spark, evidently)
    )
    largest = max(scale, key=lambda each: each.rows)
    met = largest.seconds <= SECONDS and largest.peak_mb <= PEAK_MB
    reached = "" if largest.rows >= TARGET_ROWS else f" (this call went no further than {largest.rows:,} rows)"
    return (
        "### Millions of rows\n\nA fraud log of 30 features in parts of 250,000 rows, one row in twenty with its outcome, from"
        " the files on the disk to the verdict: one process, its start and imports included.\n\n"
        f"![Seconds and memory against the number of rows]({chart})\n\n"
        f"{table(('logged rows', 'seconds', 'peak MB'), rows)}\n\n"
        f"Target: 3,000,000 rows in at most {SECONDS:.0f} s and {PEAK_MB:,.0f} MB: {_verdict(met)}, {largest.seconds:.1f} s and"
        f" {largest.peak_mb:,.0f} MB{reached}.\n\n"
        "The same with `engine: spark`, which gives the same counts; here on two threads of the same machine, its start"
        " included. A cluster has more cores, and a network:\n\n"
        f"{table(('logged rows', 'seconds', 'peak MB'), on_spark)}\n\n"
        "Evidently's drift preset alone, on the same rows read in the same way against the reference's 80,000, which is why the"
        " pipeline hands it a sample:\n\n"
        f"{table(('rows', 'seconds', 'peak MB'), peer)}"
    )
