from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

from fusionguard.evaluation import explanation_plots
from fusionguard.evaluation.explanation import Explanation, Wording
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.families.fraud import plots
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.plots import evaluation_plots
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.report import EvaluationReport, evaluate


def digests(images: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(image).hexdigest() for name, image in images.items()}


def size(image: bytes) -> tuple[int, int]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", image[16:24])


@pytest.mark.full
def test_the_same_report_gives_the_same_bytes(report: EvaluationReport) -> None:
    images = evaluation_plots(report)
    assert list(images) == ["precision_recall", "calibration", "threshold", "cost"]
    assert digests(images) == digests(evaluation_plots(report))
    for image in images.values():
        width, height = size(image)
        assert 700 <= width <= 1_200 and 400 <= height <= 1_000
        assert len(image) < 150_000
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(("origin", "said"), [("simulated", True), ("kaggle", False)])
def test_titles_say_that_data_is_simulated(report: EvaluationReport, monkeypatch: Any, origin: str, said: bool) -> None:
    titles: list[str] = []

    def collect(figure: Any) -> bytes:
        titles.append(figure.axes[0].get_title(loc="left"))
        return b""

    monkeypatch.setattr(plots, "png", collect)
    evaluation_plots(report.model_copy(update={"origin": origin}))
    assert len(titles) == 4
    assert all(("SIMULATED" in title) is said for title in titles)


@pytest.mark.full
def test_reports_with_gaps_are_drawn_too(make_rows: Any) -> None:
    rows = make_rows(600)
    config = FraudEvaluationConfig(bootstrap_samples=20)
    policy = DecisionPolicy(review_cost=3.0)
    for odd in (replace(rows, amount=np.zeros(600)), rows.scored_by(np.zeros(600)), rows.scored_by(np.ones(600))):
        images = evaluation_plots(evaluate(odd, {}, policy, config, origin="local", seed=1))
        assert all(size(image) for image in images.values())


@pytest.mark.full
def test_explanations_are_drawn_the_same_each_time() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(300, 20))
    contributions = values * np.linspace(1, 0.01, 20)
    names = [f"V{number}" for number in range(20)]
    explanation = Explanation(contributions, values, tuple(names))
    images = shap_plots(explanation, simulated=True)
    assert list(images) == ["importance", "summary"]
    assert digests(images) == digests(shap_plots(explanation, simulated=True))
    assert digests(images) != digests(shap_plots(explanation, simulated=False))
    assert pyplot.get_fignums() == []


def test_values_of_categories_are_named_in_the_order_of_the_colours(monkeypatch: Any) -> None:
    shown: dict[str, list[str]] = {}

    def keep(figure: Any) -> bytes:
        axes = figure.axes[0]
        shown[axes.get_title("left")] = [label.get_text() for label in axes.get_yticklabels()]
        return b""

    monkeypatch.setattr(explanation_plots, "png", keep)
    contributions = np.array([[2.0, 1.0], [-2.0, 1.0]])
    codes = np.array([[0.0, 3.0], [1.0, 4.0]])
    wording = Wording(categories={"Gender": ("Female", "Male")})
    shap_plots(Explanation(contributions, codes, ("Gender", "Age"), wording=wording), simulated=False)
    assert shown["How feature values move the score"] == ["Age", "Gender\n(Female, Male)"]
    assert shown["What moves the score most"] == ["Age", "Gender"]


def test_points_of_one_value_lie_above_and_below_each_other() -> None:
    # Five points at 1, of which the first is the middle, and one far from them; a row's half holds 10 points before it shrinks.
    offsets = explanation_plots._swarm(np.array([1.0, 1.0, 9.0, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(offsets, [0.0, 0.04, 0.0, -0.04, 0.08, -0.08])
    crowded = explanation_plots._swarm(np.zeros(41))
    assert crowded.max() == pytest.approx(0.4) and crowded.min() == pytest.approx(-0.4)
    assert sorted(crowded) == pytest.approx(np.linspace(-0.4, 0.4, 41))


def test_colours_run_from_the_fifth_to_the_ninety_fifth_percentile() -> None:
    values = np.append(np.arange(100.0), 1e9)
    shades = explanation_plots._shade(values)
    assert shades[[0, 5, 50, 95, 100]] == pytest.approx([0, 0, 0.5, 1, 1])
    assert explanation_plots._shade(np.array([3.0, 3.0])).tolist() == [0.5, 0.5]
    rare = np.append(np.zeros(99), 1.0)
    assert explanation_plots._shade(rare)[[0, 99]].tolist() == [0, 1]
