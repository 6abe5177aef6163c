"""The sections on what the model is for, what it was made from, and where its use ends."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import clock, count, percent, table
from fusionguard.evaluation.card.sections import origin, paragraphs, reproduction, search, training
from fusionguard.evaluation.splits import SLICE_USES, Slice
from fusionguard.families.fraud.card.inputs import FraudCardInputs
from fusionguard.families.fraud.report import EvaluationReport

_ORIGINS = {
    "kaggle": "real card transactions, downloaded from Kaggle",
    "local": "a local file in Kaggle's layout",
    "simulated": "SIMULATED transactions",
}


def intended_use(_: FraudCardInputs) -> str:
    """Say what the model is for, and what it is not for."""
    return (
        "The model puts a calibrated probability of fraud on single card transactions. With the decision policy below it says"
        " which of them an analyst should look at. It is meant for ranking and reviewing transactions, for teaching, and as a"
        " baseline for research.\n\n"
        "It is **not** meant to block payments or to judge people without a human look, and it is not meant for transactions"
        " that were prepared differently from those below: its inputs are principal components that only their publisher can"
        " compute."
    )


def data(inputs: FraudCardInputs) -> str:
    """Say where the rows come from and what was done to them."""
    manifest = inputs.features
    more = [
        ("exact duplicates dropped", count(manifest.duplicates_dropped)),
        ("rows after that", count(manifest.rows)),
        ("time spanned", f"{inputs.time_span_days:.2f} days"),
    ]
    return paragraphs(
        "Each row is one transaction: its time, its amount and 28 anonymised components (V1 to V28), with a label that says"
        " whether it was fraud. Exact duplicates are dropped before anything is split, so that no row can be in two slices.",
        origin(inputs.provenance, manifest, _ORIGINS[inputs.provenance.origin], more),
        _prior(inputs),
    )


def _moments(part: Slice) -> tuple[str, str]:
    if part.first_second is None or part.last_second is None:
        return "–", "–"
    return clock(part.first_second), clock(part.last_second)


def protocol(inputs: FraudCardInputs) -> str:
    """Say which rows were used for what."""
    slices = inputs.plan.slices()
    rows = [(name, count(part.rows), count(part.positives), *_moments(part), SLICE_USES[name]) for name, part in slices.items()]
    return paragraphs(
        "The rows are cut in order of time, because a model in use only ever sees the past. Each slice has one use, and nothing"
        " is fitted on a slice it is judged on; the test slice is read once, at the end. Results of random splits, which mix past"
        " and future, are usually higher and not comparable.",
        table(("slice", "rows", "frauds", "from", "to", "used for"), rows, left=(0, 3, 4, 5)),
        "Boosted trees and an autoencoder of legitimate transactions are trained apart. A logistic layer on the calibration"
        " slice joins the trees' margin and the autoencoder's error and turns them into a probability in one step; it uses the"
        " trees alone where the autoencoder adds nothing.",
        _tuning(inputs),
        training(inputs.training),
    )


def _tuning(inputs: FraudCardInputs) -> str:
    if not inputs.searched:
        return ""
    folds = "folds of the train slice that go forward in time, by the trees alone"
    return f"**The trees' hyperparameters.** {search(inputs.searched, folds)}"


def limits(inputs: FraudCardInputs) -> str:
    """Say what the numbers cannot tell."""
    report = inputs.evaluation
    small = report.policy.review_cost + report.policy.minimum_expected_saving
    unseen = "no week, no season" if inputs.time_span_days < 14 else "no season"
    points = [
        f"**Little time.** The data spans {inputs.time_span_days:.1f} days and the test window {report.test.days * 24:.1f} hours:"
        f" {unseen}, no change of the fraudsters' habits can be seen in it. Expect the model to age.",
        f"**Few frauds.** The test window holds {count(report.test.frauds)} of them. The intervals say what that is worth, and"
        " those of the slices are wide. They cover chance in the rows, not a change of the world.",
        "**Anonymised inputs.** V1 to V28 have no names, so reasons name components, not causes; and without card, customer or"
        " merchant the model cannot see a card's habits. The same holds for fairness: there is nothing to measure it by.",
        "**Labels as they were published.** How long it took until a fraud was known is not recorded. In use, the latest days"
        " are not labelled yet, and frauds that nobody noticed count as legitimate here.",
        f"**Small amounts are let through.** A transaction of an amount up to {small:.2f} never becomes an alert, whatever its"
        " probability, because it is not worth a review; fraudsters who test cards with small amounts stay unseen.",
        "**Costs are simplified.** A missed fraud costs its amount and a review always the same; chargebacks, annoyed customers"
        " and recovered money are not in the savings.",
    ]
    if report.simulated:
        first = "**Simulated data.** The simulator imitates published statistics of real transactions; real fraud is less tidy."
        points.insert(0, first)
    if inputs.provenance.negative_sampling_rate < 1:
        weight = inputs.provenance.negative_weight
        points.append(
            f"**Sampled rows.** Each legitimate row stands for {weight:.1f} real ones. Weights bring the metrics back to the"
            " real prior; what rests on few high-scored legitimate rows, such as precision, is noisier than on the full data."
        )
    return "\n".join(f"- {point}" for point in points)


def reproduce(inputs: FraudCardInputs) -> str:
    """Say which command makes this model again, and what must be the same for that."""
    rate = inputs.provenance.negative_sampling_rate
    beside = f" Beside it lies `FILE.source.yaml` with the line `negative_sampling_rate: {rate!r}`." if rate < 1 else ""
    return reproduction("fraud", inputs.provenance, inputs.config, inputs.versions, beside)


def _prior(inputs: FraudCardInputs) -> str:
    report: EvaluationReport = inputs.evaluation
    rate = percent(report.test.fraud_rate, 3)
    if inputs.provenance.negative_sampling_rate >= 1:
        return f"Nothing was sampled: in the test window {rate} of the transactions are fraud."
    return (
        f"The source kept {percent(inputs.provenance.negative_sampling_rate, 2)} of the legitimate transactions and every fraud."
        f" Each legitimate row is therefore counted {inputs.provenance.negative_weight:.1f} times in every metric, and"
        f" probabilities are those of the real prior: in the test window {rate} of {count(report.test.transactions)} transactions"
        " are fraud."
    )
