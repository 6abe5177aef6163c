"""The tab *Models* with a challenger beside the champion."""

from __future__ import annotations

import re

import pytest

from fusionguard.assistant.asked import shipped_models
from fusionguard.assistant.console.models_tab import ModelsTab
from fusionguard.assistant.tools.kept import know_version
from fusionguard.home import Home
from tests.assistant.test_tools import report, world

__all__ = ["report", "world"]


def test_champion_and_challenger_stand_side_by_side(world: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    champion, challenger = (know_version(world, shipped_models()[0], alias) for alias in ("champion", "challenger"))
    assert champion.version != challenger.version
    told = ModelsTab(world, shipped_models())._tell("fraud")
    tiles = told[: told.index("<table")]
    assert f"version {champion.version}" in tiles and f"version {challenger.version}" in tiles
    assert champion.bundle in tiles and challenger.bundle in tiles
    assert "SIMULATED" in tiles
    heads = re.findall(r"<th(?: [^>]*)?>(.*?)</th>", told)
    assert heads[:3] == ["Metric", "Champion", "Challenger"]
    row = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", told[told.index("<tbody") :])[:3]
    assert champion.metrics[0].label == row[0]
    assert row[1] == champion.metrics[0].text
    assert row[2] == {each.name: each.text for each in challenger.metrics}[champion.metrics[0].name]
    assert "gate" in told.lower() and champion.gate is not None and champion.gate.reason.split(",")[0] in told
