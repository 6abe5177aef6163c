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
from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.card.markdown import clock, table
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.families.fraud.card import FraudCardInputs, model_card
from fusionguard.families.fraud.card.about import limits
from fusionguard.families.fraud.card.results import explainability
from fusionguard.families.fraud.card.unseen import TREES, UnseenKinds, measured, unseen_kinds
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.report import EvaluationReport
from tests.foreign import write_payments

SHA = "ab" * 32
PNG = b"\x89PNG not really"
PLOTS = {"precision_recall": PNG, "calibration": PNG, "threshold": PNG, "cost": PNG, "importance": PNG, "summary": PNG}


def part(start: int, stop: int, first: int, last: int) -> dict[str, int]:
    return {"start": start, "stop": stop, "first_second": first, "last_second": last, "positives": 20}


@pytest.fixture
def make_inputs(report: EvaluationReport) -> Callable[..., FraudCardInputs]:
    def make(origin: str = "simulated", rate: float = 1.0, **changes: Any) -> FraudCardInputs:
        facts: dict[str, Any] = {
            "provenance": {
                "dataset": "fraud",
                "origin": origin,
                "description": "creditcard.csv",
                "sha256": SHA,
                "rows": 30_000,
                "negative_sampling_rate": rate,
            },
            "features": {
                "schema_version": 1,
                "dataset": "fraud",
                "origin": origin,
                "source_sha256": SHA,
                "engine": "duckdb",
                "rows": 29_500,
                "raw_rows": 30_000,
                "duplicates_dropped": 500,
                "negative_sampling_rate": rate,
                "columns": {},
                "features_sha256": "cd" * 32,
            },
            "plan": {
                "columns": {"label": "Class", "time": "time_seconds"},
                "train": part(0, 18_000, 0, 90_000),
                "validation": part(18_000, 21_000, 90_001, 120_000),
                "calibration": part(21_000, 23_500, 120_001, 139_999),
                "test": part(23_500, 29_500, 140_000, 172_791),
            },
            "uses_autoencoder": True,
            "training": {"trees": 312, "what was fused": "trees | autoencoder"},
            "evaluation": report.model_copy(update={"origin": origin}),
            "importance": [(f"V{number}", 1 / number) for number in range(1, 29)],
            "gate": GateVerdict(promoted=True, challenger_version="1", reason="There is no champion yet."),
            "versions": {"xgboost": "3.2.0"},
            "bundle_sha256": "ef" * 32,
        }
        return FraudCardInputs.model_validate(facts | changes)

    return make


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        (True, "gradient-boosted trees and an autoencoder, fused and calibrated by one logistic layer"),
        (False, "gradient-boosted trees, calibrated by a logistic layer; the autoencoder did not rank better"),
    ],
)
def test_the_first_row_says_which_parts_score(make_inputs: Any, uses: bool, words: str) -> None:
    card = model_card(make_inputs(uses_autoencoder=uses))
    (row,) = re.findall(r"^\| model +\| (.*)$", card, re.MULTILINE)
    assert row.startswith(words)
    assert ("fused" in row) is uses


def test_the_card_has_its_sections_in_order(make_inputs: Any) -> None:
    card = model_card(make_inputs())
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == [
        "At a glance",
        "Intended use",
        "Data and origin",
        "Protocol",
        "Results",
        "Slices",
        "Explainability",
        "Decision policy",
        "Gate",
        "Unseen kinds of fraud",
        "Limits",
        "How to reproduce",
    ]
    for fact in (SHA, "cd" * 32, "ef" * 32, "29,500", "logistic regression", "XGBoost defaults", "no rows here", "3.2.0"):
        assert fact in card
    assert "None" not in card and "nan" not in card.split()


def test_the_card_shows_the_readings_with_their_intervals(make_inputs: Any, report: EvaluationReport) -> None:
    card = model_card(make_inputs())
    for read in report.readings().values():
        assert read["average_precision"].text() in card
        assert read["brier"].text(5) in card


