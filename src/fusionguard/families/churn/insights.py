"""What a retention lead reads: who leaves, what the model adds to what anybody could see, and what an offer campaign earns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fusionguard.data.table import Table
from fusionguard.evaluation.card.markdown import image
from fusionguard.evaluation.card.sections import paragraphs, write_card
from fusionguard.families.churn import insight_text as text
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.insight_plots import insight_plots
from fusionguard.families.churn.population import Population, read_population
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.what_ifs import RuleReading, WhatIf, break_even_acceptance, read_rules, what_ifs

SIMULATED_BANNER = (
    "> **SIMULATED DATA.** These customers were made by FusionGuard's simulator.\n"
    "> What follows shows what such an analysis looks like; it says nothing about real customers."
)


@dataclass(frozen=True)
class Insights:
    """The facts of an analysis, and its charts as PNG bytes by name; counts of groups only, no customer can be told from it."""

    report: ChurnReport
    importance: tuple[tuple[str, float], ...]
    population: Population
    rules: tuple[RuleReading, ...]
    """Empty where the development part could not be told from the test slice."""
    offers: tuple[WhatIf, ...]
    break_even: float | None
    """The acceptance at which the policy's offers would just pay."""
    plots: dict[str, bytes] = field(repr=False)

    def markdown(self, *, image_folder: str | None = None) -> str:
        """Write the analysis.

        Parameters
        ----------
        image_folder
            Where the charts lie, relative to the text (``"business_insights"``); without it the text has no images, and
            :func:`~fusionguard.evaluation.card.card_html` puts them at its end.
        """
        report, population = self.report, self.population
        chart = {name: image(name, description, image_folder) for name, description in text.CHARTS.items()}
        sections = [
            ("In short", text.in_short(population, self.rules, report, self.break_even)),
            ("Who leaves", paragraphs(text.who_leaves(population), chart["who_leaves"])),
            ("What does not tell leavers apart", text.what_does_not_matter(population)),
            ("Two facts together", paragraphs(text.facts_together(population), chart["facts_together"])),
            ("What is at stake", text.value_at_risk(population, report)),
            (
                "What the model adds",
                paragraphs(text.model_and_rules(self.rules, report, self.importance), chart["model_and_rules"]),
            ),
            ("What a campaign earns", text.campaign(report)),
            (
                "If acceptance or costs differ",
                paragraphs(text.sensitivity(self.offers, report, self.break_even), chart["offer_sensitivity"]),
            ),
            ("What not to conclude", text.cautions(population, report)),
        ]
        return write_card(
            "Business insights: who leaves the bank, and whom it pays to keep",
            SIMULATED_BANNER if report.simulated else None,
            sections,
        )


def business_insights(
    features: Table, report: ChurnReport, importance: Sequence[tuple[str, float]], customers: ScoredCustomers
) -> Insights:
    """Analyse who leaves, from all customers, and what offers earn, from the test slice.

    Parameters
    ----------
    features
        The whole feature table, with outcomes.
    report
        The model's final reading.
    importance
        Features with their mean absolute contribution in log-odds, largest first.
    customers
        The test slice as the model scores it, which ``report`` was read on.
    """
    population = read_population(features, report.policy)
    rules, offers = read_rules(features, customers, report.policy), what_ifs(customers, report.policy)
    return Insights(
        report=report,
        importance=tuple(importance),
        population=population,
        rules=rules,
        offers=offers,
        break_even=break_even_acceptance(customers, report.policy),
        plots=insight_plots(population, rules, offers, report),
    )
