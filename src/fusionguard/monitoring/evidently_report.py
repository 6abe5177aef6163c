"""Evidently's data drift report, for people: no verdict rests on it, because its tests do not know what matters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from fusionguard.models.family import ModelFamily

if TYPE_CHECKING:
    import pyarrow as pa


def evidently_page(window: pa.Table, reference: pa.Table, family: ModelFamily, *, rows: int) -> str:
    """Return Evidently's report on at most ``rows`` rows of each as one HTML page, which needs no network.

    Its PSI bins by width and under-reports heavy tails; the verdict's is by deciles.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently warns of its own libraries
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        categories = list(family.features.known)
        names = list(family.features.model_features)
        definition = DataDefinition(
            numerical_columns=[name for name in names if name not in categories], categorical_columns=categories
        )
        current, before = (
            Dataset.from_pandas(table.select(names).slice(0, rows).to_pandas(), data_definition=definition)
            for table in (window, reference)
        )
        snapshot = Report([DataDriftPreset(method="psi")]).run(current, before)
        return str(snapshot.get_html_str(as_iframe=False))
