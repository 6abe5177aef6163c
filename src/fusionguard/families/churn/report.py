"""The final reading of a churn model: metrics with intervals beside the references, profit, bands, lift, fairness, segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, paired_difference
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.readings import share_reading
from fusionguard.evaluation.report import Report, ReportPart
from fusionguard.families.churn.bands import BandReading, read_bands
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.cross_validation import FOLD_CALIBRATION_BINS
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness import FairnessReport, read_fairness
from fusionguard.families.churn.lift import LiftPoint, ProfitCurve, lift_table, profit_curve
from fusionguard.families.churn.mitigation import MitigationPrice, even_out, price_of
from fusionguard.families.churn.readings import CAMPAIGN_PROFIT, METRIC_LABELS, metric_digits, read_customers_metrics
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.families.churn.segments import SegmentReading, read_segments
from fusionguard.proportions import wilson_interval

CHURN_MODEL = "churn model"


class TestSlice(ReportPart):
    """The customers the reading was taken on."""

    __test__ = False  # pytest takes the name for a test's

    rows: int
    churners: int
    churn_rate: float
    mean_value: float
    """What a customer who stays is worth on average, by the retention settings."""
    value_lost: float
    """What those who left were worth together."""


class Campaign(ReportPart):
    """What the retention policy does on the test slice."""

    offers_per_1000: float
    churners_reached: Interval
    """Share of the customers who left that get an offer."""
    offers_to_churners: Interval
    """Share of the offers that go to customers who left."""
    profit_per_1000: Interval
    profit_if_all_per_1000: float
    """What contacting everybody would earn."""


class ReliabilityBin(ReportPart):
    """Customers of similar probability: what was predicted and what was observed, with Wilson's 95 % interval."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


class ChurnReport(Report):
    """Everything read on the test slice, and what cross-validation said before it."""

    OWN: ClassVar[str] = CHURN_MODEL

    test: TestSlice
    cross_validation: CrossValidation
    policy: RetentionPolicy
    amount: str | None = "balance"
    """What people call the amount that a customer's value grows with; null without one. Older readings are of balances."""
    campaign: Campaign
    bands: tuple[BandReading, ...]
    lift: tuple[LiftPoint, ...]
    profit: ProfitCurve
    reliability: tuple[ReliabilityBin, ...]
    fairness: FairnessReport
    mitigation: MitigationPrice | None
    """What evening out offers by ``fairness.mitigated_attribute``, or the first attribute, changes: done where the policy has
    margins, else offered; null where no group of a customer is told by a request."""
    segments: tuple[SegmentReading, ...]

    def _digits(self, metric: str) -> int:
        return metric_digits(metric)

    @property
    def test_rows(self) -> int:
        """How many customers the reading was taken on."""
        return self.test.rows

    @property
    def test_positives(self) -> int:
        """How many of them left."""
        return self.test.churners

    @property
    def mitigated(self) -> bool:
        """Whether the policy has margins for groups."""
        return bool(self.policy.group_margins)

    def _more_readings(self) -> dict[str, Mapping[str, Interval]]:
        """Return those of cross-validation, ``cv_NAME``, and the gaps between groups."""
        folds = self.cross_validation.models
        named: dict[str, Mapping[str, Interval]] = {"cv_": folds[self.cross_validation.chosen]}
        named |= {self._prefix(model, "cv"): read for model, read in folds.items()}
        return named | {"fairness_": {f"{gap.attribute}_{gap.metric}_gap": gap.value for gap in self.fairness.gaps}}

    def _refusals(self) -> tuple[str, ...]:
        """Return a sentence for each limit of fairness that is broken."""
        return tuple(gap.sentence() for gap in self.fairness.broken)


