"""A family that monitoring has never heard of is watched like those that ship: drift, segments, outcomes, page, new training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from fusionguard.data.table import Table
from fusionguard.errors import UsageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.training_rows import TrainingRows
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.estimate import estimate_performance
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.page import verdict_page
from fusionguard.monitoring.reference_rows import UNSEEN, reference_rows
from fusionguard.monitoring.retraining import export_labelled
from fusionguard.monitoring.score_groups import group_window
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.traffic import Drift, traffic_rows
from fusionguard.monitoring.verdict import decide
from fusionguard.monitoring.window import WindowFacts
from tests.families import third
from tests.families.third import FEATURES, NAME, THIRD_FAMILY

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 86_400_000_000
ROWS = 3_000


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    third.install(monkeypatch)


def logged(rule: third.Rule, rows: int, seed: int, *, tens: bool) -> pa.Table:
    """A week of answers with outcomes, none of the last day's; with ``tens``, distances are tens of km since the third day."""
    raw = third.shipments(rows, seed)
    micros = int(BEGIN.timestamp() * 1e6) + np.arange(rows) * (7 * DAY // rows)
    if tens:
        distance = np.where(np.arange(rows) >= rows * 3 // 7, raw["distance_km"].to_numpy() / 10, raw["distance_km"].to_numpy())
        raw = raw.set_column(0, "distance_km", pa.array(distance))
    features = THIRD_FAMILY.make_features(raw)
    answers, known = rule.answer_features(features), np.arange(rows) < rows * 6 // 7
    stamps = pa.timestamp("us", tz="UTC")
    label = pa.array(raw["late"].to_numpy().astype(np.int8), mask=~known)
    observed = pa.array(micros + DAY, mask=~known).cast(stamps)
    columns = {name: features[name] for name in FEATURES.model_features} | {name: answers[name] for name in answers.column_names}
    return pa.table({"time": pa.array(micros).cast(stamps), **columns, "label": label, "label_observed_at": observed})


def test_a_window_is_read_judged_told_and_exported(tmp_path: Path) -> None:
    rule = third.load(third.seal_bundle(tmp_path / "bundle"))
    config = MonitoringConfig(model=NAME)
    training = THIRD_FAMILY.make_features(third.shipments(4_000, 1)).append_column("late", third.shipments(4_000, 1)["late"])
    pq.write_table(training, tmp_path / "training.parquet")
    manifest: Any = SimpleNamespace(negative_weight=1.0, definition=FEATURES)
    plan: Any = SimpleNamespace(unseen_places=lambda label: np.arange(0))
    kept = reference_rows(rule, TrainingRows(Table(tmp_path / "training.parquet"), manifest, plan), seed=7)
    assert kept.num_rows == 4_000 and not any(kept[UNSEEN].to_pylist())
    assert (kept.schema.metadata or {}).get(b"design_effect") is None, "shipments have no order of time"
    reference = table_reference(kept.drop_columns(UNSEEN), THIRD_FAMILY, scratch=tmp_path)
    assert reference.unjudged == frozenset(), "they tell no hour"

    pq.write_table(logged(rule, ROWS, 2, tens=True), tmp_path / "window.parquet")
    window, champion = Table(tmp_path / "window.parquet"), Champion(rule.bundle, tmp_path / "nothing")
    sketch = read_sketch(window, reference, scratch=tmp_path)
    assert {cut for cut, _ in sketch.segments} == {"carrier"}
    drift = read_drift(sketch, reference, config.thresholds)
    measured = read_outcomes(window, rule, champion, config)
    assert measured.coverage.labelled == ROWS * 6 // 7
    told = window.read(["label", "score"]).slice(0, ROWS * 6 // 7)
    auc = roc_auc_score(told["label"].to_numpy(), told["score"].to_numpy())
    assert measured.metrics["roc_auc"].value == pytest.approx(auc) and auc < 0.8
    assert measured.remarks == ("punctuality of receivers is not judged",) and measured.fairness is None
    estimated = estimate_performance(
        group_window(window, THIRD_FAMILY.flagged),
        calibration=measured.calibration,
        evaluated=champion.calibration(),
        drift=drift.findings,
        seed=config.seed,
    )
    assert estimated.flagged == np.count_nonzero(np.array(window.read(["decision"])["decision"].to_pylist()) == "call")
    verdict = decide(drift, performance=measured, estimate=estimated, made_of=FEATURES.made_of)
    assert (verdict.state, verdict.cause) == ("act", "upstream data")
    assert "distance_km" in verdict.features and verdict.since is not None and verdict.since >= BEGIN + timedelta(days=2)

    facts = WindowFacts(model=NAME, model_version=rule.version, rows=ROWS, labelled=2_571, simulated=0, first=BEGIN, last=BEGIN)
    apart = ClassifierTest(rows=0, reference_rows=0, auc=Interval(reason="not made"))
    page = verdict_page(
        verdict, facts, drift, apart, measured, estimated, config.thresholds, [], {"roc_auc": "rank"}, lambda _: 2
    )
    assert f"| rank | {measured.metrics['roc_auc'].text(2)} | – | – |" in page

    file = export_labelled(window, facts, rule.bundle, config, tmp_path / "out").file
    assert file is not None and file.name == "shipments.parquet"
    written = pq.read_table(file)
    assert written.column_names == ["distance_km", "stops", "carrier", "late"]
    raw = ["distance_km", "stops", "carrier"]
    known = window.read([*raw, "label"]).slice(0, ROWS * 6 // 7)
    assert sorted(tuple(row.values()) for row in written.to_pylist()) == sorted(
        tuple(row[name] for name in (*raw, "label")) for row in known.to_pylist()
    )


def test_what_nobody_can_simulate_is_refused_and_other_names_are_told() -> None:
    with pytest.raises(UsageError, match=f"Rows of the model '{NAME}' cannot be simulated"):
        traffic_rows(NAME, 100, drift=Drift.SPIKE, size=0.1, onset=0.3, seed=1)