def test_simulated_data_is_said_at_the_top_and_only_then(make_inputs: Any) -> None:
    head = model_card(make_inputs("simulated")).split("## ")[0]
    assert "SIMULATED DATA" in head
    own = re.sub(r"## Unseen kinds of fraud.*?(?=## )", "", model_card(make_inputs("kaggle")), flags=re.DOTALL)
    assert "SIMULATED" not in own.upper().replace("SIMULATED=", "")


def test_the_card_says_what_is_found_of_unseen_kinds_and_on_which_rows(make_inputs: Any) -> None:
    share = {"value": 0.25, "low": 0.125, "high": 0.5}
    alone = {"unseen": {"a": share}, "mean": share, "gain": {"value": 0.0}, "known": {"value": 0.9}, "known_gain": {"value": 0.0}}
    gains = (0.01, 0.03)
    found = UnseenKinds.model_validate(
        {
            "day": "2026-03-04",
            "name": "mine",
            "owner": "customer",
            "about": "rows of mine",
            "weeks": 2,
            "hit": {"a": {"owners": 1_200, "cases": 3}, "b": {"owners": 34, "cases": 4}},
            "readings": [
                {
                    "budget": {"reviews": 50, "unusual": unusual},
                    "signals": {TREES: alone, "shock": alone | {"gain": {"value": 0.1, "low": low, "high": 0.2}}},
                }
                for unusual, low in zip((5, 15), gains, strict=True)
            ],
        }
    )
    text = unseen_kinds([found])
    assert "Of rows of mine (2026-03-04): 2 kinds, 2 weeks, 1,234 customers hit in 7 cases." in text
    assert "**What finds more on this data set: shock with 15 of 50 reviews.**" in text
    first = found.model_copy(update={"readings": found.readings[:1]})
    assert "**What finds more on each of these 2 data sets: no signal with any of these budgets.**" in unseen_kinds(
        [found, first]
    )
    assert "With 5 of 50 reviews for the unusual, no signal finds more beyond chance." in text
    assert "With 15 of 50 reviews for the unusual, more of unseen kinds is found (shock: 0.10 (0.03 to 0.20) more" in text
    assert unseen_kinds(measured()) in model_card(make_inputs())


def test_the_protocol_shows_from_when_to_when_the_rows_are_that_are_used(make_inputs: Any) -> None:
    """The slice itself goes on to day 2, 14:53 with rows whose outcome was not known."""
    plan = make_inputs().plan
    unknown = {"unknown_rows": 400, "used_seconds": (120_009, 130_000), "known_column": "known", "known_by": 140_000}
    calibration = plan.calibration.model_copy(update=unknown)
    card = model_card(make_inputs(plan=plan.model_copy(update={"calibration": calibration})))
    (row,) = re.findall(r"^\| calibration +\|(.*)$", card, re.MULTILINE)
    assert [cell.strip() for cell in row.split("|")][:4] == ["2,100", "20", "day 2, 09:20", "day 2, 12:06"]
    assert "400 rows are in no slice" in card


@pytest.mark.parametrize("windows", ["", "windows:\n  card: {spans: [1h, 30d], of: [count]}\n"])
def test_the_limits_say_whether_the_past_is_read(make_inputs: Any, tmp_path: Path, windows: str) -> None:
    file = write_payments(tmp_path / "source", 400)
    file.write_text(file.read_text() + windows)
    (tmp_path / "read").mkdir()
    _, described = read_described(find_dataset(str(file)), "auto", tmp_path / "read", rows=0, seed=1, earliest=0.5)
    inputs = make_inputs()
    importance = (("card_count_1h", 0.5), ("mcc", 0.25))
    features = inputs.features.model_copy(update={"described": described})
    inputs = inputs.model_copy(update={"features": features, "importance": importance})
    card = limits(inputs)
    assert ("**Single rows.**" in card) is not bool(windows)
    assert ("of the same card (card token) over 1h (tiles of 2 min), 30d (tiles of 1 d)." in card) is bool(windows)
    assert ("| payments in 1 h" in explainability(inputs, None)) is bool(windows)


def test_sampled_rows_are_explained(make_inputs: Any) -> None:
    card = model_card(make_inputs("local", rate=1 / 12.2))
    assert "8.20 % of the legitimate transactions" in card
    assert "stands for 12.2 real ones" in card
    assert "Nothing was sampled" in model_card(make_inputs("local"))


