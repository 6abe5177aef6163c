"""The service and ``fusionguard score`` answer alike: the same rows, the same scores, decisions and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.scoring import score_file
from tests.serving.conftest import RunningService

BATCH = 10_000
SINGLES = 300


def test_simulated_rows(
    service: RunningService,
    fraud_bundle: Bundle,
    churn_bundle: Bundle,
    simulated_raw: Path,
    simulated_customers: Path,
    tmp_path: Path,
) -> None:
    compare(service, "fraud", fraud_bundle, simulated_raw, tmp_path)
    compare(service, "churn", churn_bundle, simulated_customers, tmp_path)


@pytest.mark.full
def test_the_real_samples(
    service: RunningService, real_data: Path, fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path: Path
) -> None:
    compare(service, "fraud", fraud_bundle, next(real_data.glob("creditcard_fraud/*.csv")), tmp_path)
    compare(service, "churn", churn_bundle, next(real_data.glob("bank_churn/*.csv")), tmp_path)


def compare(service: RunningService, family: str, bundle: Bundle, raw: Path, folder: Path) -> None:
    score_file(model_family(family).load(bundle), raw, folder / "scores.parquet")
    expected = pq.read_table(folder / "scores.parquet").to_pylist()
    rows = [dict(row) for row in read_rows(raw, family)]
    assert len(rows) == len(expected) > 1000
    got = list(batches(service, family, rows))
    flagged = [place for place, row in enumerate(expected) if row["reasons"]]
    told = 0
    for place, (answer, wanted) in enumerate(zip(got, expected, strict=True)):
        for name in model_family(family).outputs:
            if name != "reasons":
                assert answer[name] == wanted[name], f"row {place}: {name}"
        if answer["reasons"]:
            told += 1
            assert "; ".join(answer["reasons"]) == wanted["reasons"]
    assert told <= len(flagged) and (told > 0 or not flagged)
    chosen = [*flagged[:50], *np.random.default_rng(7).choice(len(rows), SINGLES, replace=False).tolist()]
    for place in chosen:
        answer, wanted = service.post(f"/v1/{family}/score", rows[place]).json(), expected[place]
        assert answer["score"] == pytest.approx(wanted["score"], abs=1e-5)
        assert answer["probability"] == pytest.approx(wanted["probability"], abs=1e-6)
        assert answer["decision"] == wanted["decision"]
        assert set(answer["reasons"]) == set(wanted["reasons"].split("; ") if wanted["reasons"] else [])


def read_rows(raw: Path, family: str) -> list[dict[str, Any]]:
    table = pd.read_csv(raw) if raw.suffix == ".csv" else pd.read_parquet(raw)
    rows: list[dict[str, Any]] = table[[field.name for field in model_family(family).request_fields.all]].to_dict("records")
    return rows


def batches(service: RunningService, family: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(rows), BATCH):
        table = pa.Table.from_pylist(rows[start : start + BATCH])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        answer = service.client.post(
            f"/v1/{family}/score_batch",
            content=sink.getvalue().to_pybytes(),
            headers={"content-type": "application/vnd.apache.arrow.stream"},
        )
        columns = answer.json()["columns"]
        yield from (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
