"""The sections on what the model is for, how it was made, and where its use ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from fusionguard.evaluation.card.markdown import clock, count, table
from fusionguard.evaluation.card.past import reads_of_the_past
from fusionguard.evaluation.card.sections import paragraphs, reproduction, search, training
from fusionguard.evaluation.splits import SLICE_USES, Slice
from fusionguard.families.fraud.card import shipped
from fusionguard.families.fraud.card.inputs import FraudCardInputs


def intended_use(inputs: FraudCardInputs) -> str:
    """Say what the model is for, and what it is not for."""
    other = "" if inputs.declared is not None else f": {shipped.NOT_FOR_OTHERS}"
    what = "single card transactions" if inputs.declared is None else "single rows of its data set"
    return (
        f"The model puts a calibrated probability of fraud on {what}. With the decision policy below it says"
        " which of them an analyst should look at. It is meant for ranking and reviewing transactions, for teaching, and as a"
        " baseline for research.\n\n"
        "It is **not** meant to block payments or to judge people without a human look, and it is not meant for transactions"
        f" that were prepared differently from those below{other}."
    )


def protocol(inputs: FraudCardInputs) -> str:
    """Say which rows were used for what."""
    slices, timed = inputs.plan.slices(), inputs.plan.timed
    rows = [
        (name, count(part.rows), count(part.positives), *_moments(inputs, part), SLICE_USES[name])
        for name, part in slices.items()
    ]
    span = ("from", "to") if timed else ()
    return paragraphs(
        _cut(inputs),
        table(("slice", "rows", "frauds", *span, "used for"), rows, left=(0, 3, 4, 5)),
        _unknown(inputs),
        _parts(inputs),
        _tuning(inputs),
        training(inputs.training),
    )


def _unknown(inputs: FraudCardInputs) -> str:
    left_out = sum(part.unknown_rows for part in inputs.plan.slices().values())
    if not left_out:
        return ""
    return (
        f"{count(left_out)} rows are in no slice: their outcome was not known yet when the test slice begins, or when the data"
        " ends, and a model that learned from them would have known the future."
    )


def _moments(inputs: FraudCardInputs, part: Slice) -> tuple[str, ...]:
    """Return when the rows begin and end that are used of a slice, as dates where the data has dates; nothing without a time."""
    ends, declared = part.used_seconds or (part.first_second, part.last_second), inputs.declared
    seconds = [second for second in ends if second is not None]
    if declared is None or declared.time is None or declared.time.since == "start":
        return tuple(clock(second) for second in seconds)
    return tuple(f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M}" for second in seconds)


def _cut(inputs: FraudCardInputs) -> str:
    uses = "Each slice has one use, and nothing is fitted on a slice it is judged on; the test slice is read once, at the end."
    if inputs.time_span_days is None:
        return (
            f"Rows have no time, so the slices are random. {uses} What is read of them says nothing about a world that changes:"
            " expect less of a model in use."
        )
    return (
        f"The rows are cut in order of time, because a model in use only ever sees the past. {uses} Results of random splits,"
        " which mix past and future, are usually higher and not comparable."
    )


def _parts(inputs: FraudCardInputs) -> str:
    definition = inputs.features.definition
    categories = " Trees split categories into sets of values." if definition.known else ""
    return (
        "Boosted trees and an autoencoder of legitimate transactions are trained apart. A logistic layer on the calibration"
        " slice joins the trees' margin and the autoencoder's error and turns them into a probability in one step; it uses the"
        f" trees alone where the autoencoder adds nothing.{categories}"
    )


def _tuning(inputs: FraudCardInputs) -> str:
    if not inputs.searched:
        return f"**The trees' hyperparameters.** {inputs.preset}" if inputs.preset else ""
    forward = "that go forward in time" if inputs.time_span_days is not None else "of rows that follow each other"
    return f"**The trees' hyperparameters.** {search(inputs.searched, f'folds of the train slice {forward}, by the trees alone')}"


def limits(inputs: FraudCardInputs) -> str:
    """Say what the numbers cannot tell."""
    return "\n".join(f"- {point}" for point in _points(inputs))


def _points(inputs: FraudCardInputs) -> Iterator[str]:
    report, days = inputs.evaluation, inputs.time_span_days
    if report.simulated:
        imitates = (
            "The simulator imitates published statistics of real transactions" if inputs.declared is None else "Rows are made up"
        )
        yield f"**Simulated data.** {imitates}; real fraud is less tidy."
    if days is None or report.test.days is None:
        yield (
            "**No time.** Nobody can tell from this data how the model ages: its rows have no time, and no change of the"
            " fraudsters' habits can be seen in them."
        )
    else:
        unseen = "no week, no season" if days < 14 else "no season" if days < 365 else "few seasons"
        yield (
            f"**Little time.** The data spans {days:.1f} days and the test window {report.test.days * 24:.1f} hours:"
            f" {unseen}, no change of the fraudsters' habits can be seen in it. Expect the model to age."
        )
    yield (
        f"**Few frauds.** The test window holds {count(report.test.frauds)} of them. The intervals say what that is worth, and"
        " those of the slices are wide. They cover chance in the rows, not a change of the world."
    )
    yield from shipped.LIMITS if inputs.declared is None else _declared_limits(inputs)
    small = report.policy.review_cost + report.policy.minimum_expected_saving
    if report.test.has_amounts:
        whose = "of an amount" if inputs.declared is None else "whose amount is, with or without a minus,"
        yield (
            f"**Small amounts are let through.** A transaction {whose} up to {small:.2f} never becomes an alert, whatever"
            " its probability, because it is not worth a review; fraudsters who test cards with small amounts stay unseen."
        )
    missed = "its amount" if report.test.has_amounts else f"{report.policy.loss_without_amount:g}"
    yield (
        f"**Costs are simplified.** A missed fraud costs {missed} and a review always the same; chargebacks, annoyed customers"
        " and recovered money are not in the savings."
    )
    if inputs.provenance.negative_sampling_rate < 1:
        yield (
            f"**Sampled rows.** Each legitimate row stands for {inputs.provenance.negative_weight:.1f} real ones. Weights bring"
            " the metrics back to the real prior; what rests on few high-scored legitimate rows, such as precision, is noisier"
            " than on the full data."
        )


def _declared_limits(inputs: FraudCardInputs) -> Iterator[str]:
    definition, declared = inputs.features.definition, inputs.declared
    past = "" if declared is None else reads_of_the_past(declared)
    yield past or "**Single rows.** The model sees a row and nothing of what came before it: it knows nobody's habits."
    if definition.time_column is not None and definition.known_column is None:
        yield (
            "**Labels as they are.** The data does not say how long it took until a fraud was known. In use, the latest days are"
            " not labelled yet, and frauds that nobody noticed count as legitimate here."
        )
    if not definition.attributes:
        yield "**Fairness was not measured.** The declaration names no protected column to measure it by."


def reproduce(inputs: FraudCardInputs) -> str:
    """Say which command makes this model again, and what must be the same for that."""
    rate = inputs.provenance.negative_sampling_rate
    beside = f" Beside it lies `FILE.source.yaml` with the line `negative_sampling_rate: {rate!r}`." if rate < 1 else ""
    declared = inputs.declared is not None
    return reproduction("fraud", inputs.provenance, inputs.config, inputs.versions, beside, declared=declared)
