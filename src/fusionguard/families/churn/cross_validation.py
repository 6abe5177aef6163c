"""Quality by repeated cross-validation: means over the folds, with intervals that know that folds overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import Fold, judged_places
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.ranked import CalibrationBins, Ranking
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR, ROC_AUC
from fusionguard.evaluation.scored import Floats
from fusionguard.evaluation.ties import mean_interval

FOLD_CALIBRATION_BINS = 10
"""Equal-mass bins of the calibration error: the more there are, the more of it is chance."""


def fold_metrics(
    label: Labels, scores: Sequence[Floats], probabilities: Sequence[Floats] | None, folds: Sequence[Fold]
) -> dict[str, Floats]:
    """Read each metric on each fold.

    Parameters
    ----------
    label
        (n,) of the development part.
    scores
        One (n,) a repeat: what ranks each row, by a model that has not seen it.
    probabilities
        The same, calibrated by a fit on the other folds; without them there is no Brier score.
    folds
        The folds of every repeat, as :meth:`HoldoutPlan.fold_places` returns them.

    Returns
    -------
    dict
        By metric (len(folds),) float64.
    """
    per_repeat = len(folds) // len(scores)
    read: dict[str, list[float]] = {}
    for number, (_, places) in enumerate(folds):
        repeat = number // per_repeat
        ones = np.ones(places.size)
        ranking = Ranking(label[places], scores[repeat][places])
        read.setdefault(ROC_AUC, []).append(ranking.roc_auc(ones))
        read.setdefault(AVERAGE_PRECISION, []).append(ranking.average_precision(ones))
        if probabilities is not None:
            probability = probabilities[repeat][places]
            read.setdefault(BRIER, []).append(float(np.mean((probability - label[places]) ** 2)))
    return {name: np.array(values) for name, values in read.items()}


def calibration_reading(label: Labels, probabilities: Sequence[Floats]) -> Interval:
    """Return the expected calibration error of cross-fitted probabilities, over all judged rows: the mean of the repeats.

    The interval is the lowest and the highest repeat's: chance in the folds, not in the rows. One repeat has none.
    """
    ones = np.ones(label.size)
    read = [CalibrationBins(label, probability, FOLD_CALIBRATION_BINS).error(ones) for probability in probabilities]
    if len(read) < 2:
        return Interval(value=read[0])
    return Interval(value=float(np.mean(read)), low=min(read), high=max(read))


def cross_validation(
    label: Labels,
    folds: Sequence[Fold],
    scores: Mapping[str, Sequence[Floats]],
    probabilities: Mapping[str, Sequence[Floats]],
    *,
    folds_per_repeat: int,
    chosen: str,
    reason: str,
) -> CrossValidation:
    """Put together what every model reached; ``scores`` and ``probabilities`` hold one (n,) a repeat by model."""
    judged = judged_places(folds)
    read = {name: fold_metrics(label, scores[name], probabilities.get(name), folds) for name in scores}
    models = {}
    for name, metrics in read.items():
        models[name] = {metric: mean_interval(values, folds_per_repeat) for metric, values in metrics.items()}
        if name in probabilities:
            calibrated = [probability[judged] for probability in probabilities[name]]
            models[name][CALIBRATION_ERROR] = calibration_reading(label[judged], calibrated)
    gains = {
        name: {
            metric: mean_interval(read[chosen][metric] - read[name][metric], folds_per_repeat)
            for metric in (ROC_AUC, AVERAGE_PRECISION)
        }
        for name in read
        if name != chosen
    }
    return CrossValidation(
        folds=folds_per_repeat,
        repeats=len(next(iter(scores.values()))),
        rows=judged.size,
        models=models,
        chosen=chosen,
        reason=reason,
        gains=gains,
    )
