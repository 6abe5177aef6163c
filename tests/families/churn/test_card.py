from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from fusionguard.config import load_config
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.families.churn.card import ChurnCardInputs, churn_model_card
from fusionguard.families.churn.card.about import limits
from fusionguard.families.churn.config import ChurnConfig
from tests.foreign import write_telco

PNG = b"\x89PNG not really"
PLOTS = dict.fromkeys(("lift", "calibration", "profit", "bands", "fairness", "cross_validation", "importance", "summary"), PNG)
SECTIONS = [
    "At a glance",
    "Intended use",
    "Data and origin",
    "Protocol",
    "Cross-validation",
    "Results on the test slice",
    "Why the two differ",
    "Segments",
    "Explainability",
    "Retention policy",
    "Risk bands",
    "Lift",
    "Fairness",
    "Gate",
    "Limits",
    "How to reproduce",
]


@pytest.fixture
def make_inputs(churn_case: Any) -> Callable[..., ChurnCardInputs]:
    def make(origin: str = "simulated", **changes: Any) -> ChurnCardInputs:
        facts: dict[str, Any] = {
            "provenance": churn_case.provenance.model_copy(update={"origin": origin}),
            "features": churn_case.features.manifest,
            "plan": churn_case.plan,
            "training": {"CatBoost's trees": 262, "what was joined": "LightGBM | CatBoost"},
            "evaluation": churn_case.report.model_copy(update={"origin": origin}),
            "importance": [(f"feature{number}", 1 / number) for number in range(1, 14)],
            "gate": GateVerdict(promoted=True, challenger_version="1", reason="There is no champion yet."),
            "config": churn_case.config,
            "versions": {"lightgbm": "4.7.0"},
            "bundle_sha256": "ef" * 32,
        }
        return ChurnCardInputs.model_validate(facts | changes)

    return make


def test_the_limits_say_what_is_read_of_the_past(make_inputs: Any, tmp_path: Path) -> None:
    file = write_telco(tmp_path / "source", 300, timed=True)
    windows = "entities: {customer: Customer ID}\nwindows:\n  customer: {spans: [60d], of: [count]}\n"
    file.write_text(file.read_text().replace("id: Customer ID\n", "") + windows)
    (tmp_path / "read").mkdir()
    _, described = read_described(find_dataset(str(file)), "auto", tmp_path / "read", rows=0, seed=1, earliest=0.5)
    inputs = make_inputs()
    card = limits(inputs.model_copy(update={"features": inputs.features.model_copy(update={"described": described})}))
    assert "\n- **What happened before.**" in card and "of the same customer (Customer ID) over 60d (tiles of 2 d)." in card
    assert "**What happened before.**" not in limits(inputs)


def part(card: str, section: str) -> str:
    return card.split(f"## {section}\n")[1].split("\n## ")[0]


def test_the_card_has_its_sections_in_order(make_inputs: Any, churn_case: Any) -> None:
    card = churn_model_card(make_inputs())
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == SECTIONS
    facts = ("ab" * 32, "ef" * 32, churn_case.features.manifest.features_sha256, "LightGBM defaults", "4.7.0", "feature13")
    for fact in facts:
        assert fact in card
    assert "None" not in card and "nan" not in card.split()


def test_the_tables_show_the_readings_with_their_intervals(make_inputs: Any, churn_case: Any) -> None:
    card, report = churn_model_card(make_inputs()), churn_case.report
    for read in report.cross_validation.models.values():
        assert read["roc_auc"].text() in part(card, "Cross-validation")
    assert report.cross_validation.models["CatBoost"]["brier"].text(4) in part(card, "Cross-validation")
    for row in report.table_rows():
        for reading in row.readings.values():
            assert reading.text(row.digits) in part(card, "Results on the test slice")
    for segment in report.segments:
        assert segment.average_precision.text() in part(card, "Segments")


