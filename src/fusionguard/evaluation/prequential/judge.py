"""Makes the report of what models say of the judged rows of some folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fusionguard.evaluation.prequential.folds import DatedRows, PrequentialFold, PrequentialPlan
from fusionguard.evaluation.prequential.reading import FoldsReader, JudgedRows, Readings, perfect_precision
from fusionguard.evaluation.prequential.report import (
    AMOUNT_RECALL,
    OWNER_PRECISION,
    RECALL,
    AmountBand,
    FoldReport,
    FoldRows,
    OlderModels,
    PrequentialReport,
    ValidatedBy,
)
from fusionguard.evaluation.readings import AVERAGE_PRECISION, COMMON_LABELS, ROC_AUC
from fusionguard.evaluation.scored import Floats

Scores = Sequence[Floats | None]
"""What a model, or several that were made alike, say of each fold's judged rows, (n,) each; None where there is none."""

QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class FoldedRows:
    """The folds of a table.

    Parameters
    ----------
    rows, plan, folds
        All rows, how they are folded, and the folds.
    judged
        The judged rows of each fold.
    by
        What owners are called.
    checked
        How many of them are looked at on a day.
    edges
        Amounts at which bands begin; None for the quarters of the judged positive rows.
    """

    rows: DatedRows
    plan: PrequentialPlan
    folds: Sequence[PrequentialFold]
    judged: Sequence[JudgedRows]
    by: str
    checked: int
    edges: tuple[float, ...] | None = None

    @property
    def amount_edges(self) -> tuple[float, ...]:
        """Where bands of amounts begin; none where rows have no amounts."""
        amounts = [rows.amount[rows.label == 1] for rows in self.judged if rows.amount is not None]
        if not amounts:
            return ()
        if self.edges is not None:
            return self.edges
        told = np.concatenate(amounts)
        told = told[~np.isnan(told)]
        return tuple(dict.fromkeys(np.round(np.quantile(told, QUARTERS), 2).tolist())) if told.size else ()


def judge_folds(
    folded: FoldedRows,
    own: str,
    scores: Mapping[str, Scores],
    older: Mapping[int, Scores],
    *,
    simulated: bool,
    sampled: bool,
    test_day: int | None,
    samples: int,
    seed: int,
) -> PrequentialReport:
    """Read every model on every fold.

    Parameters
    ----------
    own, scores
        The name of the family's own model, and what it and the references say, by their names.
    older
        What the own model says where it is made so many days earlier.
    simulated, sampled
        Whether a simulator made the rows, and whether negative ones were left out.
    test_day
        The day on which the test slice begins; None where there is none.
    samples, seed
        How many draws of owners, and where they start.
    """
    edges = folded.amount_edges
    reader = FoldsReader(folded.judged, checked=folded.checked, edges=edges, samples=samples, seed=seed)
    read = {name: reader.read(each) for name, each in scores.items()}
    perfect = [perfect_precision(rows, folded.checked) for rows in folded.judged]
    days = [fold.made_day + number for fold in folded.folds for number in range(folded.plan.judged_days)]
    too_old = tuple(age for age, each in older.items() if all(one is None for one in each))
    return PrequentialReport(
        simulated=simulated,
        protocol=_protocol(folded),
        own=own,
        metric_labels=_labels(folded, read[own]),
        folds=tuple(
            FoldReport(
                rows=_fold_rows(folded, number),
                readings={name: each.fold(number) for name, each in read.items()},
                perfect=perfect[number],
            )
            for number in range(len(folded.folds))
        ),
        mean={name: each.mean() for name, each in read.items()},
        perfect=float(np.mean(perfect)),
        gains={name: read[own].change(each) for name, each in read.items() if name != own},
        bands=_bands(edges, read, own) if edges else (),
        older=tuple(_older(age, read[own], reader, each) for age, each in older.items() if age not in too_old),
        too_old_days=too_old,
        shared_days=0 if test_day is None else sum(day >= test_day for day in days),
        sampled=sampled,
        bootstrap_samples=samples,
        seed=seed,
    )


def _labels(folded: FoldedRows, own: Readings) -> dict[str, str]:
    labels = {
        AVERAGE_PRECISION: COMMON_LABELS[AVERAGE_PRECISION],
        ROC_AUC: COMMON_LABELS[ROC_AUC],
        OWNER_PRECISION: f"{folded.by} precision@{folded.checked}",
        RECALL: "recall",
        AMOUNT_RECALL: "recall by amount",
    }
    return {name: label for name, label in labels.items() if name in own.mean()}


def _protocol(folded: FoldedRows) -> ValidatedBy:
    plan = folded.plan
    return ValidatedBy(
        learned_days=plan.learned_days,
        wait_days=plan.wait_days,
        judged_days=plan.judged_days,
        blocked_days=plan.blocked_days,
        checked=folded.checked,
        by=folded.by,
    )


def _fold_rows(folded: FoldedRows, number: int) -> FoldRows:
    fold, judged, label = folded.folds[number], folded.judged[number], folded.rows.label
    return FoldRows(
        learned_rows=int(np.count_nonzero(fold.learned)),
        learned_positives=int(np.count_nonzero(label[fold.learned])),
        made_day=fold.made_day,
        last_day=fold.made_day + folded.plan.judged_days - 1,
        judged_rows=judged.label.size,
        judged_positives=int(np.count_nonzero(judged.label)),
        owners=judged.owners.size,
        positive_owners=np.unique(judged.owner[judged.label == 1]).size,
        blocked_rows=fold.blocked_rows,
    )


def _bands(edges: tuple[float, ...], read: Mapping[str, Readings], own: str) -> tuple[AmountBand, ...]:
    ends = [None, *edges, None]
    return tuple(
        AmountBand(
            low=ends[number],
            high=ends[number + 1],
            positives=int(read[own].positives[0, number]),
            recall={name: each.band(number) for name, each in read.items()},
        )
        for number in range(len(edges) + 1)
    )


def _older(age: int, own: Readings, reader: FoldsReader, scores: Scores) -> OlderModels:
    folds = [number for number, score in enumerate(scores) if score is not None]
    read = reader.read(scores)
    return OlderModels(days=age, folds=len(folds), fresh=own.mean(folds), older=read.mean(folds), change=read.change(own, folds))
