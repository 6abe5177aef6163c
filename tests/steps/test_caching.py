"""What is cached is only used where it still is."""

from __future__ import annotations

import shutil

from fusionguard.home import Home
from steps.caching import freshness, store_mark


def test_an_emptied_artifact_folder_makes_every_step_run_again(home: Home) -> None:
    before = freshness()
    assert freshness() == before
    shutil.rmtree(home.state / "artifacts")
    assert freshness() != before


def test_two_homes_do_not_share_what_is_cached(home: Home, tmp_path_factory, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    here = store_mark()
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path_factory.mktemp("elsewhere")))
    assert store_mark() != here
