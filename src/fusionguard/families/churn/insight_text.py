"""The sections of the business insights: each number in a sentence comes from a count or a reading."""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card.markdown import count, percent, table
from fusionguard.evaluation.card.sections import paragraphs, reasons, share
from fusionguard.families.churn.card.decisions import money, shares
from fusionguard.families.churn.population import CLEAR, STRONG, Contrast, Crossing, Cut, Group, Population
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.texts import worth_in_words
from fusionguard.families.churn.what_ifs import RuleReading, WhatIf
from fusionguard.features.told import Texts

CHARTS = {
    "who_leaves": "Share of leavers by one fact about customers",
    "facts_together": "Share of leavers by two facts together",
    "model_and_rules": "Leavers reached and profit, by the model and by rules of thumb",
    "offer_sensitivity": "Campaign profit by acceptance and cost of an offer",
}
"""The charts, each with what it shows."""

_SMALL = 0.05


def in_short(population: Population, rules: Sequence[RuleReading], report: ChurnReport, break_even: float | None) -> str:
    """Say the few things to remember."""
    campaign = report.campaign
    points = [
        f"{shares(population.churn_rate)} of {count(population.rows)} customers left. They were worth"
        f" {_part(population.value_lost, population.value)} of all customers' value.",
        *(_told_by(cut) for cut in population.doubtless[:2]),
        f"The policy contacts {percent(campaign.offers_per_1000 / 1000, 0)} of the customers and reaches"
        f" {shares(campaign.churners_reached)} of the leavers. Under the assumed values and costs that earns"
        f" {money(campaign.profit_per_1000)} per 1,000 customers; contacting everybody would earn"
        f" {count(campaign.profit_if_all_per_1000)}.",
    ]
    if rules:
        points.append(_ahead(max(rules, key=lambda rule: rule.profit), report))
    if break_even is not None:
        points.append(
            f"All profits rest on the assumption that {percent(report.policy.acceptance, 0)} of leavers accept an offer. Below"
            f" {percent(break_even)} today's list would lose money. Try it on a part of the list first."
        )
    return "\n".join(f"- {point}" for point in points)


def who_leaves(population: Population) -> str:
    """Show the facts that tell leavers apart, the strongest first."""
    parts = [
        f"Counted over all {count(population.rows)} customers of the file, those held out for testing included: this part only"
        " describes. In brackets is Wilson's 95 % interval. A fact is called strong, clear or slight by how much of the leaving"
        f" it tells by itself (Cramér's V from {STRONG:g}, from {CLEAR:g}, and below)."
    ]
    for cut in population.doubtless:
        header = (cut.fact, "customers", "left", "share who left", "of all leavers", "value lost")
        rows = [_group_row(group, population) for group in cut.groups]
        parts += [f"**{_told_by(cut)}** A {_strength(cut)} fact.", table(header, rows)]
    lacking = reasons(group.churn_rate for cut in population.doubtless for group in cut.groups)
    return paragraphs(*parts, f"*A dash: {'; or '.join(lacking)}.*" if lacking else "")


def what_does_not_matter(population: Population) -> str:
    """Name the facts whose groups leave alike as far as these customers can tell."""
    rest = [cut for cut in population.cuts if cut not in population.doubtless and cut.shown]
    unseen = population.looked_at - len(population.cuts)
    if not rest:
        return "" if unseen else "Every fact looked at tells leavers apart by more than chance."
    return paragraphs(
        "By themselves, these facts do not: chance alone makes differences as large as these, when as many facts are looked at."
        " A campaign led by one of them would be led by nothing.",
        "\n".join(f"- **{cut.fact}**: {_spread(cut)}" for cut in rest),
        f"{unseen} more facts that tell less were looked at and are not shown." if unseen else "",
    )


def facts_together(population: Population) -> str:
    """Show the crossings: how much the second fact tells, by the first; nothing without any."""
    if not population.crossings:
        return ""
    parts = ["Some facts tell more together than apart. The difference is in percentage points, with its 95 % interval."]
    for crossing in population.crossings:
        first, second = crossing.contrasts[0].first.name, crossing.contrasts[0].second.name
        header = (crossing.fact, first, "customers", second, "customers", "difference")
        rows = [_contrast_row(each) for each in crossing.contrasts]
        parts += [f"**{crossing.fact} and {crossing.by}**", table(header, rows), _strongest(crossing)]
    lacking = reasons(each.difference for crossing in population.crossings for each in crossing.contrasts)
    return paragraphs(*parts, f"*A dash: {'; or '.join(lacking)}.*" if lacking else "")