def evaluate_customers(
    model: ScoredCustomers,
    references: Mapping[str, ScoredCustomers],
    policy: RetentionPolicy,
    comparison: CrossValidation,
    config: ChurnConfig,
    *,
    seen: ScoredCustomers,
    origin: Origin,
    amount: str | None,
    evened_by: str | None,
) -> ChurnReport:
    """Take the final reading.

    Parameters
    ----------
    model
        The test slice as the churn model scores it.
    references
        The same customers as each reference model scores them, by its name.
    policy
        Who gets an offer; applied to the references' probabilities, too.
    comparison
        What cross-validation on the development part said.
    config
        The retention costs, the limits of fairness, how many draws the bootstrap takes, and its seed.
    seen
        The development part, scored out of fold: where a mitigation that is only offered is learned.
    origin
        Where the rows come from: a reading on simulated rows says so wherever it is shown.
    amount
        What people call the amount that a customer's value grows with; None where there is none.
    evened_by
        The attribute by whose groups a policy without bars for groups would be evened out; None where it could not be.

    Raises
    ------
    DataError
        The test slice has one outcome only, or a reference was scored on other rows.
    """
    _check(model, references)
    samples, seed = config.evaluation.bootstrap_samples, config.seed
    everyone = {CHURN_MODEL: model, **references}
    read = {
        name: read_customers_metrics(customers, policy, config.retention, config.evaluation, seed=seed)
        for name, customers in everyone.items()
    }
    offered = policy.decide(model.probability, model.balance, model.groups)
    ones = np.ones(model.rows)
    return ChurnReport(
        origin=origin,
        test=_slice(model, policy),
        metric_labels=METRIC_LABELS,
        metrics=read[CHURN_MODEL],
        references={name: read[name] for name in references},
        gains={
            name: paired_difference(model.label, ones, model.score, customers.score, samples=samples, seed=seed)
            for name, customers in references.items()
        },
        cross_validation=comparison,
        policy=policy,
        amount=amount,
        campaign=_campaign(model, policy, offered, read[CHURN_MODEL][CAMPAIGN_PROFIT]),
        bands=read_bands(model, policy),
        lift=lift_table(model),
        profit=profit_curve(model, policy),
        reliability=_reliability(model),
        fairness=read_fairness(model, offered, config.fairness, samples=samples, seed=seed),
        mitigation=_mitigation(model, seen, policy, evened_by),
        segments=read_segments(model, samples=samples, seed=seed),
        bootstrap_samples=samples,
        seed=seed,
    )


def _check(model: ScoredCustomers, references: Mapping[str, ScoredCustomers]) -> None:
    if not 0 < model.churners < model.rows:
        who = "no customer who left" if model.churners == 0 else "nobody who stayed"
        raise DataError(f"The test slice of {model.rows} customers holds {who}: nothing can be measured.", "Give it more rows.")
    for name, customers in references.items():
        if not np.array_equal(customers.row_number, model.row_number):
            raise DataError(
                f"The reference '{name}' was scored on other customers than the model.", "Score both on the test slice."
            )


def _slice(customers: ScoredCustomers, policy: RetentionPolicy) -> TestSlice:
    value = policy.customer_value(customers.balance)
    return TestSlice(
        rows=customers.rows,
        churners=customers.churners,
        churn_rate=customers.churners / customers.rows,
        mean_value=float(value.mean()),
        value_lost=float(np.sum(value * customers.label)),
    )


def _campaign(customers: ScoredCustomers, policy: RetentionPolicy, offered: np.ndarray, profit: Interval) -> Campaign:
    reached = int(np.count_nonzero(customers.label[offered]))
    offers = int(np.count_nonzero(offered))
    everybody = policy.campaign_profit(customers.label, customers.balance, np.ones(customers.rows, dtype=np.bool_))
    return Campaign(
        offers_per_1000=1000 * offers / customers.rows,
        churners_reached=share_reading(reached, customers.churners, "no churners here"),
        offers_to_churners=share_reading(reached, offers, "no offers here"),
        profit_per_1000=profit,
        profit_if_all_per_1000=float(1000 * everybody.mean()),
    )


def _mitigation(
    model: ScoredCustomers, seen: ScoredCustomers, policy: RetentionPolicy, attribute: str | None
) -> MitigationPrice | None:
    plain = policy.model_copy(update={"group_attribute": None, "group_margins": {}})
    if policy.group_margins:
        return price_of(model, plain, policy)
    if attribute is None or len({str(name) for name in seen.groups[attribute][seen.label == 1]}) < 2:
        return None  # nobody asked for it, and there is nothing to even out
    return price_of(model, plain, even_out(seen, plain, attribute).policy)


def _reliability(customers: ScoredCustomers) -> tuple[ReliabilityBin, ...]:
    order = np.argsort(customers.probability, kind="stable")
    bins = []
    for places in np.array_split(order, FOLD_CALIBRATION_BINS):
        if places.size:
            churned = int(customers.label[places].sum())
            low, high = wilson_interval(churned, places.size)
            predicted = float(customers.probability[places].mean())
            bins.append(ReliabilityBin(rows=places.size, predicted=predicted, observed=churned / places.size, low=low, high=high))
    return tuple(bins)
