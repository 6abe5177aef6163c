"""What a run keeps of its numbers, and the same window judged by other limits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import StorageError
from fusionguard.home import Home
from fusionguard.monitoring.detail import FILE, VerdictDetail, judged, read_detail, states, verdict_detail
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.history import record_verdict
from fusionguard.monitoring.keep import keep_verdict
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import Sketch, read_sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.verdict import decide
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.verdicts import drift_of, outcomes_of, recomputed_of
from tests.monitoring.windows import fraud_window

OTHER = MonitoringThresholds(
    psi_watch=0.02, psi_act=0.05, ks_watch=0.03, ks_act=0.5, alert_rate_watch=0.9, alert_rate_act=1.0, chance=0.2
)


@pytest.fixture(scope="module")
def sketch(counted_fraud_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Sketch:
    def change(columns: dict[str, Any], rng: np.random.Generator) -> None:
        columns["V14"] = columns["V14"] + 0.8

    return read_sketch(fraud_window(4_000, 5, change=change), counted_fraud_reference, scratch=tmp_path_factory.mktemp("scratch"))


def detail_of(drift: DriftReport, limits: MonitoringThresholds) -> VerdictDetail:
    outcomes = outcomes_of()
    facts = WindowFacts(
        model="fraud", model_version="0" * 12, first=drift.first, last=drift.last, rows=4_000, labelled=0, simulated=4_000
    )
    verdict = decide(drift, performance=outcomes)
    record = record_verdict(verdict, facts, drift, outcomes, run="run-1", at=datetime(2026, 9, 22, tzinfo=UTC))
    return verdict_detail(record, limits, drift, None, outcomes, {})


def test_recomputed_features_are_kept_and_judged_by_other_limits() -> None:
    drift, outcomes, own = drift_of(), outcomes_of(), MonitoringThresholds()
    facts = WindowFacts(model="fraud", model_version="0" * 12, rows=90, labelled=0, simulated=0)
    recomputed = recomputed_of("act")
    verdict = decide(drift, recomputed=recomputed)
    record = record_verdict(verdict, facts, drift, outcomes, run="run-1", at=datetime(2026, 9, 22, tzinfo=UTC))
    detail = verdict_detail(record, own, drift, None, outcomes, {}, recomputed)
    assert detail.state() == record.state == "act" and detail.findings[0] == recomputed.findings[0]
    lenient = MonitoringThresholds(skew_act=0.5, chance=0.01)
    few = recomputed.findings[0].model_copy(update={"effect": 0.3})
    kept = detail.model_copy(update={"recomputed": (few,)})
    assert [kept.with_limits(limits).state() for limits in (own, lenient)] == ["act", "watch"]


def levels(findings: tuple[Finding, ...]) -> dict[tuple[str, str, str], str]:
    return {(each.kind, each.subject, each.segment): each.level for each in findings if each.level != "none"}


def test_other_limits_say_what_they_would_have_said(sketch: Sketch, counted_fraud_reference: Reference) -> None:
    own = MonitoringThresholds()
    kept = detail_of(read_drift(sketch, counted_fraud_reference, own), own)
    anew = detail_of(read_drift(sketch, counted_fraud_reference, OTHER), OTHER)
    assert levels(kept.with_limits(own).findings) == levels(kept.findings) != {}
    assert levels(kept.with_limits(OTHER).findings) == levels(anew.findings)
    assert levels(anew.with_limits(own).findings) == levels(kept.findings)
    assert kept.state() == kept.record.state
    quiet = own.model_copy(update={"chance": 1e-300})
    assert states([kept, anew], quiet) == ["healthy", "healthy"]


def test_a_metrics_interval_is_kept_beyond_the_new_limit() -> None:
    metric = Finding(kind="metric", subject="roc_auc", level="watch", effect=0.04, watch=0.02, act=0.05, chance=1e-4, sentence="")
    strict, loose = MonitoringThresholds(kpi_delta=0.005), MonitoringThresholds(kpi_delta=0.1)
    assert (judged(metric, strict).level, judged(metric, strict).act) == ("act", pytest.approx(0.035))
    assert judged(metric, loose).level == "none"


def test_what_is_kept_is_small_and_read_again(sketch: Sketch, counted_fraud_reference: Reference, tmp_path: Path) -> None:
    own, home = MonitoringThresholds(), Home(tmp_path)
    detail = detail_of(read_drift(sketch, counted_fraud_reference, own), own)
    assert read_detail(home, "fraud", "run-1") is None
    keep_verdict(home, "fraud", "run-1", page="", text="", images={}, detail=detail)
    assert read_detail(home, "fraud", "run-1") == detail
    file = home.monitoring / "fraud" / "run-1" / FILE
    assert file.stat().st_size < 200_000
    file.write_text("{}")
    with pytest.raises(StorageError, match=r"verdict\.json' is damaged"):
        read_detail(home, "fraud", "run-1")
