"""Studies in these tests need not survive a power cut."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of 25 trials waits for the disk 200 times: a minute where others keep it busy."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
