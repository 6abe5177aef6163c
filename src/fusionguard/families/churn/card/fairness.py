"""The section on whether offers and probabilities treat groups of customers alike."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count, image, percent, table
from fusionguard.evaluation.card.sections import paragraphs, reasons
from fusionguard.families.churn.card.decisions import shares
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.fairness import METRIC_NAMES, FairnessReport, GapReading, GroupReading
from fusionguard.families.churn.group_tally import TRUE_POSITIVE_RATE
from fusionguard.families.churn.report import ChurnReport

_NO_GROUPS = (
    "**Not read.** The data set declares no protected columns, so nothing here tells whether offers and probabilities treat"
    " groups of customers alike. Declare them under `protected`: they need not be features, and are read for this section alone."
)


def fairness(inputs: ChurnCardInputs, image_folder: str | None) -> str:
    """Show gaps against their limits, what each group gets, what evening out would cost, and what to think of age."""
    report, texts = inputs.evaluation, inputs.texts
    if not report.fairness.groups:
        return _NO_GROUPS
    read, config = report.fairness, inputs.config.fairness
    strict = "as a whole above it" if config.beyond_doubt else "not asked for: a gap above it is enough"
    return paragraphs(
        "An offer is a benefit, so the harm to look for is a group whose leavers are passed over. A gap is the largest difference"
        " between any two groups (for calibration, the largest distance of a group's mean probability from its churn rate). It"
        " leans upwards, because noise only adds to a largest difference; its 95 % interval allows for the number of groups. A"
        f" limit is broken where the interval is {strict}; the gate then refuses the model. A group counts where the metric is a"
        f" share of at least {count(config.minimum_group_rows)} customers. `docs/responsible_ai.md` says why the limits are what"
        " they are, and who decides.",
        table(
            ("attribute", "metric", "largest gap", "limit", "verdict", "between"),
            [_gap_row(g) for g in read.gaps],
            left=(0, 1, 4, 5),
        ),
        "\n".join(f"- {sentence}" for sentence in read.sentences()) or "Every gap that has a limit is within it.",
        *(_groups(read, attribute) for attribute in dict.fromkeys(group.attribute for group in read.groups)),
        _lacking(read),
        image("fairness", "Share of each group that gets an offer", image_folder),
        _mitigation(report),
        *(_expected(read, attribute, *words) for attribute, words in texts.expected.items()),
        *texts.fairness,
    )


def _gap_row(gap: GapReading) -> tuple[str, ...]:
    return (
        gap.attribute.replace("_", " "),
        METRIC_NAMES[gap.metric],
        gap.value.text(),
        "none" if gap.limit is None else f"{gap.limit:.3f}",
        gap.verdict,
        " and ".join(gap.groups) or "–",
    )


def _groups(read: FairnessReport, attribute: str) -> str:
    header = (
        attribute.replace("_", " "),
        "customers",
        "left",
        "get an offer",
        "of leavers",
        "of stayers",
        "mean probability less churn rate",
    )
    return table(header, [_group_row(group) for group in read.groups if group.attribute == attribute])


def _group_row(group: GroupReading) -> tuple[str, ...]:
    return (
        group.group,
        count(group.rows),
        count(group.churners),
        shares(group.selection_rate),
        shares(group.true_positive_rate),
        shares(group.false_positive_rate),
        group.calibration_gap.text(),
    )


def _lacking(read: FairnessReport) -> str:
    found = reasons(
        reading
        for group in read.groups
        for reading in (group.selection_rate, group.true_positive_rate, group.false_positive_rate, group.calibration_gap)
    )
    return f"*A dash: {'; or '.join(found)}.*" if found else ""


def _mitigation(report: ChurnReport) -> str:
    price = report.mitigation
    if price is None:
        return ""
    attribute = price.attribute.replace("_", " ")
    if report.mitigated:
        opening = f"**Mitigation** is on: each {attribute} has its own bar. What that changes on the test slice:"
    else:
        opening = (
            f"**Mitigation** is off. `--set fairness.mitigation=group_thresholds` would give each {attribute} its own bar,"
            " learned on the development part (equal opportunity; Hardt, Price and Srebro 2016). What that would change on the"
            " test slice:"
        )
    return (
        f"{opening} {price.sentence()} It is different treatment by {attribute}, and whoever answers for fairness decides on it."
    )


def _expected(read: FairnessReport, attribute: str, name: str, said: str) -> str:
    """Say what to think of an attribute by which customers leave at different rates for reasons that the policy may heed."""
    groups = [group for group in read.groups if group.attribute == attribute]
    if not groups:
        return ""
    least, most = min(groups, key=lambda group: group.churn_rate), max(groups, key=lambda group: group.churn_rate)
    gap = read.gap(attribute, TRUE_POSITIVE_RATE)
    unlimited = " There is no limit on this gap." if gap.limit is None else ""
    return (
        f"**{name}** is legitimate for risk: {percent(least.churn_rate)} of the customers {said} {least.group} left and"
        f" {percent(most.churn_rate)} of those {said} {most.group}. A policy that ignored it would spend offers on those who stay"
        f" and pass over those who leave. It is sensitive all the same. {gap.sentence()}{unlimited} Of the leavers {said}"
        f" {least.group}, {shares(least.true_positive_rate)} get an offer; of those {said} {most.group},"
        f" {shares(most.true_positive_rate)}. Whoever leaves in a group of which few do is the one to think of here. All this is"
        " about offers, which are a benefit; it does not carry over to prices, loans or service."
    )
