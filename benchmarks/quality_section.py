"""The section about the churn models' quality, judged where the customers are real."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.churn_quality import ChurnQuality
from benchmarks.markdown import table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.readings import AVERAGE_PRECISION, CALIBRATION_ERROR, ROC_AUC
from fusionguard.families.churn.cross_validation import FOLD_CALIBRATION_BINS
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS

_LABELS = {ROC_AUC: "ROC AUC", AVERAGE_PRECISION: "average precision", CALIBRATION_ERROR: "calibration error"}
_RANKING = (ROC_AUC, AVERAGE_PRECISION)
_OUT_OF_THE_BOX = (LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS)
_DIGITS = 4


@dataclass(frozen=True)
class QualityTarget:
    """What a metric's mean over the folds must reach on the real customers."""

    metric: str
    bound: float
    at_most: bool = False

    def met_by(self, value: float) -> bool:
        """Whether a mean reaches the bound."""
        return value <= self.bound if self.at_most else value >= self.bound

    def text(self) -> str:
        """Return the target in words."""
        return f"{_LABELS[self.metric]} at {'most' if self.at_most else 'least'} {self.bound:g}"


TARGETS = (
    QualityTarget(ROC_AUC, 0.868),
    QualityTarget(AVERAGE_PRECISION, 0.713),
    QualityTarget(CALIBRATION_ERROR, 0.02, at_most=True),
)


def quality_section(quality: ChurnQuality, *, full_size: bool) -> str:
    """Return the section: every model's means, the chosen one's gains, and the verdicts where they mean something."""
    comparison = quality.comparison
    whose = "simulated customers" if quality.simulated else "customers of the file given by `--customers`"
    parts = [
        "## The churn models' quality",
        f"`benchmarks/churn_quality.py` fits every model on the same {comparison.folds * comparison.repeats} stratified folds"
        f" ({comparison.folds} folds {comparison.repeats} times) of {comparison.rows:,} of {quality.customers:,} {whose}; the"
        " others are the test slice, which nothing here reads. LightGBM and CatBoost have the pipeline's settings, without"
        f" tuning. It took {quality.took.seconds:.0f} s and {quality.took.peak_mb:,.0f} MB.",
        _models(comparison),
        "Means over the folds, in brackets with 95 % intervals that know that folds overlap (Nadeau and Bengio, 2003)."
        f" The calibration error is the expected one, in {FOLD_CALIBRATION_BINS} equal-mass bins, of probabilities that were"
        f" calibrated without the fold they are read on; in brackets are the lowest and the highest repeat. {comparison.reason}",
        _gains(comparison),
        _beyond_chance(comparison),
        _verdicts(quality, full_size=full_size),
    ]
    return "\n\n".join(parts)


def _models(comparison: CrossValidation) -> str:
    rows = []
    best_first = sorted(comparison.models.items(), key=lambda model: _value(model[1][AVERAGE_PRECISION]), reverse=True)
    for name, read in best_first:
        cells = (name, *(read[metric].text(_DIGITS) for metric in _LABELS))
        rows.append(tuple(f"**{cell}**" for cell in cells) if name == comparison.chosen else cells)
    return table(("model", *_LABELS.values()), rows)


def _gains(comparison: CrossValidation) -> str:
    rows = [(name, *(gain[metric].text(_DIGITS) for metric in _RANKING)) for name, gain in comparison.gains.items()]
    return table((f"gain of {comparison.chosen} over", *(_LABELS[metric] for metric in _RANKING)), rows)


def _beyond_chance(comparison: CrossValidation) -> str:
    """Say over which models the gain's whole interval lies above zero."""
    said = []
    for metric in _RANKING:
        sure = [name for name, gain in comparison.gains.items() if (gain[metric].low or 0.0) > 0]
        said.append(f"in {_LABELS[metric]} over {', '.join(sure) if sure else 'none of them'}")
    return f"The whole interval of the gain lies above zero {' and '.join(said)}."


def _verdicts(quality: ChurnQuality, *, full_size: bool) -> str:
    if quality.simulated:
        return (
            "These customers are SIMULATED: the numbers say how the models compare, not how well they do on real customers, so"
            " the targets are not judged here."
        )
    if not full_size:
        return "The targets are for the full size, so they are not judged here."
    comparison = quality.comparison
    own = comparison.models[comparison.chosen]
    rows = [(each.text(), own[each.metric].text(_DIGITS), _met(each.met_by(_value(own[each.metric])))) for each in TARGETS]
    for metric in _RANKING:
        least = min(_value(comparison.gains[name][metric]) for name in _OUT_OF_THE_BOX)
        rows.append((f"{_LABELS[metric]} above both libraries' defaults", f"{least:+.{_DIGITS}f}", _met(least > 0)))
    return table((f"target for {comparison.chosen}", "reached", "verdict"), rows)


def _value(reading: Interval) -> float:
    assert reading.value is not None
    return reading.value


def _met(met: bool) -> str:
    return "met" if met else "**MISSED**"