def value_at_risk(population: Population, report: ChurnReport) -> str:
    """Say what leaving costs, and where the model sees it coming."""
    policy, high = report.policy, report.bands[-1]
    expected = sum(band.value_at_risk for band in report.bands)
    rows = [
        (band.band, count(band.rows), percent(band.share), shares(band.churn_rate), count(band.value_at_risk))
        for band in report.bands
    ]
    return paragraphs(
        f"A customer who stays is taken to be worth {worth_in_words(report.amount, policy.base_value, policy.balance_margin)}, in"
        f" {'its currency' if report.amount is not None else 'the currency of the settings'}. By that"
        f" measure the {count(population.churners)} customers who left took {count(population.value_lost)} with them, of"
        f" {count(population.value)} that all customers are worth:"
        f" {_part(population.value_lost, population.value)} of the value, with"
        f" {percent(population.churners / population.rows)} of the customers.",
        f"Among the {count(report.test.rows)} customers of the test slice, whom the model had not seen, it expects"
        f" {count(expected)} to be lost without a campaign; {count(report.test.value_lost)} was. The band '{high.band}' holds"
        f" {percent(high.share)} of the customers and {_part(high.value_at_risk, expected)} of that expected loss.",
        table(("risk band", "customers", "share", "share who left", "value at risk"), rows),
    )


def model_and_rules(rules: Sequence[RuleReading], report: ChurnReport, importance: Sequence[tuple[str, float]]) -> str:
    """Compare the policy's list with as long a list by rules of thumb."""
    campaign = report.campaign
    contacted = campaign.offers_per_1000 / 1000
    names = ", ".join(name for name, _ in importance[:3])
    looked = f"The model looks most at {names}: the facts above, with others and in finer steps." if names else ""
    if not rules:
        return paragraphs(
            looked, "Row numbers repeat in this file, so that rules could not be learned apart from the test slice."
        )
    tenth = next(point for point in report.lift if abs(point.share_contacted - 0.1) < 1e-9)
    rows = [
        ("random order", percent(contacted), percent(0.1), count(contacted * campaign.profit_if_all_per_1000), "–"),
        *(
            (rule.rule, shares(rule.reached), percent(rule.reached_in_top_tenth), count(rule.profit), money(rule.policy_ahead))
            for rule in rules
        ),
        ("churn model", shares(campaign.churners_reached), percent(tenth.gain), money(campaign.profit_per_1000), "–"),
    ]
    best = max(rules, key=lambda rule: rule.profit)
    return paragraphs(
        "What could be had without a model? A rule of thumb divides customers by a few facts and takes the share of leavers in"
        " each cell, counted on the development part. It is given the same values and costs, and on the test slice as many"
        f" contacts as the policy makes: {count(campaign.offers_per_1000)} of 1,000 customers.",
        table(("the list is led by", "leavers reached", "in the top tenth", "profit per 1,000", "policy ahead by"), rows),
        _ahead(best, report),
        f"With few contacts the order counts most: among the tenth likeliest to leave, the model finds {percent(tenth.gain)} of"
        f" the leavers, {tenth.lift:.2f} times as many as chance, and the best rule"
        f" {percent(max(rule.reached_in_top_tenth for rule in rules))}. A model also gives each customer a probability of their"
        " own, which prices an offer, and reasons to begin a conversation with.",
        looked,
    )


def campaign(report: ChurnReport) -> str:
    """Say what the policy earns, and what the offers are made of."""
    policy, done = report.policy, report.campaign
    rows = [
        ("customers contacted", count(done.offers_per_1000)),
        ("leavers among the contacted", shares(done.offers_to_churners)),
        ("leavers reached", shares(done.churners_reached)),
        ("profit", money(done.profit_per_1000)),
        ("profit if everybody were contacted", count(done.profit_if_all_per_1000)),
    ]
    lacking = reasons((done.offers_to_churners, done.churners_reached))
    return paragraphs(
        f"A contact costs {policy.contact_cost:g}, an offer that is taken {policy.offer_cost:g}. Those who would have stayed"
        f" anyway take it too; of those about to leave {percent(policy.acceptance, 0)} do, and stay. A customer is contacted"
        " where that is expected to pay, so customers worth much are contacted at a lower risk than others.",
        table(("per 1,000 customers of the test slice", "value"), rows),
        f"*A dash: {'; or '.join(lacking)}.*" if lacking else "",
        "The interval covers chance in who was in the test slice. It does not cover that values, costs and acceptance are"
        " assumed.",
    )


def sensitivity(offers: Sequence[WhatIf], report: ChurnReport, break_even: float | None) -> str:
    """Show how profit changes with acceptance and the cost of an offer."""
    policy = report.policy
    costs = list(dict.fromkeys(each.offer_cost for each in offers))
    header = ("of leavers accept", *(f"offer costs {cost:g}" for cost in costs))
    acceptances = list(dict.fromkeys(each.acceptance for each in offers))
    by = {(each.acceptance, each.offer_cost): each for each in offers}
    same = [(percent(a, 0), *(count(by[a, cost].same_list) for cost in costs)) for a in acceptances]
    anew = [
        (percent(a, 0), *(f"{count(by[a, cost].new_list)} ({count(by[a, cost].new_offers)})" for cost in costs))
        for a in acceptances
    ]
    free = policy.contacts is None and not policy.group_margins
    apart = "" if free else ", without today's limit of contacts or bars by group"
    worth = "what knowing is worth" if free else "what knowing is worth, with what the limit or the bars cost"
    return paragraphs(
        f"Assumed are {percent(policy.acceptance, 0)} and {policy.offer_cost:g}. If the truth is another and today's list is"
        " worked all the same, 1,000 customers of the test slice earn",
        table(header, same),
        "" if break_even is None else f"At the assumed costs today's list pays from an acceptance of {percent(break_even)} on.",
        f"If the truth is known and the list is made anew{apart} (in brackets the contacts per 1,000 customers):",
        table(header, anew),
        f"The difference between the two tables is {worth}. A trial with a control group would tell, and may cost as much."
        " Where the second is the lower, that is chance. No number here is surer than the campaign's profit above.",
    )


