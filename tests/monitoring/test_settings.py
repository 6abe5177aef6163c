"""Which version of a model is judged, however somebody writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.config import load_config
from fusionguard.errors import UsageError
from fusionguard.monitoring.settings import MonitoringConfig
from pipelines.catalog import find_pipeline


def judged(*assignments: str) -> tuple[str, str]:
    """Return the model and the version that the pipeline's own settings and some more mean."""
    config = load_config(MonitoringConfig, [Path(find_pipeline("monitoring").settings)], assignments)
    return config.model, config.version


@pytest.mark.parametrize(
    ("assignments", "version"),
    [
        (["model=telco"], "champion"),
        (["model=telco", "version=3"], "3"),
        (["model=telco", 'version="3"'], "3"),
        (["model=telco", "version=challenger"], "challenger"),
        (["model=telco@3"], "3"),
        (["model=telco@3", "version=3"], "3"),
    ],
)
def test_a_version_is_a_number_or_an_alias_or_stands_behind_the_name(assignments: list[str], version: str) -> None:
    assert judged(*assignments) == ("telco", version)


def test_two_versions_are_refused() -> None:
    with pytest.raises(UsageError, match="model names version 3, and version is 2: give one of them"):
        judged("model=telco@3", "version=2")
    with pytest.raises(UsageError, match="version"):
        judged("version=true")
