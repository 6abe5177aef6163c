"""The folder of a running service, beside services that end at that moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionguard.serving import service_folder
from fusionguard.serving.service_folder import VARIABLE, claim_folder


def test_a_neighbour_that_ends_meanwhile_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_folder.atexit, "register", lambda *_, **__: None)
    monkeypatch.setenv(VARIABLE, "")
    root = tmp_path / "services"
    for name in ("service-going", "service-dead"):
        (root / name).mkdir(parents=True)
    real = service_folder._remove_unused

    def going(folder: Path) -> None:
        if folder.name == "service-going":
            folder.rmdir()
        real(folder)

    monkeypatch.setattr(service_folder, "_remove_unused", going)
    own = claim_folder(root)
    assert list(root.iterdir()) == [own]
    assert os.environ[VARIABLE] == str(own)
