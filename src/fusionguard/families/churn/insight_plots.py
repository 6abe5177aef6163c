"""The charts of the business insights as PNG bytes, the same for the same facts."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png
from fusionguard.families.churn.plots import draw_interval_dots, headed
from fusionguard.families.churn.population import Cut, Group, Population
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.what_ifs import RuleReading, WhatIf

_RISING = ("#9cc3e6", MAIN, "#7a6fa8", ACCENT)


def insight_plots(
    population: Population, rules: Sequence[RuleReading], offers: Sequence[WhatIf], report: ChurnReport
) -> dict[str, bytes]:
    """Return the charts ``who_leaves``, ``facts_together``, ``model_and_rules`` and ``offer_sensitivity`` as PNG bytes.

    Without crossed facts there is no chart of them. Each says in its title where the data is simulated.
    """
    with matplotlib.rc_context(STYLE):
        together = (
            {"facts_together": png(_facts_together(population, simulated=report.simulated))} if population.crossings else {}
        )
        return {
            "who_leaves": png(_who_leaves(population, simulated=report.simulated)),
            **together,
            "model_and_rules": png(_model_and_rules(rules, report)),
            "offer_sensitivity": png(_offer_sensitivity(offers, report)),
        }


def _who_leaves(population: Population, *, simulated: bool) -> Figure:
    title = f"Who leaves: share of leavers among {population.rows:,} customers, with 95 % intervals"
    figure = headed(title, simulated=simulated, size=(10.4, 7.6))
    half = (len(population.cuts) + 1) // 2
    top = min(1.04, 0.04 + max(group.churn_rate.high or 0.0 for cut in population.cuts for group in cut.groups))
    for axes, cuts in zip(figure.subplots(1, 2), (population.cuts[:half], population.cuts[half:]), strict=True):
        _cuts_below_each_other(axes, cuts, population)
        axes.set(xlim=(0, top), xlabel="share who left\n(dashed: all; grey: no clear difference)")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def _cuts_below_each_other(axes: Axes, cuts: Sequence[Cut], population: Population) -> None:
    """Give each cut a line for its name and one for each group; one panel a cut would take seconds to lay out."""
    line, lines = 0.0, dict[float, str]()
    for cut in cuts:
        doubtless = cut in population.doubtless
        lines[line] = cut.fact
        groups = [group.churn_rate for group in cut.groups]
        draw_interval_dots(axes, groups, color=MAIN if doubtless else MUTED, offset=line + 1)
        lines |= {line + 1 + place: _counted(group) for place, group in enumerate(cut.groups)}
        line += len(cut.groups) + 1.4
    if population.churn_rate.value is not None:
        axes.axvline(population.churn_rate.value, color=MUTED, linestyle="--", linewidth=1.2, zorder=0)
    axes.set_yticks(list(lines), list(lines.values()), fontsize=9)
    facts = {cut.fact for cut in cuts}
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in facts else "normal")
    axes.set_ylim(line - 0.6, -0.8)
    axes.grid(visible=False, axis="y")


def _counted(group: Group) -> str:
    return f"{group.name} ({group.rows:,})" if group.churn_rate.value is not None else f"{group.name} ({group.churn_rate.reason})"


def _facts_together(population: Population, *, simulated: bool) -> Figure:
    figure = headed("Two facts together: share of leavers", simulated=simulated, size=(10.4, 4.0))
    panels = figure.subplots(1, len(population.crossings), squeeze=False)[0]
    for axes, crossing in zip(panels, population.crossings, strict=True):
        for place, color, offset in ((0, ACCENT, -0.12), (1, MAIN, 0.12)):
            groups = [(each.first, each.second)[place] for each in crossing.contrasts]
            name = groups[0].name if groups else ""
            draw_interval_dots(axes, [group.churn_rate for group in groups], color=color, offset=offset, label=name)
        axes.set_yticks(range(len(crossing.contrasts)), [each.name for each in crossing.contrasts])
        axes.set(xlim=(0, 1.04), ylim=(len(crossing.contrasts) - 0.4, -0.6), xlabel="share who left (95 % interval)")
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_title(f"{crossing.fact} and {crossing.by}", fontsize=9.5, pad=28)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.04, 0.99), ncols=2, handletextpad=0.2, columnspacing=1.0)
    return figure


def _model_and_rules(rules: Sequence[RuleReading], report: ChurnReport) -> Figure:
    share = report.campaign.offers_per_1000 / 1000
    title = f"The model and rules of thumb, {share:.0%} of the customers contacted"
    names = ["random order", *(rule.rule for rule in rules), "churn model"]
    figure = headed(title, simulated=report.simulated, size=(9.6, 1.5 + 0.45 * len(names)))
    left, right = figure.subplots(1, 2)
    reached = [Interval(value=share), *(rule.reached for rule in rules), Interval()]
    draw_interval_dots(left, reached)
    draw_interval_dots(left, [*(Interval() for _ in names[1:]), report.campaign.churners_reached], color=ACCENT)
    left.set_yticks(range(len(names)), names)
    left.set(xlim=(0, 1), xlabel="share of leavers reached (95 % interval)")
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    profits = [Interval(value=share * report.campaign.profit_if_all_per_1000), *(Interval(value=rule.profit) for rule in rules)]
    draw_interval_dots(right, [*profits, Interval()])
    draw_interval_dots(right, [*(Interval() for _ in names[1:]), report.campaign.profit_per_1000], color=ACCENT)
    right.set(xlabel="campaign profit per 1,000 customers\n(95 % interval: the churn model's alone)")
    right.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    right.set_xlim(left=min(0.0, right.get_xlim()[0]))
    right.set_yticks(range(len(names)), [""] * len(names))
    for axes in (left, right):
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
    return figure


def _offer_sensitivity(offers: Sequence[WhatIf], report: ChurnReport) -> Figure:
    figure = headed("What a campaign earns if the assumptions are wrong", simulated=report.simulated, size=(7.4, 4.8))
    axes = figure.subplots()
    for cost, color in zip(dict.fromkeys(each.offer_cost for each in offers), _RISING, strict=True):
        at_cost = [each for each in offers if each.offer_cost == cost]
        acceptance = [each.acceptance for each in at_cost]
        axes.plot(acceptance, [each.same_list for each in at_cost], color=color, marker="o", label=f"an offer costs {cost:g}")
        axes.plot(acceptance, [each.new_list for each in at_cost], color=color, linestyle=":", marker="o", markersize=4)
    axes.plot([], [], color=INK, label="today's list")
    axes.plot([], [], color=INK, linestyle=":", label="list made anew")
    policy, profit = report.policy, report.campaign.profit_per_1000.value
    if profit is not None:
        axes.plot([policy.acceptance], [profit], "o", color="none", markeredgecolor=INK, markersize=12, label="as assumed")
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.set(xlabel="share of leavers who accept an offer and stay", ylabel="profit per 1,000 customers")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="upper left")
    return figure
