"""Bundles made by hand, for the registry does not look into them; and a registry of two models that were trained."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from fusionguard.registry.pipeline_run import PipelineRun, RunSource
from fusionguard.registry.register import register_bundle
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion

from ..foreign import write_payments, write_telco

PROVENANCE = Provenance(dataset="fraud", origin="simulated", description="drawn by a test", sha256="1" * 64, rows=3)


def run_named(name: str, began: datetime = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)) -> PipelineRun:
    """Return a run as the pipelines hand it over."""
    source = RunSource(user="anna", command="run.py --pipeline fraud", commit="c0ffee" * 6 + "c0de", clean=False)
    return PipelineRun(
        name=name,
        began=began,
        source=source,
        address=f"http://127.0.0.1:8237/projects/default/runs/{name}",
        opened_by=f"make dashboard RUN={name}",
        ends_later=True,
    )


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """Make a sealed bundle; other ``content`` makes another SHA-256."""

    def make(content: str = "{}", origin: str = "simulated") -> Bundle:
        return seal_bundle(tmp_path / f"bundle-{abs(hash(content))}", content, origin)

    return make


def seal_bundle(
    folder: Path, content: str, origin: str = "simulated", model: str = "fraud", described: ResolvedDataset | None = None
) -> Bundle:
    """Make a bundle of one file, and of what is said of its data set where that is declared."""
    folder.mkdir()
    (folder / "calibration.json").write_text(content)
    write_dataset(folder, described)
    facts = {
        "features_sha256": "2" * 64,
        "source_sha256": "1" * 64,
        "negative_sampling_rate": 1.0,
        "feature_schema_version": 1,
    }
    return Bundle.seal(folder, model=model, origin=origin, train_range_seconds=(0, 9), seed=1, config={}, **facts)


@pytest.fixture
def register(store: Home) -> Callable[..., RegisteredVersion]:
    """Register a bundle with few facts."""

    def call(bundle: Bundle, **facts: object) -> RegisteredVersion:
        given = {"metrics": {"average_precision": 0.5}, "plots": {}, "provenance": PROVENANCE, "config": {"seed": 7}}
        return register_bundle(store, bundle, **(given | facts))  # type: ignore[arg-type]

    return call


@pytest.fixture(scope="module")
def registry(blank_database: Path, fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose MLflow store, on SQLite, has a champion of each family; tests must not change it."""
    home = Home(tmp_path_factory.mktemp("registry"))
    home.state.mkdir(parents=True)
    (home.state / "mlflow.db").write_bytes(blank_database.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for bundle in (fraud_bundle, churn_bundle):
            version = register_bundle(home, bundle, metrics={}, plots={}, provenance=PROVENANCE, config={"seed": 7})
            open_store(home).set_registered_model_alias(version.name, "champion", str(version.version))
    return home


@pytest.fixture(scope="module")
def rows(simulated_raw: Path, simulated_customers: Path) -> Callable[[str], pd.DataFrame]:
    """Raw rows of a family as ``read_csv`` gives them, label and names among them."""

    def read(family: str) -> pd.DataFrame:
        source = {"fraud": simulated_raw, "churn": simulated_customers}[family]
        table = pq.read_table(source).slice(700, 300).to_pandas()
        return pd.read_csv(io.StringIO(table.to_csv(index=False)))

    return read


def describe(file: Path, name: str, folder: Path) -> ResolvedDataset:
    """Return the data set of a declaration under another name, with its rows read into ``folder``."""
    text = re.sub(r"(?m)^name: .*$", f"name: {name}", file.read_text())
    declared = parse_declaration(text, folder=file.parent)
    return declared_source(declared, "auto").fetch(folder)[1]


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ResolvedDataset]:
    """Three declared data sets, two of them of one family."""
    folder = tmp_path_factory.mktemp("declared")
    payments, telco = write_payments(folder / "payments", 400), write_telco(folder / "telco", 300)
    files = {"card-payments": payments, "transfers": payments, "telco": telco}
    return {name: describe(file, name, folder / f"rows-{name}") for name, file in files.items()}
