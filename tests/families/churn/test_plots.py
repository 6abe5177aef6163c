from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

from fusionguard.families.churn import plots
from fusionguard.families.churn.bands import read_bands
from fusionguard.families.churn.fairness import read_fairness
from fusionguard.families.churn.lift import profit_curve
from fusionguard.families.churn.plots import churn_plots

NAMES = ["lift", "calibration", "profit", "bands", "fairness", "cross_validation"]


def digests(images: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(image).hexdigest() for name, image in images.items()}


def size(image: bytes) -> tuple[int, int]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", image[16:24])


@pytest.mark.full
def test_the_same_report_gives_the_same_bytes(churn_case: Any) -> None:
    images = churn_plots(churn_case.report)
    assert list(images) == NAMES
    assert digests(images) == digests(churn_plots(churn_case.report))
    for image in images.values():
        width, height = size(image)
        assert 700 <= width <= 1_300 and 300 <= height <= 1_000
        assert len(image) < 150_000
    assert pyplot.get_fignums() == []


def drawn(report: Any, monkeypatch: Any) -> list[Any]:
    figures: list[Any] = []

    def collect(figure: Any) -> bytes:
        figures.append(figure)
        return b""

    monkeypatch.setattr(plots, "png", collect)
    churn_plots(report)
    return figures


@pytest.mark.parametrize(("origin", "said"), [("simulated", True), ("kaggle", False)])
def test_titles_say_that_data_is_simulated(churn_case: Any, monkeypatch: Any, origin: str, said: bool) -> None:
    figures = drawn(churn_case.report.model_copy(update={"origin": origin}), monkeypatch)
    assert len(figures) == len(NAMES)
    assert all(("SIMULATED" in figure.get_suptitle()) is said for figure in figures)


def test_the_pictures_show_the_reports_numbers(churn_case: Any, monkeypatch: Any) -> None:
    report = churn_case.report
    figures = dict(zip(NAMES, drawn(report, monkeypatch), strict=True))
    gain = figures["lift"].axes[0].lines[0]
    assert list(gain.get_ydata()) == [0, *(point.gain for point in report.lift)]
    profit, _, point, _ = figures["profit"].axes[0].lines
    assert list(profit.get_ydata()) == [each.profit for each in report.profit.points]
    assert list(point.get_ydata()) == [report.profit.policy_point.profit]
    bars = figures["bands"].axes[0].patches
    assert [bar.get_height() for bar in bars] == [band.churn_rate.value for band in report.bands if band.rows]
    reliability = figures["calibration"].axes[0].containers[0].lines[0]
    assert list(reliability.get_xdata()) == [group.predicted for group in report.reliability]


def test_the_fairness_picture_shows_limits_and_verdicts(churn_case: Any, monkeypatch: Any) -> None:
    figure = dict(zip(NAMES, drawn(churn_case.report, monkeypatch), strict=True))["fairness"]
    gaps = {(gap.attribute, gap.metric): gap for gap in churn_case.report.fairness.gaps}
    order = [
        (attribute, metric)
        for attribute in ("gender", "age_band", "geography")
        for metric in ("selection_rate", "true_positive_rate", "false_positive_rate")
    ]
    assert any(gaps[place].limit is not None and gaps[place].groups for place in order)
    for axes, place in zip(figure.axes, order, strict=True):
        gap, title = gaps[place], axes.get_title(loc="left")
        assert (f"gap {gap.value.value:.2f}" if gap.groups else "too few customers") in title
        assert len(axes.patches) == (gap.limit is not None and bool(gap.groups))
        if axes.patches:
            assert gap.verdict in title
            assert axes.patches[0].get_width() == pytest.approx(min(gap.limit, 1 - axes.patches[0].get_x()))


@pytest.mark.full
def test_reports_with_gaps_are_drawn_too(churn_case: Any) -> None:
    report, customers = churn_case.report, churn_case.customers
    safe = customers.scored_by(np.full(customers.rows, 0.02))
    odd = replace(safe, groups={**safe.groups, "gender": np.where(safe.label == 1, "Female", "Male")})
    nobody = np.zeros(odd.rows, dtype=np.bool_)
    images = churn_plots(
        report.model_copy(
            update={
                "bands": read_bands(odd, report.policy),
                "profit": profit_curve(odd, report.policy),
                "fairness": read_fairness(odd, nobody, churn_case.config.fairness, samples=20, seed=1),
            }
        )
    )
    assert all(size(image) for image in images.values())
