"""Possible outcomes of scored rows, drawn from their probabilities: what estimates without labels rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.scored import Flags, Floats
from fusionguard.monitoring.calibration import CalibrationLine

PRECISION, RECALL = "precision", "recall"

MOST_GROUPS = 4_096
"""Rows of neighbouring score are drawn together, so that millions of rows cost no more than thousands."""


@dataclass(frozen=True)
class ScoreGroups:
    """Rows in groups of falling score; a group is treated as a tie.

    Parameters
    ----------
    rows, flagged_rows
        (g,) how many rows each group has, and how many of them the model flagged.
    probability, flagged_probability
        (g,) the mean probability of the rows that are not flagged, and of those that are; 0 where there are none.
    """

    rows: Floats
    flagged_rows: Floats
    probability: Floats
    flagged_probability: Floats

    @classmethod
    def read(cls, table: Table) -> ScoreGroups:
        """Return what :meth:`write` has written."""
        groups = table.read([field.name for field in fields(cls)])
        return cls(*(column.to_numpy() for column in groups.columns))

    def write(self, file: Path) -> Table:
        """Write the groups to a parquet file, in their order."""
        pq.write_table(pa.table({field.name: getattr(self, field.name) for field in fields(self)}), file)
        return Table(file)

    @property
    def plain_rows(self) -> Floats:
        """(g,) how many rows are not flagged."""
        return self.rows - self.flagged_rows

    def recalibrated(self, line: CalibrationLine) -> ScoreGroups:
        """Return the same rows with all probabilities moved along a line."""
        return ScoreGroups(
            self.rows,
            self.flagged_rows,
            np.where(self.plain_rows > 0, line.apply(self.probability), 0.0),
            np.where(self.flagged_rows > 0, line.apply(self.flagged_probability), 0.0),
        )

    @property
    def expected(self) -> tuple[float, float]:
        """How many positives are expected among the rows that are flagged, and among the others."""
        return float(self.flagged_rows @ self.flagged_probability), float(self.plain_rows @ self.probability)


def group_window(window: Table, flagged: str) -> ScoreGroups:
    """Group the rows of a window of the log, whose model decides ``flagged`` of some; see :func:`group_scores`."""
    rows = window.read(["probability", "score", "decision"])
    is_flagged = pc.equal(rows["decision"], flagged).to_numpy()
    return group_scores(rows["probability"].to_numpy(), is_flagged, rows["score"].to_numpy())


def group_scores(probability: Floats, flagged: Flags, score: Floats | None = None) -> ScoreGroups:
    """Group rows, (n,) each, by ``score`` (the probability where None), at most about :data:`MOST_GROUPS` of them.

    Groups are small both where rows are many and where positives are: each border is a step of half the share of rows plus half
    the share of expected positives. Rows of equal score are never parted.

    Raises
    ------
    DataError
        Columns of different length, a probability outside [0, 1].
    """
    _check(probability, flagged, score)
    if not probability.size:
        return ScoreGroups(*(np.empty(0) for _ in fields(ScoreGroups)))
    ranks = probability if score is None else score
    order = np.argsort(-ranks, kind="stable")
    ranked, p, alert = ranks[order], probability[order], flagged[order].astype(np.float64)
    expected = p.sum()
    weight = np.cumsum(p / expected if expected > 0 else np.zeros_like(p)) / 2 + np.arange(1, p.size + 1) / p.size / 2
    part = np.minimum((weight * MOST_GROUPS).astype(np.int64), MOST_GROUPS)
    # A border counts only between different scores: the whole tie goes with its first row.
    new_score = np.append(True, ranked[1:] != ranked[:-1])
    part = part[np.maximum.accumulate(np.where(new_score, np.arange(p.size), 0))]
    starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    rows = np.diff(np.append(starts, p.size)).astype(np.float64)
    flagged_rows = np.add.reduceat(alert, starts)
    of_flagged, of_all = np.add.reduceat(alert * p, starts), np.add.reduceat(p, starts)
    return ScoreGroups(rows, flagged_rows, _mean(of_all - of_flagged, rows - flagged_rows), _mean(of_flagged, flagged_rows))


def draw_outcomes(groups: ScoreGroups, line: CalibrationLine | None, samples: int, seed: int) -> dict[str, Floats]:
    """Draw outcomes ``samples`` times, each along another line; return (samples,) each of confusion's counts and of metrics."""
    generator = np.random.default_rng(seed)
    rows, flagged = float(groups.rows.sum()), float(groups.flagged_rows.sum())
    drawn: dict[str, list[float]] = {}
    for chosen in repeat(groups, samples) if line is None else map(groups.recalibrated, line.draws(generator, samples)):
        plain, caught = draw_positives(chosen, generator)
        positives, true = float(plain.sum() + caught.sum()), float(caught.sum())
        auc, average_precision = read_ranking(groups.rows, plain + caught)
        values = {
            "true_positives": true,
            "false_positives": flagged - true,
            "false_negatives": positives - true,
            "true_negatives": rows - flagged - positives + true,
            PRECISION: true / flagged if flagged else math.nan,
            RECALL: true / positives if positives else math.nan,
            ROC_AUC: auc,
            AVERAGE_PRECISION: average_precision,
        }
        for name, value in values.items():
            drawn.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in drawn.items()}


def draw_positives(groups: ScoreGroups, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw how many rows of each group turn out positive, (g,) each: those not flagged, and those flagged.

    A group's positives are binomial with its mean probability, which varies a little more than the sum of its rows' own draws
    (Hoeffding, "On the distribution of the number of successes in independent trials", Ann. Math. Stat. 27, 1956).
    """
    plain = generator.binomial(groups.plain_rows.astype(np.int64), groups.probability)
    flagged = generator.binomial(groups.flagged_rows.astype(np.int64), groups.flagged_probability)
    return plain.astype(np.float64), flagged.astype(np.float64)


def read_ranking(rows: Floats, positives: Floats) -> tuple[float, float]:
    """Return ROC AUC and average precision of groups (g,) of falling score; NaN where one class is absent."""
    negatives = rows - positives
    if positives.sum() <= 0:
        return float("nan"), float("nan")
    caught, false = np.cumsum(positives), np.cumsum(negatives)
    average_precision = float(np.sum(positives / caught[-1] * caught / (caught + false)))
    if false[-1] <= 0:
        return float("nan"), average_precision
    beaten = false[-1] - false + negatives / 2
    return float(np.sum(positives * beaten) / (caught[-1] * false[-1])), average_precision


def _mean(total: Floats, count: Floats) -> Floats:
    return np.clip(np.divide(total, count, out=np.zeros_like(total), where=count > 0), 0.0, 1.0)


def _check(probability: Floats, flagged: Flags, score: Floats | None) -> None:
    if flagged.shape != probability.shape or (score is not None and score.shape != probability.shape):
        raise DataError("Probabilities, flags and scores must have one length.", "Read them from the same rows.")
    if not bool(((probability >= 0) & (probability <= 1)).all()):
        raise DataError("A probability lies outside [0, 1] or is missing.", "Check how the rows were scored.")
