from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt
from matplotlib import pyplot
from scipy.stats import chi2_contingency

from fusionguard.data.table import Table
from fusionguard.evaluation.card import card_html
from fusionguard.families.churn.insights import Insights, business_insights
from fusionguard.families.churn.population import FEWEST, Population, read_population
from fusionguard.families.churn.what_ifs import break_even_acceptance, read_rules, what_if, what_ifs
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.proportions import wilson_interval
from tests.families.churn.cases import FACTS, RULES

CHARTS = ["who_leaves", "facts_together", "model_and_rules", "offer_sensitivity"]
IMPORTANCE = (("Age", 0.8), ("NumOfProducts", 0.7), ("IsActiveMember", 0.4), ("Gender", 0.2))


@pytest.fixture(scope="module")
def insights(churn_case: Any) -> Insights:
    return business_insights(churn_case.features.table, CHURN_FEATURES, churn_case.report, IMPORTANCE, churn_case.customers)


@pytest.fixture(scope="module")
def population(insights: Insights) -> Population:
    return insights.population


def part(text: str, section: str) -> str:
    return text.split(f"## {section}\n")[1].split("\n## ")[0]


def test_counts_are_those_of_the_table(churn_case: Any, population: Population) -> None:
    rows, policy = churn_case.features.table.read(), churn_case.report.policy
    left, value = rows["Exited"].to_numpy() == 1, policy.customer_value(rows["Balance"].to_numpy())
    assert (population.rows, population.churners) == (rows.num_rows, int(left.sum()))
    assert population.value == pytest.approx(value.sum())
    assert population.value_lost == pytest.approx(value[left].sum())
    cuts = {cut.fact: cut for cut in population.cuts}
    for fact, column, member, name in (
        ("number of products", "NumOfProducts", 2, "2 products"),
        ("activity", "IsActiveMember", 0, "inactive"),
        ("age", "age_band", 3, "50 to 59"),
        ("country", "Geography", "Germany", "Germany"),
        ("credit card", "HasCrCard", 1, "has one"),
    ):
        inside = np.array(rows[column].to_pylist()) == member
        group = next(group for group in cuts[fact].groups if group.name == name)
        assert (group.rows, group.churners) == (int(inside.sum()), int((inside & left).sum()))
        assert (group.churn_rate.low, group.churn_rate.high) == wilson_interval(group.churners, group.rows)
        assert group.value_lost == pytest.approx(value[inside & left].sum())
    for cut in population.cuts:
        assert sum(group.rows for group in cut.groups) == rows.num_rows
        counted = np.array([(group.churners, group.rows - group.churners) for group in cut.groups])
        assert cut.chance == pytest.approx(chi2_contingency(counted, correction=False).pvalue)
        assert 0 <= cut.strength <= 1


def test_a_fact_that_tells_everything_or_nothing_is_known_as_such(churn_case: Any, tmp_path: Path) -> None:
    rows = churn_case.features.table.read()
    coin = pa.array(np.random.default_rng(0).integers(0, 2, rows.num_rows), pa.int32())
    rows = rows.set_column(rows.column_names.index("IsActiveMember"), "IsActiveMember", pc.subtract(1, rows["Exited"]))
    rows = rows.set_column(rows.column_names.index("HasCrCard"), "HasCrCard", coin)
    pq.write_table(rows, tmp_path / "rows.parquet")
    read = read_population(Table(tmp_path / "rows.parquet"), CHURN_FEATURES, FACTS, churn_case.report.policy)
    assert read.cuts[0].fact == "activity" and read.cuts[0].strength == pytest.approx(1)
    assert "credit card" not in [cut.fact for cut in read.doubtless]


def test_crossings_compare_two_groups_of_the_same_customers(churn_case: Any, population: Population) -> None:
    rows = churn_case.features.table.read()
    age, active, left = (rows[name].to_numpy() for name in ("age_band", "IsActiveMember", "Exited"))
    crossing = population.crossings[0]
    assert (crossing.fact, crossing.by) == ("age", "activity")
    for band, each in enumerate(crossing.contrasts):
        inactive, engaged = left[(age == band) & (active == 0)], left[(age == band) & (active == 1)]
        assert (each.first.rows, each.second.rows) == (inactive.size, engaged.size)
        assert each.difference.value == pytest.approx(inactive.mean() - engaged.mean())
        assert each.difference.low < each.difference.value < each.difference.high
    germany = next(each for each in population.crossings[2].contrasts if each.name == "Germany")
    assert germany.second.rows == 0 and germany.difference.reason == "no customers"


def test_the_difference_has_newcombes_published_interval() -> None:
    from fusionguard.families.churn.population import _difference, _group

    # Newcombe 1998, table II, method 10: 56/70 - 48/80, and 10/10 - 0/10.
    found = _difference(_group("a", 70, 56, 0.0), _group("b", 80, 48, 0.0))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    found = _difference(_group("a", 10, 10, 0.0), _group("b", 10, 0, 0.0))
    assert (round(found.low, 4), round(found.high, 4)) == (0.6075, 1.0)


