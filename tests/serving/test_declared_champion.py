"""A model that was trained on a declared data set answers beside one of the data set that ships, as it scores files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.reference_rows import kept_reference, reference_rows
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.verdict import decide
from fusionguard.monitoring.window import read_window
from fusionguard.scoring import score
from fusionguard.serving.app import RiskApp
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import write_release
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.tables import ARROW, write_table
from tests.foreign import write_payments, write_telco
from tests.payments import DeclaredPayments
from tests.serving.conftest import released
from tests.serving.test_third_family import running


def test_a_trained_model_answers_as_it_scores_files(telco_bundle: Bundle, churn_bundle: Bundle, tmp_path: Path) -> None:
    write_release(tmp_path / "release", released({"churn-champion": churn_bundle, "telco-champion": telco_bundle}))
    write_telco(tmp_path / "telco", 60, seed=8)
    file = tmp_path / "telco" / "rows.csv"
    family = family_of(telco_bundle)
    expected = score(family.load(telco_bundle), file, reasons=0).to_pandas()  # type: ignore[union-attr]
    rows = json.loads(pd.read_csv(file, keep_default_na=False).to_json(orient="records"))
    rows[7] |= {"Region": "Atlantis", "Contract": "by the hour"}
    app = RiskApp(ServeSettings(release=tmp_path / "release", log=tmp_path / "log", log_flush_seconds=0.05))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        answer = client.post("/v1/telco/score_batch", json={"rows": rows})
        assert answer.status_code == 200, answer.text
        told = [each["score"] for each in answer.json()["answers"]]
        same = [place for place in range(60) if place != 7]
        assert [told[place] for place in same] == pytest.approx(expected["score"][same].tolist(), abs=1e-9)
        for place in (0, 7, 33):
            one = client.post("/v1/telco/score", json=rows[place]).json()
            assert (one["model"], one["score"]) == ("telco", pytest.approx(told[place], abs=1e-6))
        assert client.post("/v1/telco/explain", json=rows[3]).status_code == 200
        document = client.get("/openapi.json").json()
        for path in ("/v1/telco/score", "/v1/telco/explain"):
            examples = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
            for example in examples.values():
                assert client.post(path, json=example["value"]).status_code == 200
        customer = family_of(churn_bundle).example_row
        own, other = (client.post(f"/v1/{name}/score", json=customer).json() for name in ("churn", "bank_churn"))
        assert own["score"] == other["score"] and other["model"] == "churn"
    logged = read_log(tmp_path / "log", "telco").table
    sent = [*rows, *(rows[place] for place in (0, 7, 33, 3))]
    assert logged.num_rows == 66, "two examples besides"
    assert logged["Calls_to_support"].null_count == sum(row["Calls to support"] == -1 for row in sent)
    assert "Customer_ID" not in logged.column_names
    assert read_log(tmp_path / "log", "churn").table.num_rows == 2


def test_payments_are_answered_as_files_are_and_their_log_is_watched(
    payments: DeclaredPayments, churn_bundle: Bundle, tmp_path: Path
) -> None:
    write_release(tmp_path / "release", released({"churn-champion": churn_bundle, "card-payments-champion": payments.bundle}))
    file = write_payments(tmp_path / "payments", 1_000, seed=9).with_name("rows.csv")
    family = family_of(payments.bundle)
    model = family.load(payments.bundle)
    expected = score(model, file, reasons=0).to_pandas()  # type: ignore[union-attr]
    frame = pd.read_csv(file)
    rows = json.loads(frame.to_json(orient="records"))
    assert any(row["distance km"] is None for row in rows) and any(row["currency"] == "EUR" for row in rows)
    label = (frame["chargeback"] == "Y").to_numpy().astype(int)
    app = RiskApp(ServeSettings(release=tmp_path / "release", log=tmp_path / "log", log_flush_seconds=0.05))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        path, kind = "/v1/card-payments", {"content-type": ARROW, "accept": ARROW}
        first = client.post(f"{path}/score_batch", json={"rows": rows[:500]}, headers={"x-request-id": "first"})
        table = pa.Table.from_pandas(frame[500:].astype({"mcc": str}), preserve_index=False)
        second = client.post(f"{path}/score_batch", content=write_table(table, ARROW), headers=kind | {"x-request-id": "second"})
        assert (first.status_code, second.status_code) == (200, 200), (first.text, second.text)
        batch, arrow = first.json()["answers"], pa.ipc.open_stream(second.content).read_all()
        told = np.array([each["score"] for each in batch] + arrow["score"].to_pylist())
        assert told == pytest.approx(expected["score"].to_numpy(), abs=1e-5)
        decisions = [each["decision"] for each in batch] + arrow["decision"].to_pylist()
        assert decisions == expected["decision"].tolist() and 0 < decisions.count(family.flagged) < 1_000
        saving = [each["expected_saving"] for each in batch]
        assert saving == pytest.approx(expected["expected_saving"][:500].tolist(), abs=1e-3)
        for place in (0, 333, decisions.index(family.flagged)):
            one = client.post(f"{path}/score", json=rows[place]).json()
            assert (one["model"], one["score"]) == ("card-payments", pytest.approx(told[place], abs=1e-5))
        later = (datetime.now(UTC) + timedelta(hours=3)).isoformat(timespec="seconds")
        labels = [
            {"request_id": request, "row": row, "label": int(label[begin + row]), "observed_at": later}
            for request, begin in (("first", 0), ("second", 500))
            for row in range(500)
        ]
        receipt = client.post(f"{path}/labels", json={"labels": labels}).json()
        assert (receipt["stored"], receipt["repeated"]) == (1_000, 0)
    window = read_window(tmp_path / "log", family, model.version, tmp_path / "window.parquet")
    assert (window.facts.model, window.facts.rows, window.facts.labelled) == ("card-payments", 1_003, 1_000)
    logged = window.table.read(["betrag", "mcc", "distance_km"])
    in_pounds = np.where(frame["currency"] == "GBP", 1.0, 0.85) * frame["betrag"]
    assert logged["betrag"].to_numpy().sum() == pytest.approx(in_pounds.sum(), rel=0.05)
    assert logged["distance_km"].null_count >= frame["distance km"].isna().sum()
    assert not {"card_token", "payment_id", "age_group"} & {*pq.read_schema(tmp_path / "window.parquet").names}

    pq.write_table(reference_rows(model, payments.rows, seed=7), tmp_path / "reference.parquet")
    reference = kept_reference(payments.bundle, Table(tmp_path / "reference.parquet"), scratch=tmp_path, seed=7)
    drift = read_drift(read_sketch(window.table, reference, scratch=tmp_path), reference)
    assert [each for each in drift.columns if each.level != "none"] == []
    champion = Champion(payments.bundle, tmp_path / "nothing")
    measured = read_outcomes(window.table, model, champion, MonitoringConfig(model="card-payments"))
    assert (measured.coverage.labelled, measured.coverage.positives) == (1_000, int(label.sum()))
    assert measured.metrics["roc_auc"].value == pytest.approx(roc_auc_score(label, told), abs=1e-4)
    assert decide(drift, performance=measured).state in ("healthy", "watch")
