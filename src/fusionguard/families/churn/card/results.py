"""The sections on what was measured: cross-validation, the test slice, segments and explanations."""

from __future__ import annotations

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.markdown import count, image, percent, table
from fusionguard.evaluation.card.sections import gains, importance, paragraphs, reasons, stands_for
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR, ROC_AUC
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.readings import metric_digits
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.wording import word_of

_FOLD_METRICS = (ROC_AUC, AVERAGE_PRECISION, CALIBRATION_ERROR, BRIER)
_RANKINGS = (ROC_AUC, AVERAGE_PRECISION)


def cross_validation(inputs: ChurnCardInputs, image_folder: str | None) -> str:
    """Show what every model reached on folds, and how far the chosen one is above the others."""
    report = inputs.evaluation
    folds, labels = report.cross_validation, report.metric_labels
    rows = [
        (_named(model, folds), *(read.get(metric, Interval()).text(metric_digits(metric)) for metric in _FOLD_METRICS))
        for model, read in folds.models.items()
    ]
    against = [(model, *(_signed(gain[metric]) for metric in _RANKINGS)) for model, gain in folds.gains.items()]
    return paragraphs(
        f"Means over {folds.repeats} times {folds.folds} folds of {count(folds.rows)} customers. In brackets is the 95 % interval"
        " of the mean, widened because folds share most of the customers they are fitted on (Nadeau and Bengio 2003); that of the"
        " calibration error is the lowest and the highest repeat. Calibration error and Brier score are better the lower they"
        " are.",
        table(("model", *(labels[metric] for metric in _FOLD_METRICS)), rows),
        folds.reason,
        f"How much higher {folds.chosen} is on the same folds:" if against else "",
        table((f"{folds.chosen} against", *(labels[metric] for metric in _RANKINGS)), against) if against else "",
        "" if report.simulated else inputs.texts.published,
        image("cross_validation", "Cross-validated ROC AUC and average precision of every model", image_folder),
    )


def test(inputs: ChurnCardInputs, image_folder: str | None) -> str:
    """Show every metric of the model beside the references'."""
    report = inputs.evaluation
    models = list(report.readings())
    rows = [(row.label, *(row.readings[model].text(row.digits) for model in models)) for row in report.table_rows()]
    lacking = reasons(reading for read in report.readings().values() for reading in read.values())
    return paragraphs(
        f"Read on {count(report.test.rows)} customers, {count(report.test.churners)} of whom left, that no fit of this run has"
        f" seen. In brackets is the 95 % interval of {count(report.bootstrap_samples)} bootstrap draws. The references were"
        " fitted and calibrated on the same customers, and their campaign profit is that of the same policy. Calibration error"
        " and Brier score are better the lower they are, everything else the higher; the interval of the calibration error leans"
        " upwards, because redrawing rows only adds to it, so that it may lie above the value. Profits are in"
        f" {inputs.currency}.",
        table(("metric", *models), rows),
        stands_for(inputs.refitted_rows, "customers"),
        f"*A dash: {'; or '.join(lacking)}.*" if lacking else "",
        gains(report.gains),
        image("calibration", "Predicted against observed shares of leavers", image_folder),
    )


def differences(inputs: ChurnCardInputs) -> str:
    """Say why the test slice and cross-validation do not read the same."""
    report, plan = inputs.evaluation, inputs.plan
    folds = report.cross_validation
    own = folds.models[folds.chosen]
    compared = [
        f"{report.metric_labels[metric]} is {report.metrics[metric].text()} on the test slice and {own[metric].text()} in"
        f" cross-validation, {_placed(report.metrics[metric], own[metric])}"
        for metric in _RANKINGS
    ]
    seen = plan.development_rows * (folds.folds - 1) / folds.folds
    return paragraphs(
        f"{'; '.join(compared)}.",
        "\n".join(
            [
                f"- The test slice is one draw: another {count(report.test.rows)} customers would read differently, by about as"
                " much as its interval is wide.",
                "- Cross-validation chose the model, its settings and its calibration, so its mean leans a little to the good"
                " side; the test slice chose nothing. Where the two disagree, believe the test slice, and its interval.",
                f"- Models of a fold are fitted on {count(seen)} customers, the evaluated one on {count(plan.development_rows)}:"
                " that leans a little to the other side.",
            ]
        ),
    )


def segments(report: ChurnReport) -> str:
    """Show how the model does within groups of customers; nothing where there are none."""
    if not report.segments:
        return ""
    labels = report.metric_labels
    parts = [
        "The same model on parts of the test slice. Within a group the model cannot rank by what the group has in common: a ROC"
        " AUC below that of all customers is no fault by itself. Average precision rises with the churn rate; compare it within a"
        " group, not between groups."
    ]
    for attribute in dict.fromkeys(part.attribute for part in report.segments):
        header = (
            _spaced(attribute),
            "customers",
            "left",
            "churn rate",
            "mean probability",
            *(labels[name] for name in _RANKINGS),
        )
        chosen = [part for part in report.segments if part.attribute == attribute]
        rows = [
            (
                part.group,
                count(part.rows),
                count(part.churners),
                percent(part.churn_rate),
                percent(part.mean_probability),
                part.roc_auc.text(),
                part.average_precision.text(),
            )
            for part in chosen
        ]
        parts.append(table(header, rows))
    lacking = reasons(reading for part in report.segments for reading in (part.roc_auc, part.average_precision))
    return paragraphs(*parts, f"*A dash: {'; or '.join(lacking)}.*" if lacking else "")


def explainability(inputs: ChurnCardInputs, image_folder: str | None) -> str:
    """Show what moves the score."""
    return paragraphs(
        "SHAP values split each score, in log-odds, into what every feature contributed to it. Their mean size over a sample of"
        " the test slice says what the model looks at; it says nothing about causes. The same values give each customer on the"
        f" contact list the reasons that raised the probability most, in words. {inputs.texts.untold}".rstrip(),
        importance([(word_of(inputs.definition, name), weight) for name, weight in inputs.importance], image_folder),
    )


def _named(model: str, folds: CrossValidation) -> str:
    return f"{model} (chosen)" if model == folds.chosen else model


def _placed(single: Interval, mean: Interval) -> str:
    if single.low is None or single.high is None or mean.value is None:
        return "and there is no interval to compare them by"
    if single.low <= mean.value <= single.high:
        return "which lies within the test slice's interval: chance in who was held out can explain it"
    return (
        f"which lies {'above' if mean.value > single.high else 'below'} the test slice's interval: chance alone rarely does that"
    )


def _signed(interval: Interval) -> str:
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:+.4f}"
    return f"{interval.value:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
