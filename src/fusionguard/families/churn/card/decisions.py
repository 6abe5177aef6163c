"""The sections on what the probabilities are used for: offers, risk bands and lift."""

from __future__ import annotations

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.markdown import count, image, percent, table
from fusionguard.evaluation.card.sections import paragraphs, reasons
from fusionguard.families.churn.bands import BandReading
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.readings import EMPC, metric_digits
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.families.churn.texts import worth_in_words

_LIFT_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)


def policy(inputs: ChurnCardInputs, image_folder: str | None) -> str:
    """Say who gets an offer, and what that earned on the test slice."""
    report = inputs.evaluation
    rule, campaign = report.policy, report.campaign
    rows = [
        ("offers per 1,000 customers", count(campaign.offers_per_1000)),
        ("share of leavers who get an offer", shares(campaign.churners_reached)),
        ("share of offers that go to leavers", shares(campaign.offers_to_churners)),
        ("campaign profit per 1,000 customers", money(campaign.profit_per_1000)),
        ("the same if everybody were contacted", count(campaign.profit_if_all_per_1000)),
        ("value lost with those who left, per 1,000 customers", count(1000 * report.test.value_lost / report.test.rows)),
        (f"{report.metric_labels[EMPC]}", report.metrics[EMPC].text(metric_digits(EMPC))),
    ]
    lacking = reasons((campaign.churners_reached, campaign.offers_to_churners))
    return paragraphs(
        f"A customer who stays is worth {worth_in_words(report.amount, rule.base_value, rule.balance_margin)}:"
        f" {report.test.mean_value:,.2f} on average. A contact costs {rule.contact_cost:,.2f}, an offer that is taken"
        f" {rule.offer_cost:,.2f}. A customer about to leave takes it and stays with probability {percent(rule.acceptance, 0)};"
        " one who would have stayed takes it in any case, and it is wasted. All of these are settings"
        f"{'.' if report.amount is None else f', in {inputs.currency}.'}",
        f"An offer is made where p × {rule.acceptance:g} × (value - {rule.offer_cost:g}) - (1 - p) × {rule.offer_cost:g} -"
        f" {rule.contact_cost:g}, what it is expected to earn at probability p, exceeds {_bar(rule)}",
        _margins(rule),
        table(("on the test slice", "value"), rows),
        f"*A dash: {'; or '.join(lacking)}.*" if lacking else "",
        "EMPC (Verbraken, Verbeke and Baesens 2013) and the campaign profit are not the same number. EMPC gives every customer"
        f" the mean value of {report.test.mean_value:,.2f}, lets the acceptance vary, and takes the best threshold for each in"
        " hindsight: it compares rankings. The campaign profit is that of this policy, decided beforehand, with each customer's"
        " own value and the mean acceptance.",
        image("profit", "Campaign profit by share of customers contacted", image_folder),
    )


def bands(report: ChurnReport, image_folder: str | None) -> str:
    """Show how many customers are in each band of risk, and how many of them left."""
    rows = [
        (
            band.band,
            _edges(band),
            count(band.rows),
            percent(band.share),
            count(band.churners),
            shares(band.churn_rate),
            "–" if band.mean_probability is None else percent(band.mean_probability),
            count(band.value_at_risk),
        )
        for band in report.bands
    ]
    header = ("band", "probability", "customers", "share", "left", "churn rate (95 % interval)", "predicted", "value at risk")
    lacking = reasons(band.churn_rate for band in report.bands)
    return paragraphs(
        "Value at risk is what a band is expected to lose without a campaign: the sum of probability times value.",
        table(header, rows, left=(0, 1)),
        f"*A dash: {'; or '.join(lacking)}.*" if lacking else "",
        " ".join(filter(None, map(_off, report.bands)))
        or "In every band the prediction lies within the interval of what was observed.",
        image("bands", "Observed and predicted churn by risk band", image_folder),
    )


def lift(report: ChurnReport, image_folder: str | None) -> str:
    """Show how many leavers are among the first customers of the ranking."""
    shown = [point for point in report.lift if any(abs(point.share_contacted - share) < 1e-9 for share in _LIFT_SHARES)]
    rows = [
        (percent(point.share_contacted, 0), f"{point.lift:.2f}", percent(point.gain), percent(point.churn_rate))
        for point in shown
    ]
    return paragraphs(
        "Customers in the order of their probability. Lift is how many times the leavers of as many customers picked at random"
        " are reached; gain is the share of all leavers.",
        table(("highest risk, share contacted", "lift", "gain", "share who left"), rows),
        image("lift", "Gain and lift by share of customers contacted", image_folder),
    )


def shares(interval: Interval) -> str:
    """Return a share as per cent with its interval, or a dash: ``78.2 % (73.4 to 82.4)``."""
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return percent(interval.value)
    return f"{percent(interval.value)} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def money(interval: Interval) -> str:
    """Return an amount in whole units with its interval, or a dash: ``7,883 (7,201 to 8,670)``."""
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return count(interval.value)
    return f"{count(interval.value)} ({count(interval.low)} to {count(interval.high)})"


def _edges(band: BandReading) -> str:
    if band.lowest == 0:
        return f"under {percent(band.below, 0)}"
    if band.below >= 1:
        return f"{percent(band.lowest, 0)} and more"
    return f"{percent(band.lowest, 0)} to under {percent(band.below, 0)}"


def _bar(rule: RetentionPolicy) -> str:
    if rule.contacts is None:
        return f"{rule.minimum_expected_profit:.2f}. There is no limit of contacts."
    return (
        f"{rule.minimum_expected_profit:.2f}: the bar that kept contacts within {count(rule.contacts)} of 1,000 customers where"
        " it was learned."
    )


def _margins(rule: RetentionPolicy) -> str:
    if not rule.group_margins:
        return ""
    named = ", ".join(f"{margin:+.2f} for {group}" for group, margin in rule.group_margins.items())
    attribute = (rule.group_attribute or "").replace("_", " ")
    return f"Groups of {attribute} have bars of their own, so that offers reach their leavers alike: {named}."


def _off(band: BandReading) -> str:
    rate, expected = band.churn_rate, band.mean_probability
    if expected is None or rate.low is None or rate.high is None or rate.low <= expected <= rate.high:
        return ""
    few = expected < rate.low
    return (
        f"In the band '{band.band}' {shares(rate)} left where {percent(expected)} were expected: the prediction is"
        f" {'lower' if few else 'higher'} than the interval of what was observed."
    )
