"""The engines, found by name; what one needs is imported where it is asked for."""

from __future__ import annotations

from fusionguard.errors import UnknownChoiceError
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.engine import ENGINES, Engine


def make_engine(name: str, definition: FeatureDefinition) -> Engine:
    """Return the engine called ``name`` for some features; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name == "duckdb":
        from fusionguard.features.duckdb_engine import DuckDBEngine

        return DuckDBEngine(definition)
    if name == "spark":
        from fusionguard.features.spark_engine import SparkEngine

        return SparkEngine(definition)
    raise UnknownChoiceError("engine", name, ENGINES)