def test_groups_of_few_customers_are_not_shown(insights: Insights, churn_case: Any, tmp_path: Path) -> None:
    rows = churn_case.features.table.read()
    products = rows["NumOfProducts"].to_numpy().copy()
    products[products == 4] = 3
    products[: FEWEST - 1] = 4
    rows = rows.set_column(rows.column_names.index("NumOfProducts"), "NumOfProducts", pa.array(products, pa.int32()))
    pq.write_table(rows, tmp_path / "rows.parquet")
    few = replace(
        insights,
        population=read_population(Table(tmp_path / "rows.parquet"), CHURN_FEATURES, FACTS, churn_case.report.policy),
    )
    cut = next(cut for cut in few.population.cuts if cut.fact == "number of products")
    assert [group.name for group in cut.shown] == ["1 product", "2 products", "3 products"]
    shown = re.findall(r"^\| 4 products +\|(.*)\|$", few.markdown(), re.MULTILINE)
    assert shown and not any(re.search(r"\d", cells) for cells in shown)
    assert f"fewer than {FEWEST} customers" in few.markdown()


def test_a_rule_that_knows_the_outcome_beats_the_model(churn_case: Any, tmp_path: Path) -> None:
    rows, policy = churn_case.features.table.read(), churn_case.report.policy
    rows = rows.set_column(rows.column_names.index("NumOfProducts"), "NumOfProducts", pc.add(rows["Exited"], 1))
    pq.write_table(rows, tmp_path / "rows.parquet")
    rule = read_rules(Table(tmp_path / "rows.parquet"), CHURN_FEATURES, RULES, churn_case.customers, policy)[0]
    assert rule.rule == "number of products"
    assert rule.reached.value == pytest.approx(1)
    assert rule.policy_ahead.high < 0


def test_rules_learn_from_the_development_part_alone(churn_case: Any, tmp_path: Path) -> None:
    rows, policy, customers = churn_case.features.table.read(), churn_case.report.policy, churn_case.customers
    inside = np.isin(rows["row_number"].to_numpy(), customers.row_number)
    spoiled = np.where(inside, 1 - rows["Exited"].to_numpy(), rows["Exited"].to_numpy())
    rows = rows.set_column(rows.column_names.index("Exited"), "Exited", pa.array(spoiled, pa.int32()))
    pq.write_table(rows, tmp_path / "rows.parquet")
    assert read_rules(Table(tmp_path / "rows.parquet"), CHURN_FEATURES, RULES, customers, policy) == read_rules(
        churn_case.features.table, CHURN_FEATURES, RULES, customers, policy
    )


def test_a_rule_is_read_at_as_many_contacts_with_ties_in_proportion(churn_case: Any) -> None:
    rows, policy, customers = churn_case.features.table.read(), churn_case.report.policy, churn_case.customers
    products = dict(zip(rows["row_number"].to_pylist(), rows["NumOfProducts"].to_pylist(), strict=True))
    outcome = dict(zip(rows["row_number"].to_pylist(), rows["Exited"].to_pylist(), strict=True))
    tested = {int(number) for number in customers.row_number}
    development = [number for number in products if number not in tested]
    overall = sum(outcome[number] for number in development) / len(development)

    def rate(cell: int) -> float:
        members = [outcome[number] for number in development if products[number] == cell]
        return (sum(members) + 10 * overall) / (len(members) + 10)

    rates = np.array([rate(products[int(number)]) for number in customers.row_number])
    contacts = int(policy.decide(customers.probability, customers.balance).sum())
    order = np.argsort(-policy.expected_profit(rates, customers.balance), kind="stable")
    reached = []
    for seed in range(200):  # among customers who tie, by lot
        shuffled = np.random.default_rng(seed).permutation(customers.rows)
        worth = policy.expected_profit(rates, customers.balance)[shuffled]
        order = shuffled[np.argsort(-worth, kind="stable")]
        reached.append(customers.label[order[:contacts]].sum() / customers.churners)
    rule = read_rules(churn_case.features.table, CHURN_FEATURES, RULES, customers, policy)[0]
    assert rule.reached.value == pytest.approx(np.mean(reached), abs=0.01)


def test_repeated_row_numbers_leave_the_rules_out(insights: Insights, churn_case: Any, tmp_path: Path) -> None:
    rows = churn_case.features.table.read()
    numbers = pa.array(np.ones(rows.num_rows, dtype=np.int64))
    pq.write_table(rows.set_column(rows.column_names.index("row_number"), "row_number", numbers), tmp_path / "rows.parquet")
    table, policy = Table(tmp_path / "rows.parquet"), churn_case.report.policy
    assert read_rules(table, CHURN_FEATURES, RULES, churn_case.customers, policy) == ()
    assert "Row numbers repeat" in part(replace(insights, rules=()).markdown(), "What the model adds")