def test_the_command_reproduces_the_settings_and_tells_no_path(make_inputs: Any) -> None:
    config = FraudConfig.model_validate(
        {"seed": 9, "data": {"source": "/home/someone/secret.csv"}, "autoencoder": {"latent_sizes": [3, 5]}}
    )
    card = model_card(make_inputs("local", config=config, training={"read from": "/home/someone/secret.csv"}))
    assert "/home/" not in card
    command = next(line for line in card.splitlines() if "run.py --pipeline" in line)
    assert "--source FILE" in command
    assignments = re.findall(r"--set (\S+)", command)
    rebuilt = load_config(FraudConfig, assignments=assignments)
    assert rebuilt == config.model_copy(update={"data": rebuilt.data})


def test_a_search_is_told_where_there_was_one(make_inputs: Any) -> None:
    card = model_card(make_inputs(searched=["XGBoost: 14 trials raised it."]))
    assert "XGBoost: 14 trials raised it. The best of many values on the same folds leans to the good side" in card
    assert "hyperparameters" not in model_card(make_inputs())


def test_every_table_of_the_card_is_whole(make_inputs: Any) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(model_card(make_inputs()))
    tables = sum(token.type == "table_open" for token in tokens)
    assert tables == 11
    cells = [0]
    for token in tokens:
        if token.type == "tr_open":
            cells.append(0)
        cells[-1] += token.type in ("th_open", "td_open")
    assert min(cells[1:]) >= 2


def test_no_gate_is_said(make_inputs: Any) -> None:
    assert "The gate was not asked" in model_card(make_inputs(gate=None))


def test_images_are_linked_relative_to_the_card(make_inputs: Any) -> None:
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", model_card(make_inputs(), image_folder="fraud_model_card/"))
    assert sorted(linked) == sorted(f"fraud_model_card/{name}.png" for name in PLOTS)
    assert "![" not in model_card(make_inputs())


class Loads(HTMLParser):
    """Collects what a page would load, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.mark.parametrize("folder", [None, "images"])
def test_the_page_holds_every_plot_and_loads_nothing(make_inputs: Any, folder: str | None) -> None:
    page = card_html(model_card(make_inputs(), image_folder=folder), PLOTS)
    found = Loads()
    found.feed(page)
    assert len(found.sources) == len(PLOTS)
    assert all(source.startswith("data:image/png;base64,") for source in found.sources)
    assert "@import" not in page and "url(" not in page
    assert page.startswith("<!DOCTYPE html>")
    assert found.tags.count("table") == 11


def test_html_in_the_inputs_is_never_run(make_inputs: Any) -> None:
    inputs = make_inputs(training={"<script>alert(1)</script>": "a | b <img src=x onerror=alert(1)>"})
    found = Loads()
    found.feed(card_html(model_card(inputs), {}))
    assert "script" not in found.tags and "img" not in found.tags


def test_a_table_cannot_be_broken_from_inside() -> None:
    lines = table(("name", "value"), [("a|b", "1\n2"), ("c", "3")]).splitlines()
    assert lines[2] == "| a\\|b |   1 2 |"
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1


def test_times_read_as_days_and_hours() -> None:
    assert clock(0) == "day 1, 00:00"
    assert clock(86_400 + 14 * 3600 + 53 * 60 + 20) == "day 2, 14:53"


def test_the_card_is_the_same_each_time(make_inputs: Any) -> None:
    assert model_card(make_inputs()) == model_card(make_inputs())
    assert card_html(model_card(make_inputs()), PLOTS) == card_html(model_card(make_inputs()), PLOTS)


def test_a_refitted_model_is_told_from_the_one_that_was_read(make_inputs: Any) -> None:
    read, refitted = model_card(make_inputs()), model_card(make_inputs(refitted_rows=283_721))
    assert "fitted anew on all 283,721 rows after the reading" in refitted and "fitted anew" not in read
    assert "This reading is of the evaluated model" in refitted and "This reading is of the evaluated model" not in read
