"""Features from raw rows, in the feature store."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.contract_report import ContractReport
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.features.store import FeatureManifest
from fusionguard.features.store import build_features as build
from fusionguard.home import find_home


@step
def build_features(
    raw: Table, provenance: Provenance, dataset: ResolvedDataset, contract: ContractReport, engine: str
) -> tuple[Annotated[Table, "{pipeline}_features"], Annotated[FeatureManifest, "{pipeline}_manifest"]]:
    """Build the feature table with DuckDB or Spark; a broken contract on the raw table ends the run here."""
    contract.raise_if_broken()
    built = build(raw, provenance, engine, find_home().feature_store, dataset)
    return built.table, built.manifest
