"""Evidently's report, shown in the dashboard."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.reference_rows import scored_rows
from fusionguard.monitoring.settings import EvidentlyConfig
from steps.workspace import work_folder


@step
def report_evidently(bundle: Bundle, window: Table, config: EvidentlyConfig) -> Annotated[HTMLString, "{pipeline}_evidently"]:
    """Draw Evidently's page of a sample of the window beside the reference's; where there is nothing to draw, say so."""
    rows = Champion.of(find_home(), bundle).reference_rows
    if rows is None or window.rows == 0:
        return HTMLString("<p>No report: the window is empty, or the model's training kept no rows to compare with.</p>")
    from fusionguard.monitoring.evidently_report import evidently_page, sampled

    family = family_of(bundle)
    names = list(family.features.model_features)
    current, before = (sampled(table, names, config.rows, scratch=work_folder()) for table in (window, scored_rows(rows, names)))
    return HTMLString(evidently_page(current, before, family))
