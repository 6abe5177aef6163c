"""Reading customers with a churn model and the references: scores beside outcomes, balances, groups; and the final reading."""

from __future__ import annotations

from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.churn.calibration import fit_platt
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.groups import mitigated_attribute
from fusionguard.families.churn.model import ChurnModel, load
from fusionguard.families.churn.out_of_fold import OutOfFold
from fusionguard.families.churn.references import REFERENCES, score_reference
from fusionguard.families.churn.report import ChurnReport, evaluate_customers
from fusionguard.families.churn.rows import read_customers, scored_customers
from fusionguard.families.churn.wording import amount_name
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.bundle import Bundle


def evaluate_churn_model(
    bundle: Bundle, features: Table, plan: HoldoutPlan, scored: OutOfFold, comparison: CrossValidation, config: ChurnConfig
) -> ChurnReport:
    """Take the final reading: what a bundle's model is worth on the test slice, beside references, with intervals.

    Parameters
    ----------
    scored, comparison
        The out-of-fold scores that the model was chosen by, and the comparison that chose it.

    Raises
    ------
    BundleError
        The bundle is damaged, or is no churn model.
    DataError
        The test slice has one outcome only, or the plan is another table's.
    """
    model = load(bundle)
    evened = mitigated_attribute(model.features, config.fairness)
    return evaluate_customers(
        read_test(model, features, plan),
        read_references(features, model.features, plan, scored, seed=config.seed),
        model.policy,
        comparison,
        config,
        seen=read_development(model, features, plan, scored),
        origin=bundle.manifest.origin,
        amount=amount_name(model.features),
        evened_by=None if evened is None else evened.name,
    )


def read_test(model: ChurnModel, features: Table, plan: HoldoutPlan) -> ScoredCustomers:
    """Score the test slice with a model."""
    customers, _ = read_customers(features, model.features)
    _, test = plan.places(plan.planned(features))
    scores = model.score_customers(customers.take(test))
    return scored_customers(features, model.features, test, scores.probability, scores.score)


def read_references(
    features: Table, definition: FeatureDefinition, plan: HoldoutPlan, scored: OutOfFold, *, seed: int
) -> dict[str, ScoredCustomers]:
    """Fit each reference on the development part, calibrate it by its own out-of-fold scores, and score the test slice.

    Where folds are of a sample, references are fitted on that: they are to compare with, and some would need the memory of
    several tables for all rows.
    """
    customers, label = read_customers(features, definition)
    planned = plan.planned(features)
    folded, (_, test) = plan.folded_places(planned), plan.places(planned)
    read = {}
    for name in REFERENCES:
        line = fit_platt(*scored.stacked(name))
        logit = line.logit(score_reference(name, customers.take(folded), label[folded], customers.take(test), seed=seed))
        read[name] = scored_customers(features, definition, test, sigmoid(logit), logit)
    return read


def read_development(model: ChurnModel, features: Table, plan: HoldoutPlan, scored: OutOfFold) -> ScoredCustomers:
    """Return the rows that folds judge as the first repeat's out-of-fold models see them, calibrated as ``model`` is."""
    folded = plan.folded_places(plan.planned(features))
    line = model.combination.calibration
    score = scored.scores[model.combination.chosen][0][scored.judged]
    return scored_customers(features, model.features, folded[scored.judged], line.probability(score), line.logit(score))
