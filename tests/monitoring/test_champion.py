"""What a champion's evaluation shows of its probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.report import ReliabilityBin as ChurnBin
from fusionguard.families.fraud.curves import Curves, ReliabilityBin
from fusionguard.families.fraud.report import EvaluationReport, Window
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.calibration import fit_line
from fusionguard.monitoring.champion import Champion


def test_the_bins_of_the_evaluation_give_a_line(
    fraud_profile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the legitimate rows was kept: each counts ten times, so that 40 of 960 are 40 of 9,240."""
    bins = tuple(
        ReliabilityBin(rows=rows, frauds=frauds, predicted=predicted, observed=0.0, low=0.0, high=1.0)
        for rows, frauds, predicted in ((900, 10, 0.001), (60, 30, 0.2))
    )
    report = EvaluationReport.model_construct(
        test=Window.model_construct(rows=960, frauds=40, transactions=9_240.0),
        curves=Curves.model_construct(reliability=bins),
    )
    monkeypatch.setattr(Champion, "evaluation", lambda self: report)
    line = Champion(fraud_profile_bundle, tmp_path).calibration()
    assert line == fit_line(
        np.array([10.0, 30.0]), np.array([8_910.0, 330.0]), np.array([0.001, 0.2]), source="the champion's evaluation"
    )


def test_so_do_those_of_customers(churn_profile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bins = tuple(
        ChurnBin(rows=100, predicted=predicted, observed=observed, low=0.0, high=1.0)
        for predicted, observed in ((0.1, 0.05), (0.4, 0.6))
    )
    monkeypatch.setattr(Champion, "evaluation", lambda self: ChurnReport.model_construct(reliability=bins))
    line = Champion(churn_profile_bundle, tmp_path).calibration()
    assert line is not None
    assert line.positives == pytest.approx(65)
    assert line.apply(np.array([0.1, 0.4])) == pytest.approx([0.05, 0.6], abs=0.03)


def test_a_model_that_says_nothing_has_no_line(
    fraud_profile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = EvaluationReport.model_construct(
        test=Window.model_construct(rows=960, frauds=40, transactions=9_240.0), curves=Curves.model_construct(reliability=())
    )
    monkeypatch.setattr(Champion, "evaluation", lambda self: report)
    assert Champion(fraud_profile_bundle, tmp_path).calibration() is None


def test_without_an_evaluation_there_is_none(fraud_profile_bundle: Bundle, tmp_path: Path) -> None:
    assert Champion(fraud_profile_bundle, tmp_path).calibration() is None
