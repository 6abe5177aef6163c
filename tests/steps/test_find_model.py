"""The monitoring pipeline's first step."""

from __future__ import annotations

import pytest

from fusionguard.errors import UsageError
from fusionguard.monitoring.settings import MonitoringConfig
from steps.monitoring.find_model import find_model


def test_a_wrong_webhook_is_told_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONGUARD_WEBHOOK_URL", "hooks.example.org/secret")
    with pytest.raises(UsageError, match="FUSIONGUARD_WEBHOOK_URL does not hold a web address") as caught:
        find_model.entrypoint(MonitoringConfig())
    assert "secret" not in str(caught.value)