def test_what_ifs_start_from_the_reports_profit(churn_case: Any) -> None:
    report, customers = churn_case.report, churn_case.customers
    policy = report.policy
    grid = {(each.acceptance, each.offer_cost): each for each in what_ifs(customers, policy)}
    assert len(grid) == 20
    assumed = grid[policy.acceptance, policy.offer_cost]
    assert assumed.same_list == pytest.approx(report.campaign.profit_per_1000.value)
    assert assumed.new_list == assumed.same_list
    assert assumed.new_offers == pytest.approx(report.campaign.offers_per_1000)
    even = break_even_acceptance(customers, policy)
    assert even is not None
    assert what_if(customers, policy, even, policy.offer_cost).same_list == pytest.approx(0, abs=1e-6)
    dear = grid[policy.acceptance, 4 * policy.offer_cost]
    assert dear.same_list < assumed.same_list and dear.new_offers < assumed.new_offers


def test_a_list_with_nobody_on_it_has_no_break_even(churn_case: Any) -> None:
    customers = churn_case.customers
    nobody = churn_case.report.policy.model_copy(update={"minimum_expected_profit": 1e9})
    assert break_even_acceptance(customers, nobody) is None
    assert all(each.same_list == 0 for each in what_ifs(customers, nobody))


def test_the_text_tells_the_numbers(insights: Insights, churn_case: Any) -> None:
    text, report, population = insights.markdown(), churn_case.report, insights.population
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "In short",
        "Who leaves",
        "What does not tell leavers apart",
        "Two facts together",
        "What is at stake",
        "What the model adds",
        "What a campaign earns",
        "If acceptance or costs differ",
        "What not to conclude",
    ]
    for cut in population.cuts:
        section = part(text, "Who leaves" if cut in population.doubtless else "What does not tell leavers apart")
        for group in cut.shown:
            rate = group.churn_rate
            assert f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})" in section
    for crossing in population.crossings:
        for each in crossing.contrasts:
            if each.difference.value is not None:
                assert f"{100 * each.difference.value:+.1f} (" in part(text, "Two facts together")
    for rule in insights.rules:
        assert f"{rule.profit:,.0f}" in part(text, "What the model adds")
    for each in insights.offers:
        section = part(text, "If acceptance or costs differ")
        assert f"{each.same_list:,.0f}" in section and f"{each.new_list:,.0f} ({each.new_offers:,.0f})" in section
    assert f"{report.campaign.profit_per_1000.value:,.0f} (" in part(text, "What a campaign earns")
    assert f"{insights.population.value_lost:,.0f}" in part(text, "What is at stake")
    assert "Age, number of products, active member" in text
    assert "None" not in text and "nan" not in text.split()


def test_a_limit_of_contacts_is_not_taken_for_ignorance(insights: Insights, churn_case: Any) -> None:
    limited = churn_case.report.policy.model_copy(update={"contacts": 100, "minimum_expected_profit": 12.0})
    found = replace(insights, report=churn_case.report.model_copy(update={"policy": limited}))
    assert "without today's limit" in found.markdown() and "without today's limit" not in insights.markdown()


def test_small_groups_that_leave_much_are_warned_of(insights: Insights) -> None:
    cautions = part(insights.markdown(), "What not to conclude")
    products = next(cut for cut in insights.population.cuts if cut.fact == "number of products")
    small = [group for group in products.shown if group.rows < 0.05 * insights.population.rows]
    assert small
    assert all(f"**Few customers: {group.name}.**" in cautions for group in small)
    assert "**Not causes.**" in cautions


def test_every_table_is_whole_and_no_person_is_in_it(insights: Insights, churn_case: Any) -> None:
    text = insights.markdown()
    widths: list[list[int]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            widths.append([])
        elif token.type == "tr_open":
            widths[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            widths[-1][-1] += 1
    assert len(widths) == len(insights.population.doubtless) + len(insights.population.crossings) + 5
    assert all(len(set(rows)) == 1 and len(rows) >= 2 for rows in widths)
    assert "/" not in re.sub(r"docs/responsible_ai\.md", "", text)
    assert "Surname" not in text and "CustomerId" not in text


def test_simulated_data_is_said_at_the_top_and_only_then(insights: Insights, churn_case: Any) -> None:
    assert "SIMULATED DATA" in insights.markdown().split("## ")[0]
    real = replace(insights, report=churn_case.report.model_copy(update={"origin": "local"}))
    assert "SIMULATED" not in real.markdown().upper()


def test_charts_are_linked_where_they_belong_and_drawn_the_same_each_time(insights: Insights, churn_case: Any) -> None:
    assert list(insights.plots) == CHARTS
    for image in insights.plots.values():
        assert image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) < 250_000
        width, height = struct.unpack(">II", image[16:24])
        assert 700 <= width <= 1_300 and 300 <= height <= 1_000
    again = business_insights(churn_case.features.table, CHURN_FEATURES, churn_case.report, IMPORTANCE, churn_case.customers)
    digests = [[hashlib.sha256(image).hexdigest() for image in each.plots.values()] for each in (insights, again)]
    assert digests[0] == digests[1]
    assert again.markdown() == insights.markdown()
    assert pyplot.get_fignums() == []
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", insights.markdown(image_folder="business_insights/"))
    assert linked == [f"business_insights/{name}.png" for name in CHARTS]
    assert "![" not in insights.markdown()
    page = card_html(insights.markdown(image_folder="plots"), insights.plots)
    assert page.count("data:image/png;base64,") == len(CHARTS) and "<h2>Plots</h2>" not in page
