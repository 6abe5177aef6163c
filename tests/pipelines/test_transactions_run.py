"""A data set that ships as a declaration is trained, served beside its past and watched, as anybody's own is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.data.ingest import raw_header, read_raw
from fusionguard.datasets.scoring_rows import prepare_file, read_earlier, scored_columns
from fusionguard.datasets.shipped import Wanted
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.monitoring.champion import find_champion
from fusionguard.monitoring.traffic import Traffic
from fusionguard.serving.prediction_log import read_log
from pipelines import monitoring_demo
from tests.conftest import PipelineRun, run_small

NAME = "card_transactions"
ROWS, SENT = 20_000, 1_500
SMALL = (
    f"data.dataset={NAME}",
    f"data.rows={ROWS}",
    "xgboost.rounds=10",
    "xgboost.num_parallel_tree=1",
    "autoencoder.epochs=1",
    "autoencoder.latent_sizes=[2]",
    "evaluation.bootstrap_samples=20",
    "evaluation.shap_rows=500",
    "prequential.run=false",  # the days of so few rows hold no fraud of a card that was not reported before
)


@pytest.fixture(scope="module")
def run(zenml_store: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    return run_small("fraud", SMALL, tmp_path_factory.mktemp("transactions"))


@pytest.mark.full
def test_it_is_trained_served_and_watched(run: PipelineRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.summary["registered_as"].startswith(f"fusionguard-{NAME} version ") and run.summary["simulated"]
    assert run.summary["gate"]["promoted"]
    monkeypatch.setenv("FUSIONGUARD_HOME", str(run.home.root))
    words = ["--model", NAME, "--drift", "none", "--rows", str(SENT), "--", "--set", "evidently.rows=0"]
    assert monitoring_demo.main([*words, "--summary", str(tmp_path / "verdict.json")]) == 0
    told = json.loads((tmp_path / "verdict.json").read_text())
    assert (told["facts"]["rows"], told["facts"]["labelled"], told["simulated"]) == (SENT, SENT, True)

    champion = find_champion(run.home, NAME)
    sent = Traffic(NAME, rows=SENT, seed=champion.bundle.manifest.seed, after=ROWS).make_rows()
    sent.drop(columns=["fraud", "reported_at", "age_group"]).to_csv(tmp_path / "later.csv", index=False)
    before = simulate_declared(NAME, Wanted(ROWS, champion.bundle.manifest.seed), tmp_path / "earlier.parquet")
    features = _features_of_file(champion.family, tmp_path / "later.csv", before.path)
    logged = read_log(run.home.predictions, champion.family).table
    place = np.lexsort((logged["row"].to_numpy(), [int(each.rpartition("-")[2]) for each in logged["request_id"].to_pylist()]))
    for name in champion.family.features.model_features:
        found, expected = logged.take(place)[name], features[name]
        assert _bits(found) == _bits(expected), name


@pytest.mark.full
def test_rows_of_another_training_are_not_gone_on_from(run: PipelineRun) -> None:
    champion = find_champion(run.home, NAME)
    manifest = champion.bundle.manifest.model_copy(update={"seed": champion.bundle.manifest.seed + 1})
    other = SimpleNamespace(family=champion.family, bundle=SimpleNamespace(manifest=manifest))
    with pytest.raises(UsageError, match="was trained on other rows than the simulator makes"):
        monitoring_demo._remember(run.home, other)  # type: ignore[arg-type]


def _features_of_file(family: ModelFamily, later: Path, before: Path) -> pa.Table:
    """What a file of rows is scored by, beside the rows before it."""
    described, folder = family.declared, later.parent
    assert described is not None
    earlier = read_earlier(described, before, folder / "read-earlier.parquet")
    columns = scored_columns(described, raw_header(later, family.schema)[0])
    raw = read_raw(later, family.schema, folder / "read-later.parquet", only=columns)
    prepared, _ = prepare_file(described, raw, folder / "prepared.parquet", earlier)
    return score_rows(family.features, prepared, folder / "features.parquet").read()


def _bits(column: pa.ChunkedArray) -> list[object]:
    if not pa.types.is_floating(column.type):
        return list(column.to_pylist())
    values = column.to_numpy()
    return list(np.where(np.isnan(values), 0, values.view(np.int64)))
