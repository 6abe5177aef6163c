"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.home import Home

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples beside the checkout; tests that need it skip where it is absent."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("needs the real samples in ../shared/data, which are not part of the project")
    return _SHARED_DATA


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of the test's own, also for the code that looks it up."""
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Home(tmp_path / "home")
