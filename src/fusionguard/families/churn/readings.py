"""One model's metrics on scored customers, each with its interval."""

from __future__ import annotations

import numpy as np

from fusionguard.config import EvaluationConfig
from fusionguard.evaluation.bootstrap import Interval, Reader, intervals
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.ranked import CalibrationBins, Ranking
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR, COMMON_LABELS, ROC_AUC, mean_reader
from fusionguard.evaluation.scored import Floats
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.cross_validation import CALIBRATION_BINS
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.empc import ProfitReader
from fusionguard.families.churn.retention import RetentionPolicy

TOP_LIFT = "lift_in_top_tenth"
EMPC = "expected_maximum_profit"
CAMPAIGN_PROFIT = "campaign_profit_per_1000"

METRIC_LABELS: dict[str, str] = {
    **COMMON_LABELS,
    TOP_LIFT: "lift in the top tenth",
    EMPC: "EMPC, profit per customer",
    CAMPAIGN_PROFIT: "campaign profit per 1,000 customers",
}
"""Every metric's name for people, in reading order."""

_DIGITS = {CALIBRATION_ERROR: 4, BRIER: 4, TOP_LIFT: 2, EMPC: 2, CAMPAIGN_PROFIT: 0}
_TOP = 0.1


def metric_digits(name: str) -> int:
    """Return how many decimals a metric is worth printing with."""
    return _DIGITS.get(name, 3)


def read_customers_metrics(
    customers: ScoredCustomers,
    policy: RetentionPolicy,
    retention: RetentionConfig,
    config: EvaluationConfig,
    *,
    seed: int,
) -> dict[str, Interval]:
    """Read all metrics of one model on customers of both outcomes, with bootstrap intervals stratified by outcome.

    EMPC takes one mean value for all customers, as it is defined; campaign profit is that of ``policy``, which knows each
    customer's own. The two are therefore not the same number.
    """
    label, score, probability = customers.label, customers.score, customers.probability
    offered = policy.decide(probability, customers.balance, customers.groups)
    profit = 1000 * policy.campaign_profit(label, customers.balance, offered)
    ranking, bins = Ranking(label, score), CalibrationBins(label, probability, CALIBRATION_BINS)
    empc = ProfitReader(
        label,
        score,
        customer_value=float(policy.customer_value(customers.balance).mean()),
        offer_cost=policy.offer_cost,
        contact_cost=policy.contact_cost,
        alpha=retention.acceptance_alpha,
        beta=retention.acceptance_beta,
    )
    readers: dict[str, Reader] = {
        AVERAGE_PRECISION: ranking.average_precision,
        ROC_AUC: ranking.roc_auc,
        CALIBRATION_ERROR: bins.error,
        BRIER: mean_reader((probability - label) ** 2),
        TOP_LIFT: _TopLift(label, score).read,
        EMPC: empc.expected_maximum_profit,
        CAMPAIGN_PROFIT: mean_reader(profit),
    }
    ones = np.ones(customers.rows)
    values = {name: readers[name](ones) for name in METRIC_LABELS}
    return intervals(label, ones, values, readers, samples=config.bootstrap_samples, seed=seed)


class _TopLift:
    """The churn rate among the tenth of the customers with the highest scores, over the churn rate of all; ties in proportion."""

    def __init__(self, label: Labels, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        ranked = score[self._order]
        self._churned = label[self._order].astype(np.float64)
        self._starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))

    def read(self, weight: Floats) -> float:
        """Return the lift where row i stands for ``weight[i]`` customers; NaN without churners."""
        ranked = weight[self._order]
        customers = np.cumsum(np.add.reduceat(ranked, self._starts))
        churners = np.cumsum(np.add.reduceat(ranked * self._churned, self._starts))
        if churners[-1] <= 0:
            return np.nan
        wanted = _TOP * customers[-1]
        caught = float(np.interp(wanted, np.append(0.0, customers), np.append(0.0, churners)))
        return float((caught / wanted) / (churners[-1] / customers[-1]))