def cautions(population: Population, report: ChurnReport, texts: Texts, *, dated: bool) -> str:
    """Say what these numbers do not mean; ``dated`` where the rows have times."""
    undated = "" if dated else "No time of the rows is declared. "
    points = [
        texts.not_causes,
        *_small(population),
        f"**Not a forecast.** {undated}Shares are of these customers at some time; whether next year's are alike is not in it.",
        "**Not the offer's effect.** No offer was tried on these customers. Keep a random part of the list without one: only the"
        " difference between the two parts is what offers do.",
        texts.not_treatment,
        f"**Money is assumed.** Other settings give another list. The test slice has {count(report.test.churners)} leavers;"
        " differences within the intervals are chance.",
    ]
    return "\n".join(f"- {point}" for point in points)


def _small(population: Population) -> list[str]:
    """Point at groups that leave most and are few."""
    points = []
    for cut in population.doubtless:
        for group in cut.shown:
            few = group.rows < _SMALL * population.rows
            if few and (group.churn_rate.low or 0.0) > (population.churn_rate.high or 1.0):
                points.append(
                    f"**Few customers: {group.name}.** {shares(group.churn_rate)} of them left, but they are {count(group.rows)},"
                    f" {percent(group.rows / population.rows)} of the customers, and"
                    f" {percent(group.churners / population.churners)} of the leavers. Ask what happened to them before building"
                    " anything on it."
                )
    return points


def _told_by(cut: Cut) -> str:
    least, most = _extremes(cut)
    return (
        f"{cut.fact[0].upper()}{cut.fact[1:]}: from {share(least.churn_rate)} ({least.name}) to {share(most.churn_rate)}"
        f" ({most.name}) left."
    )


def _extremes(cut: Cut) -> tuple[Group, Group]:
    ordered = sorted(cut.shown, key=lambda group: group.churn_rate.value or 0.0)
    return ordered[0], ordered[-1]


def _spread(cut: Cut) -> str:
    return "; ".join(f"{group.name}: {shares(group.churn_rate)}" for group in cut.shown) + " left."


def _strength(cut: Cut) -> str:
    return "strong" if cut.strength >= STRONG else "clear" if cut.strength >= CLEAR else "slight"


def _group_row(group: Group, population: Population) -> tuple[str, ...]:
    if group.churn_rate.value is None:
        return group.name, "–", "–", "–", "–", "–"
    return (
        group.name,
        count(group.rows),
        count(group.churners),
        shares(group.churn_rate),
        percent(group.churners / population.churners),
        count(group.value_lost),
    )


def _contrast_row(each: Contrast) -> tuple[str, ...]:
    sides = (
        (shares(side.churn_rate), count(side.rows) if side.churn_rate.value is not None else "–")
        for side in (each.first, each.second)
    )
    return each.name, *(cell for side in sides for cell in side), _points(each.difference)


def _strongest(crossing: Crossing) -> str:
    judged = sorted(
        (each for each in crossing.contrasts if each.difference.value is not None), key=lambda each: each.difference.value or 0.0
    )
    if len(judged) < 2:
        return ""
    least, most = judged[0], judged[-1]
    apart = (most.difference.low or 0.0) > (least.difference.high or 0.0)
    verdict = (
        "The intervals do not touch: the two facts work together."
        if apart
        else "The intervals overlap: that the two facts work together is not shown."
    )
    return (
        f"Between '{most.first.name}' and '{most.second.name}' lie {_points(most.difference)} points in the group '{most.name}'"
        f" and {_points(least.difference)} in '{least.name}'. {verdict}"
    )


def _ahead(rule: RuleReading, report: ChurnReport) -> str:
    ahead = rule.policy_ahead
    if report.campaign.offers_per_1000 == 0:
        return "Under these values and costs no offer pays, by the model or by any rule of thumb."
    if (ahead.low or 0.0) > 0:
        doubt = "The policy is better beyond chance."
    elif (ahead.high or 0.0) < 0:
        doubt = "The rule is better beyond chance: use the rule, or find out what the model lacks."
    else:
        doubt = "That is not beyond chance on this test slice: most of the profit can be had with such a table."
    return (
        f"Against the best rule of thumb ({rule.rule}), with as many contacts, the policy reaches"
        f" {shares(report.campaign.churners_reached)} of the leavers where the rule reaches {shares(rule.reached)}; the"
        f" difference in profit is {money(ahead)} per 1,000 customers. {doubt}"
    )


def _part(amount: float, whole: float) -> str:
    return percent(amount / whole) if whole > 0 else "–"


def _points(interval: Interval) -> str:
    if interval.value is None or interval.low is None or interval.high is None:
        return "–"
    return f"{100 * interval.value:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"