def test_decisions_are_told_by_the_reports_numbers(make_inputs: Any, churn_case: Any) -> None:
    card, report = churn_model_card(make_inputs()), churn_case.report
    policy, campaign = part(card, "Retention policy"), report.campaign
    assert f"{campaign.offers_per_1000:,.0f}" in policy
    assert f"{campaign.profit_per_1000.value:,.0f} (" in policy
    assert f"{campaign.profit_if_all_per_1000:,.0f}" in policy
    assert report.metrics["expected_maximum_profit"].text(2) in policy
    assert f"mean value of {report.test.mean_value:,.2f}" in policy
    for band in report.bands:
        assert f"{band.rows:,}" in part(card, "Risk bands") and f"{band.value_at_risk:,.0f}" in part(card, "Risk bands")
    shown = [point for point in report.lift if round(point.share_contacted, 2) in (0.05, 0.1, 0.2, 0.3, 0.5)]
    assert len(shown) == 5
    for point in shown:
        assert f"{point.lift:.2f}" in part(card, "Lift") and f"{100 * point.gain:.1f} %" in part(card, "Lift")


def test_a_band_that_is_off_is_said(make_inputs: Any, churn_case: Any) -> None:
    report = churn_case.report
    right = [band.model_copy(update={"mean_probability": band.churn_rate.value}) for band in report.bands]
    wrong = [right[0].model_copy(update={"mean_probability": 0.9}), *right[1:]]

    def bands(bands: Any) -> str:
        return part(churn_model_card(make_inputs(evaluation=report.model_copy(update={"bands": tuple(bands)}))), "Risk bands")

    assert "In every band" in bands(right)
    assert "In the band 'low'" in bands(wrong) and "90.0 % were expected" in bands(wrong) and "higher than" in bands(wrong)


def test_the_fairness_section_tells_every_gap_and_its_verdict(make_inputs: Any, churn_case: Any) -> None:
    report = churn_case.report
    section = part(churn_model_card(make_inputs()), "Fairness")
    for gap in report.fairness.gaps:
        assert gap.value.text() in section and gap.verdict in section
    for sentence in report.fairness.sentences():
        assert f"- {sentence}" in section
    assert report.mitigation.sentence() in section and "**Mitigation** is off" in section
    assert "sensitive all the same" in section and "There is no limit on this gap." in section
    assert report.fairness.gap("age_band", "true_positive_rate").sentence() in section


def test_a_broken_limit_is_seen_at_a_glance(make_inputs: Any, churn_case: Any) -> None:
    fairness = churn_case.report.fairness
    broken = [gap.model_copy(update={"verdict": "broken" if place == 1 else "within"}) for place, gap in enumerate(fairness.gaps)]
    report = churn_case.report.model_copy(update={"fairness": fairness.model_copy(update={"gaps": tuple(broken)})})
    assert "1 limit broken" in part(churn_model_card(make_inputs(evaluation=report)), "At a glance")
    assert "no limit broken" in part(churn_model_card(make_inputs()), "At a glance")


def test_bars_of_groups_are_shown_where_mitigation_is_on(make_inputs: Any, churn_case: Any) -> None:
    margins = {"group_attribute": "gender", "group_margins": {"Female": 1.25, "Male": -0.5}}
    report = churn_case.report.model_copy(update={"policy": churn_case.report.policy.model_copy(update=margins)})
    card = churn_model_card(make_inputs(evaluation=report))
    assert "+1.25 for Female, -0.50 for Male" in part(card, "Retention policy")
    assert "**Mitigation** is on" in part(card, "Fairness")


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.0, 1.0, "chance in who"), (0.0, 0.01, "lies above"), (0.99, 1.0, "lies below")]
)
def test_the_two_readings_are_compared_by_their_intervals(
    make_inputs: Any, churn_case: Any, low: float, high: float, said: str
) -> None:
    metrics = churn_case.report.metrics | {"roc_auc": Interval(value=(low + high) / 2, low=low, high=high)}
    report = churn_case.report.model_copy(update={"metrics": metrics})
    assert said in part(churn_model_card(make_inputs(evaluation=report)), "Why the two differ").split(";")[0]


def test_simulated_data_is_said_at_the_top_and_only_then(make_inputs: Any) -> None:
    assert "SIMULATED DATA" in churn_model_card(make_inputs("simulated")).split("## ")[0]
    assert "SIMULATED" not in churn_model_card(make_inputs("kaggle")).upper()
    assert "0.84 to 0.87" in churn_model_card(make_inputs("kaggle"))
    assert "0.84 to 0.87" not in churn_model_card(make_inputs("simulated"))


