"""The section on fairness: what the policy does to the groups of each protected attribute."""

from __future__ import annotations

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.markdown import count, table
from fusionguard.evaluation.card.sections import paragraphs
from fusionguard.evaluation.group_rates import GroupRates
from fusionguard.families.fraud.card.inputs import FraudCardInputs


def fairness(inputs: FraudCardInputs) -> str:
    """Show rates by group, and the gaps between groups; nothing where no attribute is protected."""
    read = inputs.evaluation.fairness
    if read is None:
        return ""
    attributes = dict.fromkeys(group.attribute for group in read.groups)
    header = ("rows", "frauds", "alert rate", "recall", "false-positive rate", "probability less observed")
    tables = [table((name, *header), [_row(group) for group in read.groups if group.attribute == name]) for name in attributes]
    limited = (
        "No limit is set: gaps are only reported."
        if all(gap.limit is None for gap in read.gaps)
        else ("The gate refuses a model where the whole interval of a gap lies above its limit.")
    )
    return paragraphs(
        "What the policy does to the groups that the declaration names as protected, on the test window. In brackets are 95 %"
        " intervals. The gap between groups is the largest of all pairs, so noise adds to it; its interval allows for that."
        f" Groups with fewer than {count(read.minimum_rows)} rows behind a rate are shown and not compared. {limited}",
        *tables,
        "\n".join(f"- {gap.sentence()}" for gap in read.gaps),
    )


def _row(group: GroupRates) -> tuple[str, ...]:
    rates = (group.alert_rate, group.recall, group.false_positive_rate, group.calibration)
    return (group.group, count(group.rows), count(group.positives), *(_rate(rate) for rate in rates))


def _rate(rate: Interval) -> str:
    return "–" if rate.value is None else rate.text(3)
