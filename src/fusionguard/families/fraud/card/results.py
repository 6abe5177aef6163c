"""The sections on what was measured: metrics, slices, explanations and decisions."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count, image, percent, table, text
from fusionguard.evaluation.card.prequential import folds_in_time
from fusionguard.evaluation.card.sections import gains, importance, paragraphs, reasons, share, stands_for
from fusionguard.families.fraud.card.inputs import FraudCardInputs
from fusionguard.families.fraud.readings import SAVINGS
from fusionguard.families.fraud.sizes import SAMPLED_ROWS
from fusionguard.families.fraud.slices import SliceReading


def readings(inputs: FraudCardInputs, image_folder: str | None) -> str:
    """Show every metric of the model beside the references'."""
    report = inputs.evaluation
    few = f" (fitted on {count(SAMPLED_ROWS)} of them, drawn by chance)" if inputs.plan.train.rows > SAMPLED_ROWS else ""
    models = list(report.readings())
    owner = None if inputs.declared is None else inputs.declared.owner
    whose = "" if owner is None else f" of {text(owner)}s with all of their rows"
    rows = [(row.label, *(row.readings[model].text(row.digits) for model in models)) for row in report.table_rows()]
    return paragraphs(
        f"Read on {count(report.test.rows)} rows with {count(report.test.frauds)} frauds that no fit has seen. In brackets is the"
        f" 95 % interval of {count(report.bootstrap_samples)} bootstrap draws{whose}. The references were fitted and calibrated"
        f" on the same rows{few}, and their savings are those of the same decision policy. Calibration error and Brier score are"
        " better the lower they are, everything else the higher; the interval of the calibration error leans upwards, because"
        " redrawing rows only adds to it.",
        table(("metric", *models), rows),
        stands_for(inputs.refitted_rows, "rows"),
        *(f"*A dash: {reason}.*" for reason in reasons(each for read in report.readings().values() for each in read.values())),
        gains(report.gains),
        image("precision_recall", "Precision over recall", image_folder),
        image("calibration", "Predicted against observed shares of fraud", image_folder),
    )


def folds(inputs: FraudCardInputs, image_folder: str | None) -> str:
    """Show what folds in time said; nothing where the data set declares none."""
    described = inputs.features.described
    time = None if described is None else described.declaration.time
    dated = time is not None and time.since != "start"
    trees = inputs.config.prequential.num_parallel_tree
    about = f"Trained anew are the trees, {trees} a round, without calibration, autoencoder and policy."
    if described is not None and (known := described.declaration.label.known) is not None and known.column is not None:
        about += (
            " Whoever was reported is not judged any more from that date on. Rows are learned from once nearly all outcomes of"
            " their age are there."
        )
    if inputs.searched:
        about += " Their settings were searched for on the train slice, of which judged days may be: that leans to the good side."
    return folds_in_time(inputs.prequential, about=about, dated=dated, image_folder=image_folder)


def slices(inputs: FraudCardInputs) -> str:
    """Show how the model does on parts of the test window."""
    report = inputs.evaluation
    weighs = ": it weighs amounts, so it lets small ones through on purpose" if report.test.has_amounts else ""
    parts = [
        "The same model on parts of the test window. Recall and alert rate are those of the decision policy"
        f"{weighs}. Few frauds in a slice mean a wide interval; compare slices with that in mind."
    ]
    for segment in dict.fromkeys(part.segment for part in report.slices):
        chosen = [part for part in report.slices if part.segment == segment]
        header = (segment, "rows", "frauds", "average precision", "recall", "alert rate", "calibration error")
        parts.append(table(header, [_slice_row(part) for part in chosen]))
    lacking = reasons(each for part in report.slices for each in (part.average_precision, part.recall, part.alert_rate))
    parts += [f"*A dash: {'; or '.join(lacking)}.*"] if lacking else []
    return "\n\n".join(parts)


def explainability(inputs: FraudCardInputs, image_folder: str | None) -> str:
    """Show what moves the score."""
    words = inputs.words
    return paragraphs(
        "SHAP values split each score, in log-odds, into what every feature contributed to it. Their mean size over a sample of"
        " the test window says what the model looks at; it says nothing about causes. The same values give each alert its"
        " reason codes.",
        importance([(words.get(name, name), value) for name, value in inputs.importance], image_folder),
    )


def policy(inputs: FraudCardInputs, image_folder: str | None) -> str:
    """Say when a transaction becomes an alert, and what that gave on the test window."""
    report, rule = inputs.evaluation, inputs.evaluation.policy
    point, has_amounts = report.operating_point, report.test.has_amounts
    threshold = rule.review_cost + rule.minimum_expected_saving
    bar = (
        f"A transaction becomes an alert where probability × {_at_stake(inputs)} exceeds {threshold:.2f}:"
        f" the cost of a review ({rule.review_cost:.2f})"
    )
    if rule.alerts_per_day is None:
        bar += ". There is no limit on alerts a day."
    else:
        bar += (
            f" plus {rule.minimum_expected_saving:.2f}, which keeps the alerts on the calibration slice"
            f" within {count(rule.alerts_per_day)} a day."
        )
    rows = [
        *([] if point.alerts_per_day is None else [("alerts a day", count(point.alerts_per_day))]),
        ("share of transactions alerted", percent(point.alert_rate, 3)),
        ("precision", share(point.precision)),
        ("recall", share(point.recall)),
        *([("share of the fraudulent amount alerted", share(point.amount_recall))] if has_amounts else []),
        ("loss if everything were accepted", count(report.test.fraud_amount)),
        ("savings against that, reviews paid", report.metrics[SAVINGS].text()),
    ]
    return paragraphs(
        f"{bar} This is Bayes minimum risk: it spends a review where it is expected to save more than it costs."
        f"{' Amounts are in the currency of the data.' if has_amounts else ''}",
        table(("on the test window, at the real prior", "value"), rows),
        image("threshold", "Precision, recall and alerts a day by threshold", image_folder),
        image("cost", "Savings by alerts a day", image_folder),
    )


def _at_stake(inputs: FraudCardInputs) -> str:
    """Say what is lost to a fraud that is let through."""
    loss, definition = f"{inputs.evaluation.policy.loss_without_amount:g}", inputs.features.definition
    if definition.amount is None:
        return f"{loss}, the loss of each fraud (`policy.loss_without_amount`),"
    may_miss = definition.parsed_rows.outputs[definition.amount].nullable
    return f"amount, or {loss} where that is missing (`policy.loss_without_amount`)," if may_miss else "amount"


def _slice_row(part: SliceReading) -> tuple[str, ...]:
    return (
        part.name,
        count(part.rows),
        count(part.frauds),
        part.average_precision.text(2),
        share(part.recall),
        share(part.alert_rate, 2),
        part.calibration_error.text(5),
    )
