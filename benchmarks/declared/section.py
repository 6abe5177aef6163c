"""The section about untuned defaults on tables of other people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from benchmarks.declared.measure import METRICS, OWN_MODELS, TRUTH, TableQuality
from benchmarks.machine import Machine
from benchmarks.markdown import table
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS

BEGIN = "<!-- benchmarks/declared -->"
_LABELS = dict(zip(METRICS, ("Average precision", "ROC AUC"), strict=True))
_FITTED = {
    "churn": "LightGBM and CatBoost are the churn pipeline's, chosen as it chooses (in bold).",
    "fraud": "XGBoost is the fraud pipeline's. Its autoencoder, which joins the trees only where that helps, is left out.",
}


def declared_section(measured: Mapping[str, Mapping[str, TableQuality]], *, folds: int, day: date, machine: Machine) -> str:
    """Return the section; tables are given by problem, and named by their schema or the data set's own name."""
    parts = [
        "## Untuned models on declared tables",
        f"Written by `python -m benchmarks.declared` on {day.isoformat()}. Each model is fitted on the same {folds} folds of the"
        " development part, with settings that nobody tuned to the table. Schemas are simulated; as each row's true chance is"
        " known there, so is what the best possible ranking reaches. The last column is how far the pipeline's own model is above"
        " the better of both libraries' defaults, with the 95 % interval of the paired difference over the folds (Nadeau and"
        f" Bengio, 2003); an interval that holds 0 is a tie.\n\n{machine.sentences()}",
    ]
    for problem, tables in measured.items():
        listed = "\n".join(f"- {name}: {each.about}, {100 * each.share:.1f} % positive" for name, each in tables.items())
        parts += [f"### {problem.capitalize()}", _FITTED[problem], listed]
        parts += [f"{_LABELS[metric]}:\n\n{_table(tables, metric, _shown(problem))}" for metric in METRICS]
    return "\n\n".join(parts)


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


def sentence(name: str, measured: TableQuality) -> str:
    """Say in a line what one table gave."""
    read = ", ".join(f"{model} {each[AVERAGE_PRECISION]:.4f}" for model, each in measured.models.items())
    return f"{name}: {measured.chosen}; average precision {read}; {measured.seconds:.0f} s"
