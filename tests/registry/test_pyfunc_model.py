"""The registered model as MLflow's users run it."""

from __future__ import annotations

import pandas as pd
import pytest

from fusionguard.config import FraudConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.fraud.model import FraudModel
from fusionguard.registry.aliases import resolve_bundle
from fusionguard.registry.register import example_row, register_bundle
from fusionguard.registry.tracking import open_store, quiet_mlflow


@pytest.fixture
def source(store: Home, fraud_bundle: Bundle) -> str:
    """Where MLflow keeps the registered model."""
    provenance = Provenance(dataset="fraud", origin="simulated", description="20,000 rows", sha256="0" * 64, rows=20_000)
    config = FraudConfig().model_dump(mode="json")
    version = register_bundle(store, fraud_bundle, metrics={}, plots={}, provenance=provenance, config=config)
    return str(open_store(store).get_model_version_download_uri(version.name, str(version.version)))


def test_mlflow_gives_the_bundles_scores(source: str, store: Home, fraud_bundle: Bundle, simulated_raw, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import mlflow.pyfunc

    features = score_rows(FRAUD_FEATURES, Table(simulated_raw), tmp_path / "features.parquet").read(list(MODEL_FEATURES), 0, 500)
    expected = FraudModel.load(fraud_bundle).score(features)
    with quiet_mlflow():
        predicted = mlflow.pyfunc.load_model(source).predict(features.to_pandas())
    assert list(predicted.columns) == ["score", "probability", "decision"]
    assert predicted["score"].tolist() == expected.score.tolist()
    assert predicted["probability"].tolist() == expected.probability.tolist()
    assert set(predicted["decision"]) <= {"review", "accept"}
    assert resolve_bundle(store, "fraud@1").sha256 == fraud_bundle.sha256


def test_the_example_scores_and_gaps_are_refused(source: str) -> None:
    import mlflow.pyfunc

    with quiet_mlflow():
        model = mlflow.pyfunc.load_model(source)
        example = pd.DataFrame([example_row()]).astype({"hour_of_day": "int32", "amount_fraction_cents": "int32"})
        assert 0 <= model.predict(example)["probability"][0] <= 1
        with pytest.raises(Exception, match=r"These columns have empty cells: V3\."):
            model.predict(example.assign(V3=float("nan")))
