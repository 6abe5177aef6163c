"""The sections on what was measured: metrics, slices, explanations, decisions and the gate."""

from __future__ import annotations

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.card.markdown import count, percent, table
from fusionguard.evaluation.readings import SAVINGS
from fusionguard.evaluation.report import EvaluationReport
from fusionguard.evaluation.slices import SliceReading

_FEATURES_SHOWN = 12


def readings(inputs: CardInputs, image_folder: str | None) -> str:
    """Show every metric of the model beside the references'."""
    report = inputs.evaluation
    models = list(report.readings())
    rows = [(row.label, *(row.readings[model].text(row.digits) for model in models)) for row in report.table_rows()]
    parts = [
        f"Read on {count(report.test.rows)} rows with {count(report.test.frauds)} frauds that no fit has seen. In brackets is the"
        f" 95 % interval of {count(report.bootstrap_samples)} bootstrap draws. The references were fitted and calibrated on the"
        " same rows, and their savings are those of the same decision policy. Calibration error and Brier score are better the"
        " lower they are, everything else the higher; the interval of the calibration error leans upwards, because redrawing rows"
        " only adds to it.",
        table(("metric", *models), rows),
        *(f"*A dash: {reason}.*" for reason in _reasons([list(read.values()) for read in report.readings().values()])),
        _gains(report),
        _image("precision_recall", "Precision over recall", image_folder),
        _image("calibration", "Predicted against observed shares of fraud", image_folder),
    ]
    return "\n\n".join(part for part in parts if part)


def slices(inputs: CardInputs) -> str:
    """Show how the model does on parts of the test window."""
    report = inputs.evaluation
    parts = [
        "The same model on parts of the test window. Recall and alert rate are those of the decision policy: it weighs amounts,"
        " so it lets small ones through on purpose. Few frauds in a slice mean a wide interval; compare slices with that in mind."
    ]
    for segment in dict.fromkeys(part.segment for part in report.slices):
        chosen = [part for part in report.slices if part.segment == segment]
        header = (segment, "rows", "frauds", "average precision", "recall", "alert rate", "calibration error")
        parts.append(table(header, [_slice_row(part) for part in chosen]))
    lacking = _reasons([[part.average_precision, part.recall, part.alert_rate] for part in report.slices])
    parts += [f"*A dash: {'; or '.join(lacking)}.*"] if lacking else []
    return "\n\n".join(parts)


def explainability(inputs: CardInputs, image_folder: str | None) -> str:
    """Show what moves the score."""
    total = sum(value for _, value in inputs.importance) or 1.0
    shown = inputs.importance[:_FEATURES_SHOWN]
    rows = [(name, f"{value:.3f}", percent(value / total)) for name, value in shown]
    rest = inputs.importance[_FEATURES_SHOWN:]
    if rest:
        others = sum(value for _, value in rest)
        rows.append((f"the other {len(rest)}", f"{others:.3f}", percent(others / total)))
    parts = [
        "SHAP values split each score, in log-odds, into what every feature contributed to it. Their mean size over a sample of"
        " the test window says what the model looks at; it says nothing about causes. The same values give each alert its"
        " reason codes.",
        table(("feature", "mean absolute SHAP value", "share"), rows),
        _image("importance", "Mean absolute SHAP value by feature", image_folder),
        _image("summary", "SHAP values by feature value", image_folder),
    ]
    return "\n\n".join(part for part in parts if part)


def policy(inputs: CardInputs, image_folder: str | None) -> str:
    """Say when a transaction becomes an alert, and what that gave on the test window."""
    report, rule = inputs.evaluation, inputs.evaluation.policy
    point = report.operating_point
    threshold = rule.review_cost + rule.minimum_expected_saving
    bar = (
        f"A transaction becomes an alert where probability × amount exceeds {threshold:.2f}:"
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
        ("alerts a day", count(point.alerts_per_day)),
        ("share of transactions alerted", percent(point.alert_rate, 3)),
        ("precision", _share(point.precision)),
        ("recall", _share(point.recall)),
        ("share of the fraudulent amount alerted", _share(point.amount_recall)),
        ("loss if everything were accepted", count(report.test.fraud_amount)),
        ("savings against that, reviews paid", report.metrics[SAVINGS].text()),
    ]
    parts = [
        f"{bar} This is Bayes minimum risk: it spends a review where it is expected to save more than it costs."
        " Amounts are in the currency of the data.",
        table(("on the test window, at the real prior", "value"), rows),
        _image("threshold", "Precision, recall and alerts a day by threshold", image_folder),
        _image("cost", "Savings by alerts a day", image_folder),
    ]
    return "\n\n".join(part for part in parts if part)


def gate(inputs: CardInputs) -> str:
    """Say what the gate decided."""
    verdict = inputs.gate
    if verdict is None:
        return "The gate was not asked: this model was not held against a champion."
    outcome = "**Promoted to champion.**" if verdict.promoted else "**Not promoted.**"
    against = f" Version {verdict.challenger_version} was held against version {verdict.champion_version}."
    return f"{outcome} {verdict.reason}{against if verdict.champion_version else ''}"


def _gains(report: EvaluationReport) -> str:
    sentences = []
    for name, gain in report.gains.items():
        if gain.value == 0:
            sentences.append(f"Average precision is the same as that of the reference {name}.")
            continue
        direction = "above" if gain.value > 0 else "below"
        sentences.append(
            f"Average precision is {abs(gain.value):.3f} {direction} that of the reference {name} (95 % interval of the"
            f" difference {gain.low:+.3f} to {gain.high:+.3f}; higher in {percent(gain.probability_better, 0)} of the draws)."
        )
    return " ".join(sentences)


def _slice_row(part: SliceReading) -> tuple[str, ...]:
    return (
        part.name,
        count(part.rows),
        count(part.frauds),
        part.average_precision.text(2),
        _share(part.recall),
        _share(part.alert_rate, 2),
        part.calibration_error.text(5),
    )


def _share(interval: Interval, digits: int = 1) -> str:
    return "–" if interval.value is None else percent(interval.value, digits)


def _reasons(groups: list[list[Interval]]) -> list[str]:
    return list(dict.fromkeys(reading.reason for group in groups for reading in group if reading.reason is not None))


def _image(name: str, description: str, folder: str | None) -> str:
    return "" if folder is None else f"![{description}]({folder.rstrip('/')}/{name}.png)"
