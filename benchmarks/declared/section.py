"""The section about untuned defaults on tables of other people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from benchmarks.declared.measure import METRICS, TRUTH, TableQuality
from benchmarks.machine import Machine
from benchmarks.markdown import table
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.churn.out_of_fold import CANDIDATES
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS

BEGIN = "<!-- benchmarks/declared -->"
_SHOWN = (LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS, *reversed(CANDIDATES), TRUTH)
_LABELS = dict(zip(METRICS, ("Average precision", "ROC AUC"), strict=True))


def declared_section(measured: Mapping[str, TableQuality], *, folds: int, day: date, machine: Machine) -> str:
    """Return the section; tables are named by their schema or the data set's own name."""
    listed = "\n".join(f"- {name}: {each.about}" for name, each in measured.items())
    parts = [
        "## Untuned churn models on declared tables",
        f"Written by `python -m benchmarks.declared` on {day.isoformat()}. Each model is fitted on the same {folds} folds of the"
        " development part, with the settings that nobody tuned to the table: LightGBM and CatBoost are the pipeline's, chosen as"
        " it chooses (in bold). Schemas are simulated; as each row's true chance is known there, so is what the best possible"
        f" ranking reaches.\n\n{machine.sentences()}",
        listed,
        *(f"{_LABELS[metric]}:\n\n{_table(measured, metric)}" for metric in METRICS),
        "The last column is how far the chosen model is above the better of both libraries' defaults, with the 95 % interval of"
        " the paired difference over the folds (Nadeau and Bengio, 2003); an interval that holds 0 is a tie.",
    ]
    return "\n\n".join(parts)


def _table(measured: Mapping[str, TableQuality], metric: str) -> str:
    rows = [
        (name, *(_cell(each, model, metric) for model in _SHOWN), each.ahead[metric].text()) for name, each in measured.items()
    ]
    return table(("table", *_SHOWN, "ahead by"), rows)


def _cell(measured: TableQuality, model: str, metric: str) -> str:
    if model not in measured.models:
        return "–"
    value = f"{measured.models[model][metric]:.3f}"
    return f"**{value}**" if model == measured.chosen else value


def sentence(name: str, measured: TableQuality) -> str:
    """Say in a line what one table gave."""
    read = ", ".join(f"{model} {measured.models[model][AVERAGE_PRECISION]:.4f}" for model in _SHOWN if model in measured.models)
    return f"{name}: {measured.chosen}; average precision {read}; {measured.seconds:.0f} s"
