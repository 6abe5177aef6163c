"""One model's metrics on scored customers, each with its interval."""

from __future__ import annotations

import numpy as np

from fusionguard.config import EvaluationConfig
from fusionguard.evaluation.bootstrap import Interval, Reader, intervals
from fusionguard.evaluation.ranked import CalibrationBins, Ranking, TopShare
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR, COMMON_LABELS, ROC_AUC, mean_reader
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.cross_validation import FOLD_CALIBRATION_BINS
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
TOP = 0.1
"""The share of the customers of highest risk that the lift is read of."""


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
    ranking, bins, top = Ranking(label, score), CalibrationBins(label, probability, FOLD_CALIBRATION_BINS), TopShare(label, score)
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
        TOP_LIFT: lambda weight: top.lift(weight, TOP),
        EMPC: empc.expected_maximum_profit,
        CAMPAIGN_PROFIT: mean_reader(profit),
    }
    ones = np.ones(customers.rows)
    values = {name: readers[name](ones) for name in METRIC_LABELS}
    return intervals(label, ones, values, readers, samples=config.bootstrap_samples, seed=seed)
