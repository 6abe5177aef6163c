"""What a retention lead reads: who leaves, what the model adds to what anybody could see, and what an offer campaign earns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fusionguard.data.table import Table
from fusionguard.evaluation.card.markdown import image
from fusionguard.evaluation.card.sections import paragraphs, write_card
from fusionguard.families.churn import insight_text as text
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.facts import facts_of, rules_of
from fusionguard.families.churn.insight_plots import insight_plots
from fusionguard.families.churn.population import Population, read_population
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.texts import texts_of
from fusionguard.families.churn.what_ifs import RuleReading, WhatIf, break_even_acceptance, read_rules, what_ifs
from fusionguard.families.churn.wording import word_of
from fusionguard.features.definition import FeatureDefinition

SIMULATED_BANNER = (
    "> **SIMULATED DATA.** These customers were made up.\n"
    "> What follows shows what such an analysis looks like; it says nothing about real customers."
)


@dataclass(frozen=True)
class Insights:
    """The facts of an analysis, and its charts as PNG bytes by name; counts of groups only, no customer can be told from it."""

    definition: FeatureDefinition
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
        report, population, texts = self.report, self.population, texts_of(self.definition)
        chart = {name: image(name, text.CHARTS[name], image_folder) for name in self.plots}
        importance = [(word_of(self.definition, name), weight) for name, weight in self.importance]
        sections = [
            ("In short", text.in_short(population, self.rules, report, self.break_even)),
            ("Who leaves", paragraphs(text.who_leaves(population), chart["who_leaves"])),
            ("What does not tell leavers apart", text.what_does_not_matter(population)),
            ("Two facts together", paragraphs(text.facts_together(population), chart.get("facts_together", ""))),
            ("What is at stake", text.value_at_risk(population, report)),
            (
                "What the model adds",
                paragraphs(text.model_and_rules(self.rules, report, importance), chart["model_and_rules"]),
            ),
            ("What a campaign earns", text.campaign(report)),
            (
                "If acceptance or costs differ",
                paragraphs(text.sensitivity(self.offers, report, self.break_even), chart["offer_sensitivity"]),
            ),
            ("What not to conclude", text.cautions(population, report, texts, dated=self.definition.time_column is not None)),
        ]
        return write_card(
            f"Business insights: who {texts.leaves}, and whom it pays to keep",
            SIMULATED_BANNER if report.simulated else None,
            sections,
        )


def business_insights(
    features: Table,
    definition: FeatureDefinition,
    report: ChurnReport,
    importance: Sequence[tuple[str, float]],
    customers: ScoredCustomers,
) -> Insights:
    """Analyse who leaves, from all customers, and what offers earn, from the test slice.

    Parameters
    ----------
    features
        The whole feature table, with outcomes.
    definition
        What its columns are.
    report
        The model's final reading.
    importance
        Features with their mean absolute contribution in log-odds, largest first.
    customers
        The test slice as the model scores it, which ``report`` was read on.
    """
    facts = facts_of(features, definition, importance)
    population = read_population(features, definition, facts, report.policy)
    rules = read_rules(features, definition, rules_of(definition, facts), customers, report.policy)
    offers = what_ifs(customers, report.policy)
    return Insights(
        definition=definition,
        report=report,
        importance=tuple(importance),
        population=population,
        rules=rules,
        offers=offers,
        break_even=break_even_acceptance(customers, report.policy),
        plots=insight_plots(population, rules, offers, report),
    )
