"""A model that was trained on a declared data set answers beside one of the data set that ships, as it scores files."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pandas as pd
import pytest

from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.scoring import score
from fusionguard.serving.app import RiskApp
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import write_release
from fusionguard.serving.settings import ServeSettings
from tests.foreign import write_telco
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
