"""How well the model does before labels arrive, estimated from its own calibrated probabilities, and when not to trust that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, percentile_interval
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring.calibration import CalibrationLine, CalibrationReading
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.score_groups import PRECISION, RECALL, ScoreGroups, draw_outcomes
from fusionguard.monitoring.thresholds import MonitoringThresholds

Trust = Literal["yes", "with care", "no"]


class ExpectedConfusion(BaseModel):
    """How many rows are expected in each cell, with 95 % intervals; cells of a row add up to what the model decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    true_positives: Interval
    false_positives: Interval
    false_negatives: Interval
    true_negatives: Interval


class PerformanceEstimate(BaseModel):
    """Metrics that labels would show if the probabilities are right, each with a 95 % band."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    flagged: int
    expected_positives: float
    confusion: ExpectedConfusion
    metrics: dict[str, Interval]
    """``precision``, ``recall``, ``roc_auc``, ``average_precision``; those of ranking are of the window's rows."""
    trust: Trust
    reasons: tuple[str, ...]
    """Why it is to be taken with care or not to be trusted."""
    line: CalibrationLine | None
    """The calibration it starts from; None where the probabilities were taken as they are."""
    samples: int
    seed: int

    def sentence(self) -> str:
        """Say in one sentence what is expected, and how far to trust it."""
        read = self.metrics
        by = f" by the calibration of {self.line.source}" if self.line is not None else ""
        found = f"expected{by}: precision {read[PRECISION].text()}, recall {read[RECALL].text()}, ROC AUC {read[ROC_AUC].text()}"
        doubts = {"yes": "", "with care": "; with care", "no": "; not to be trusted"}[self.trust]
        return f"{found}{doubts}{': ' + '; '.join(self.reasons) if self.reasons else ''}"


def estimate_performance(
    groups: ScoreGroups,
    *,
    calibration: CalibrationReading | None = None,
    evaluated: CalibrationLine | None = None,
    drift: Sequence[Finding] = (),
    thresholds: MonitoringThresholds | None = None,
    samples: int = 400,
    seed: int = 7,
) -> PerformanceEstimate:
    """Estimate precision, recall, ROC AUC and average precision from calibrated probabilities.

    Confidence-based performance estimation: a flagged row of probability p is a true positive with chance p and a false positive
    with 1 - p, any other a false negative with p and a true negative with 1 - p, and the expected confusion matrix is their sum
    (NannyML, "Estimation of performance of the monitored model", CBPE; the idea of reading accuracy off confidences is that of
    Garg et al., "Leveraging unlabeled data to predict out-of-distribution performance", ICLR 2022). The count of true positives
    is Poisson-binomial. Here outcomes are drawn ``samples`` times: a metric's value is its mean over the draws and its band their
    2.5th to 97.5th percentile, so that few positives show as a wide band.

    Probabilities are first moved along the line that outcomes have shown (:mod:`~.calibration`): that of the last labels where
    they hold enough of both classes, else that of the champion's evaluation; and each draw takes another line that agrees with
    those outcomes as well. Without that, what a model says of its many safe rows counts as truth, though a few positives among
    them decide the ROC AUC: of simulated transactions the band then missed the truth in one window of five, not of twenty.

    It holds under covariate shift as long as probabilities stay calibrated. It cannot see concept drift: the model's own belief
    is all it knows. ``trust`` says what is known about that.

    Parameters
    ----------
    groups
        The window's rows, from :func:`~.score_groups.group_window`.
    calibration
        The last reading with labels, of :func:`~.calibration.read_calibration`; None where there has been none.
    evaluated
        The line of the champion's evaluation; None where it is not known.
    drift
        What :func:`~.drift.read_drift` found in the window.
    samples, seed
        How many draws, and where they start.

    Raises
    ------
    DataError
        There are no rows.
    """
    if not groups.rows.size:
        raise DataError("Performance cannot be estimated: there are no rows.", "Choose a window with rows.")
    limits, flagged = thresholds or MonitoringThresholds(), float(groups.flagged_rows.sum())
    line = _line(calibration, evaluated, limits)
    drawn = draw_outcomes(groups, line, samples, seed)
    caught, missed = (groups if line is None else groups.recalibrated(line)).expected
    trust, reasons = _trust(caught + missed, caught, calibration, line, drift, limits)
    return PerformanceEstimate(
        rows=int(groups.rows.sum()),
        flagged=int(flagged),
        expected_positives=caught + missed,
        confusion=ExpectedConfusion(
            true_positives=percentile_interval(caught, drawn["true_positives"]),
            false_positives=percentile_interval(flagged - caught, drawn["false_positives"]),
            false_negatives=percentile_interval(missed, drawn["false_negatives"]),
            true_negatives=percentile_interval(float(groups.plain_rows.sum()) - missed, drawn["true_negatives"]),
        ),
        metrics={name: _metric(name, drawn[name]) for name in (PRECISION, RECALL, ROC_AUC, AVERAGE_PRECISION)},
        trust=trust,
        reasons=tuple(reasons),
        line=line,
        samples=samples,
        seed=seed,
    )


def _line(
    calibration: CalibrationReading | None, evaluated: CalibrationLine | None, limits: MonitoringThresholds
) -> CalibrationLine | None:
    """Labels that are recent tell more than those of the evaluation, if there are enough of them."""
    if calibration is None or calibration.line is None:
        return evaluated
    enough = min(calibration.positives, calibration.rows - calibration.positives) >= limits.minimum_positives
    return calibration.line if enough or evaluated is None else evaluated


def _trust(
    expected: float,
    expected_caught: float,
    calibration: CalibrationReading | None,
    line: CalibrationLine | None,
    drift: Sequence[Finding],
    limits: MonitoringThresholds,
) -> tuple[Trust, list[str]]:
    broken, care = [], []
    if expected < limits.minimum_positives:
        broken.append(f"only {expected:.1f} positives are expected, fewer than {limits.minimum_positives}")
    elif expected_caught < limits.minimum_positives:
        care.append(f"only {expected_caught:.1f} of them are expected among the flagged rows")
    if line is None:
        care.append("nothing tells how sure the calibration is: the band holds chance alone")
    if calibration is None:
        care.append("no labels have confirmed the calibration since training")
    elif calibration.finding is not None and calibration.finding.level != "none":
        broken.append(f"at the last labels, {calibration.finding.sentence}")
    grave = [finding for finding in drift if finding.level == "act"]
    upstream = sorted({"some rows" if finding.subject == "rows" else finding.subject for finding in grave if finding.is_broken})
    moved = sorted({finding.subject for finding in grave if finding.is_of_rows and not finding.is_broken})
    if upstream:
        broken.append(f"the data of {', '.join(upstream)} look broken, and probabilities with them")
    elif moved:
        care.append(f"the rows differ much from the training data ({', '.join(moved[:5])}), where calibration is unproven")
    elif grave:
        care.append("the model's answers differ much from those of the training, where calibration is unproven")
    return ("no" if broken else "with care" if care else "yes"), [*broken, *care]


def _metric(name: str, drawn: Floats) -> Interval:
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return Interval(reason="no row is flagged" if name == PRECISION else "one class only is expected")
    return percentile_interval(float(drawn.mean()), drawn)
