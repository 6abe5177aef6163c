"""How a churn model does on parts of the test slice: does it rank and count well within each group, not only between them?"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval, Reader, intervals
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.families.churn.customers import ScoredCustomers


class SegmentReading(BaseModel):
    """One group of one attribute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    group: str
    rows: int
    churners: int
    churn_rate: float
    mean_probability: float
    roc_auc: Interval
    average_precision: Interval


def read_segments(customers: ScoredCustomers, *, samples: int, seed: int) -> tuple[SegmentReading, ...]:
    """Read every group of every attribute that has customers, in the order in which people read them."""
    return tuple(
        _read(attribute, name, customers.take(names == name), samples, seed)
        for attribute, names in customers.groups.items()
        for name in customers.groups_of(attribute)
    )


def _read(attribute: str, group: str, part: ScoredCustomers, samples: int, seed: int) -> SegmentReading:
    if 0 < part.churners < part.rows:
        ranking = Ranking(part.label, part.score)
        readers: dict[str, Reader] = {ROC_AUC: ranking.roc_auc, AVERAGE_PRECISION: ranking.average_precision}
        ones = np.ones(part.rows)
        values = {name: read(ones) for name, read in readers.items()}
        read = intervals(part.label, ones, values, readers, samples=samples, seed=seed)
    else:
        reason = "no churners here" if part.churners == 0 else "nobody stayed here"
        read = dict.fromkeys((ROC_AUC, AVERAGE_PRECISION), Interval(reason=reason))
    return SegmentReading(
        attribute=attribute,
        group=group,
        rows=part.rows,
        churners=part.churners,
        churn_rate=part.churners / part.rows,
        mean_probability=float(part.probability.mean()),
        roc_auc=read[ROC_AUC],
        average_precision=read[AVERAGE_PRECISION],
    )