def test_the_command_reproduces_the_settings_and_tells_no_path(make_inputs: Any) -> None:
    config = ChurnConfig.model_validate(
        {
            "seed": 9,
            "data": {"source": "/home/someone/secret.csv"},
            "fairness": {"gender": {"true_positive_rate": None}, "beyond_doubt": False},
        }
    )
    card = churn_model_card(make_inputs("local", config=config, training={"read from": "/home/someone/secret.csv"}))
    assert "/home/" not in card
    command = next(line for line in card.splitlines() if "run.py --pipeline" in line)
    assert "--pipeline churn" in command and "--source FILE" in command
    rebuilt = load_config(ChurnConfig, assignments=re.findall(r"--set (\S+)", command))
    assert rebuilt == config.model_copy(update={"data": rebuilt.data})


def test_how_settings_were_found_is_said(make_inputs: Any) -> None:
    by_hand = ChurnConfig.model_validate({"catboost": {"depth": 6}})
    found = ("LightGBM: 40 trials raised it.", "CatBoost: 40 trials did not.")
    card = churn_model_card(make_inputs(config=by_hand, searched=found))
    assert " ".join(found) in card and "leans to the good side" in card
    assert "Set by hand" not in card
    assert "Set by hand" in churn_model_card(make_inputs(config=by_hand))
    defaults = churn_model_card(make_inputs(config=ChurnConfig()))
    assert "LightGBM's are few small trees" in defaults and "CatBoost's were found by a search" in defaults


def test_every_table_of_the_card_is_whole(make_inputs: Any) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(churn_model_card(make_inputs()))
    assert sum(token.type == "table_open" for token in tokens) == 19
    widths: list[list[int]] = []
    for token in tokens:
        if token.type == "table_open":
            widths.append([])
        elif token.type == "tr_open":
            widths[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            widths[-1][-1] += 1
    assert all(len(set(rows)) == 1 and rows[0] >= 2 and len(rows) >= 2 for rows in widths)


def test_images_are_linked_relative_to_the_card(make_inputs: Any) -> None:
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", churn_model_card(make_inputs(), image_folder="churn_model_card/"))
    assert sorted(linked) == sorted(f"churn_model_card/{name}.png" for name in PLOTS)
    assert "![" not in churn_model_card(make_inputs())


class Loads(HTMLParser):
    """Collects what a page would load, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_holds_every_plot_and_loads_nothing(make_inputs: Any) -> None:
    found = Loads()
    found.feed(card_html(churn_model_card(make_inputs(), image_folder="images"), PLOTS))
    assert len(found.sources) == len(PLOTS)
    assert all(source.startswith("data:image/png;base64,") for source in found.sources)


def test_html_in_the_inputs_is_never_run(make_inputs: Any) -> None:
    inputs = make_inputs(training={"<script>alert(1)</script>": "a | b <img src=x onerror=alert(1)>"})
    found = Loads()
    found.feed(card_html(churn_model_card(inputs), {}))
    assert "script" not in found.tags and "img" not in found.tags


def test_no_gate_is_said_and_the_card_is_the_same_each_time(make_inputs: Any) -> None:
    assert "The gate was not asked" in churn_model_card(make_inputs(gate=None))
    assert churn_model_card(make_inputs()) == churn_model_card(make_inputs())


def test_a_refitted_model_is_told_from_the_one_that_was_read(make_inputs: Any) -> None:
    read, refitted = churn_model_card(make_inputs()), churn_model_card(make_inputs(refitted_rows=7_919))
    assert "fitted anew on all 7,919 customers after the reading" in part(refitted, "At a glance")
    assert "**Delivered model.** After the reading the trees were fitted anew on all 7,919 customers" in part(
        refitted, "Protocol"
    )
    assert "one final reading, then the delivered model's fit" in part(refitted, "Protocol")
    assert "This reading is of the evaluated model, fitted without the test slice." in part(refitted, "Results on the test slice")
    assert "delivered model" not in part(read, "At a glance") and "then the delivered" not in part(read, "Protocol")
    assert "**Delivered model.** The model that the test slice was read with" in part(read, "Protocol")
    assert "This reading is of the evaluated model" not in read
