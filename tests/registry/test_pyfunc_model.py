"""The registered model as MLflow's users run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.config import FraudConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.family import CHURN_FAMILY, FRAUD_FAMILY
from fusionguard.models.fraud.model import load
from fusionguard.registry.aliases import resolve_bundle
from fusionguard.registry.mlflow_model import example_rows
from fusionguard.registry.register import register_bundle
from fusionguard.registry.tracking import open_store, quiet_mlflow
from tests.fakes import churn


def register(store: Home, bundle: Bundle) -> str:
    """Register a bundle and return where MLflow keeps the model."""
    dataset = bundle.manifest.model
    provenance = Provenance(dataset=dataset, origin="simulated", description="20,000 rows", sha256="0" * 64, rows=20_000)
    config = FraudConfig().model_dump(mode="json")
    version = register_bundle(store, bundle, metrics={}, plots={}, provenance=provenance, config=config)
    return str(open_store(store).get_model_version_download_uri(version.name, str(version.version)))


@pytest.fixture
def source(store: Home, fraud_bundle: Bundle) -> str:
    """Where MLflow keeps the registered fraud model."""
    return register(store, fraud_bundle)


def test_mlflow_gives_the_bundles_scores(source: str, store: Home, fraud_bundle: Bundle, simulated_raw, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import mlflow.pyfunc

    features = score_rows(FRAUD_FEATURES, Table(simulated_raw), tmp_path / "features.parquet").read(list(MODEL_FEATURES), 0, 500)
    expected = load(fraud_bundle).answer_features(features).to_pydict()
    with quiet_mlflow():
        predicted = mlflow.pyfunc.load_model(source).predict(features.to_pandas())
    assert list(predicted.columns) == ["score", "probability", "decision", "expected_saving", "reasons"]
    assert predicted.to_dict("list") == expected
    assert set(predicted["decision"]) <= {"review", "accept"}
    assert set(predicted["reasons"]) == {""}
    assert resolve_bundle(store, "fraud@1").sha256 == fraud_bundle.sha256


def test_the_example_scores_and_gaps_are_refused(source: str) -> None:
    import mlflow.pyfunc

    with quiet_mlflow():
        model = mlflow.pyfunc.load_model(source)
        example = example_rows(FRAUD_FAMILY)
        assert 0 <= model.predict(example)["probability"][0] <= 1
        with pytest.raises(Exception, match=r"These columns have empty cells: V3\."):
            model.predict(example.assign(V3=float("nan")))


def test_another_family_is_served_with_its_texts_and_in_the_callers_index(
    store: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.pyfunc

    churn.install(monkeypatch)
    source = register(store, churn.seal_bundle(tmp_path / "bundle"))
    rows = example_rows(CHURN_FAMILY)
    several = rows.loc[[0, 0]].set_axis(["a", "b"]).assign(Geography=["France", "Germany"])
    with quiet_mlflow():
        model = mlflow.pyfunc.load_model(source)
        predicted = model.predict(several)
        with pytest.raises(Exception, match="Geography"):
            model.predict(rows.drop(columns="Geography"))
        with pytest.raises(Exception, match=r"These columns have empty cells: Geography\."):
            model.predict(rows.assign(Geography=[None]))
    assert list(predicted.columns) == list(CHURN_FAMILY.outputs)
    assert predicted["probability"].to_dict() == pytest.approx({"a": 0.39, "b": 0.44})
