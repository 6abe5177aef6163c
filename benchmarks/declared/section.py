"""The section about untuned defaults on tables of other people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby

from benchmarks.declared.measure import METRICS, OWN_MODELS, TRUTH, TableQuality
from benchmarks.declared.results import TableResult
from benchmarks.declared.schemas import SCHEMAS
from benchmarks.declared.tails import tails_table
from benchmarks.machine import Machine
from benchmarks.markdown import table
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS

BEGIN = "<!-- benchmarks/declared -->"
_LABELS = dict(zip(METRICS, ("Average precision", "ROC AUC"), strict=True))
_FITTED = {
    "fraud": "XGBoost is the fraud pipeline's. Its autoencoder, which joins the trees only where that helps, is left out.",
    "churn": "LightGBM and CatBoost are the churn pipeline's, chosen as it chooses (in bold).",
}
_TAILS = {
    "fraud": "Bins and start of these trees: average precision of the same trees where numbers are cut into 256 bins, as XGBoost"
    " does, or into more, and where trees start from the share of frauds, as XGBoost estimates it, or from an even chance. The"
    " pipeline's own (in bold) have more bins the rarer frauds are, and start from an even chance where windows remember what"
    " happened before. The last column is how far that is above 256 bins and an estimated start on the same folds; a dash"
    " stands for what was not measured.",
    "churn": "Bins and start of LightGBM, in the same way: its 255 bins or more, and a start from the share of positive rows or"
    " from an even chance. The pipeline takes what LightGBM takes (in bold), so that there is nothing to be ahead of.",
}
_OPENING = """\
## Untuned models on declared tables

Written by `python -m benchmarks.declared`, which measures the schemas, or with `--file DECLARATION.yaml --about TEXT` any
declared table; each stays here as it was last measured. Each model is fitted on the same folds of the development part, with
settings that nobody tuned to the table. Rows without a time are folded at random, each class in its share. With one, folds go
forward: each is fitted on all earlier rows whose outcome was known by then and judged on the next part, and the latest fifth of
the rows, the test slice, is not touched. So the churn pipeline folds its rows. The fraud pipeline cuts its rows once, into four
slices; folds of its trees are here for the sake of intervals. Where negative rows were left out of a table, each that is there
counts as many times as it stands for: average precision is that at the real share of positive rows.

Schemas are simulated; as each row's true chance is known there, so is what the best possible ranking reaches. The last column is
how far the pipeline's own model is above the better of both libraries' defaults, with the 95 % interval of the paired difference
over the folds (Nadeau and Bengio, 2003); an interval that holds 0 is a tie."""


def declared_section(results: Sequence[TableResult]) -> str:
    """Return the section of all that is kept, by problem: schemas in their order, then files by their data sets' names."""
    ordered = sorted(results, key=_place)
    parts = [_OPENING.replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n\n"), _machines(ordered)]
    for problem, group in groupby(ordered, key=lambda each: each.problem):
        tables = {each.name: each for each in group}
        measured = {name: each.quality for name, each in tables.items()}
        parts += [f"### {problem.capitalize()}", _FITTED[problem], "\n".join(_listed(each) for each in tables.values())]
        parts += [f"{_LABELS[metric]}:\n\n{_table(measured, metric, _shown(problem))}" for metric in METRICS]
        if tails := {name: each.tails for name, each in measured.items() if each.tails is not None}:
            parts += [_TAILS[problem], tails_table(tails)]
    return "\n\n".join(parts)


def _place(result: TableResult) -> tuple[int, int, str]:
    schemas = list(SCHEMAS)
    return (
        list(_FITTED).index(result.problem),
        (schemas.index(result.name) if result.name in SCHEMAS else len(schemas)),
        result.name,
    )


def _machines(results: Sequence[TableResult]) -> str:
    """Say what tables were measured on, each day: of several calls, with the load of the busiest."""
    busiest: dict[tuple[date, str], Machine] = {}
    for each in sorted(results, key=lambda result: (result.day, result.machine.load)):
        idle = each.machine.model_copy(update={"load": 0.0})
        busiest[each.day, idle.model_dump_json()] = each.machine
    lines = [f"- Measured on {day.isoformat()}. {machine.sentences(_versions(machine))}" for (day, _), machine in busiest.items()]
    return "\n".join(lines)


def _versions(machine: Machine) -> str:
    return ", ".join(f"{name} {version}" for name, version in machine.libraries.items())


def _listed(result: TableResult) -> str:
    quality = result.quality
    made = "**simulated**, " if quality.simulated else ""
    share = f"{100 * quality.share:.1f} % positive"
    if quality.negatives_kept < 1:
        share += (
            f" ({100 * quality.real_share:.2f} % in truth: {100 * quality.negatives_kept:.2f} % of the negative rows are there)"
        )
    folds = f"{quality.folds} folds{' forward in time' if quality.timed else ''}"
    return (
        f"- {result.name}: {made}{quality.about}; {quality.rows:,} rows, {share}; {folds}, measured on {result.day.isoformat()}"
    )


def _shown(problem: str) -> tuple[str, ...]:
    return (LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS, *OWN_MODELS[problem], TRUTH)


def _table(measured: Mapping[str, TableQuality], metric: str, shown: tuple[str, ...]) -> str:
    rows = [
        (name, *(_cell(each, model, metric) for model in shown), each.ahead[metric].text()) for name, each in measured.items()
    ]
    return table(("table", *shown, "ahead by"), rows)


def _cell(measured: TableQuality, model: str, metric: str) -> str:
    if model not in measured.models:
        return "–"
    value = f"{measured.models[model][metric]:.3f}"
    return f"**{value}**" if model == measured.chosen else value


def sentence(name: str, measured: TableQuality, seconds: float) -> str:
    """Say in a line what one table gave, and how long it took."""
    read = ", ".join(f"{model} {each[AVERAGE_PRECISION]:.4f}" for model, each in measured.models.items())
    return f"{name}: {measured.chosen}; average precision {read}; {seconds:.0f} s"
