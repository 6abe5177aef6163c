"""After a promotion the service gets the new champion, and nothing else changes; where that fails, the run says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fusionguard.cli import app
from fusionguard.config import ServingConfig
from fusionguard.data.provenance import Provenance
from fusionguard.errors import BundleError, FusionGuardError
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import resolve_bundle, set_alias
from fusionguard.registry.register import register_bundle
from fusionguard.serving import launch
from fusionguard.serving.handover import hand_over
from fusionguard.serving.launch import release_folder
from fusionguard.serving.loaded import load_release
from fusionguard.serving.own_releases import hold_release
from fusionguard.serving.release import check_release
from fusionguard.serving.resolve import make_release
from tests.serving.conftest import Starter

ROOT = Path(__file__).resolve().parents[2]


def promote(home: Home, bundle: Bundle) -> int:
    """Register a bundle as the gate leaves it: the champion."""
    model = bundle.manifest.model
    about = Provenance(dataset=model, origin="simulated", description="drawn by a test", sha256="1" * 64, rows=3)
    version = register_bundle(home, bundle, metrics={}, plots={}, provenance=about, config={}).version
    set_alias(home, model, "champion", version, why="a test says so")
    return version


@pytest.fixture
def served(store: Home, fraud_bundle: Bundle, churn_bundle: Bundle) -> Home:
    """A home with two champions, which are released."""
    promote(store, churn_bundle)
    promote(store, fraud_bundle)
    hand_over(store, "fraud", "folder")
    return store


def test_the_first_promotion_releases_all_champions(served: Home, fraud_bundle: Bundle, churn_bundle: Bundle) -> None:
    champions = load_release(release_folder(served)).champions
    assert {model: each.version for model, each in champions.items()} == {
        "fraud": fraud_bundle.version,
        "churn": churn_bundle.version,
    }


def test_a_promotion_changes_its_own_model_alone(
    served: Home, other_bundle: Bundle, fraud_bundle: Bundle, churn_bundle: Bundle
) -> None:
    folder = release_folder(served)
    make_release(served, folder, models=["fraud@1", "churn@1"], challengers=[str(other_bundle.folder)])
    _, churn_before, _ = check_release(folder).models
    assert promote(served, other_bundle) == 2
    done = hand_over(served, "fraud", "folder")
    fraud, churn = check_release(folder).models
    assert (fraud.bundle_sha256, fraud.registered_version, fraud.role) == (other_bundle.sha256, 2, "champion")
    assert churn == churn_before
    assert done.models == {"fraud": other_bundle.version, "churn": churn_bundle.version}
    assert other_bundle.version in done.text and "SIGHUP" in done.text


def test_a_release_that_fails_is_told_and_changes_nothing(served: Home, other_bundle: Bundle) -> None:
    folder = release_folder(served)
    (folder / "churn-champion" / "catboost.cbm").write_bytes(b"damaged")
    before = (folder / "release.json").read_bytes()
    promote(served, other_bundle)
    with pytest.raises(FusionGuardError, match="The fraud model is champion, but the service was not given it") as told:
        hand_over(served, "fraud", "folder")
    assert "fusionguard release" in told.value.remedy
    assert (folder / "release.json").read_bytes() == before


@pytest.mark.usefixtures("zenml_store")
def test_nothing_is_handed_over_without_a_promotion(served: Home, fraud_bundle: Bundle, tmp_path: Path) -> None:
    from steps.release.release_model import release_model
    from steps.release_folder import Release

    shutil.rmtree(release_folder(served))
    card, config = Release(bundle=fraud_bundle.folder, card=tmp_path), ServingConfig(release="folder")
    verdict = GateVerdict(promoted=False, challenger_version="2", champion_version="1", reason="it is not better")
    kept = release_model.entrypoint(fraud_bundle, verdict, card, config)
    assert kept.folder is None and not release_folder(served).exists()
    released = release_model.entrypoint(fraud_bundle, verdict.model_copy(update={"promoted": True}), card, config)
    assert released.folder == release_folder(served) and release_folder(served).exists()


@pytest.mark.full
def test_a_bento_is_built_of_all_champions(served: Home, other_bundle: Bundle, churn_bundle: Bundle) -> None:
    promote(served, other_bundle)
    done = hand_over(served, "fraud", "bento")
    assert done.folder is not None and "risk_scoring:" in done.text
    release = check_release(done.folder / "src" / "release")
    assert [about.bundle_sha256 for about in release.models] == [other_bundle.sha256, churn_bundle.sha256]


@pytest.mark.full
def test_a_bento_of_earlier_versions_answers_as_they_did(
    served: Home, other_bundle: Bundle, fraud_bundle: Bundle, churn_bundle: Bundle, starter: Starter, transaction: dict[str, Any]
) -> None:
    assert promote(served, other_bundle) == 2
    told = subprocess.run(
        ["make", "-n", "--no-print-directory", "bento", "MODELS=fraud@1 churn@1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    words = told.stdout.splitlines()[-1].split()
    assert words[1:] == ["bento", "--model", "fraud@1", "--model", "churn@1"]
    command = [sys.executable, "-c", "from fusionguard.cli import main; main()", *words[1:]]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder,) = (served.state / "bentoml" / "bentos" / "risk_scoring").glob("*/")
    models = check_release(folder / "src" / "release").models
    assert [(about.bundle_sha256, about.registered_version) for about in models] == [
        (fraud_bundle.sha256, 1),
        (churn_bundle.sha256, 1),
    ]
    service = starter(folder / "src" / "release", bento=folder)
    assert service.post("/v1/fraud/score", transaction).json()["model_version"] == fraud_bundle.version


def test_a_damaged_champion_keeps_no_other_model_from_being_served(
    store: Home, fraud_bundle: Bundle, churn_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    promote(store, fraud_bundle)
    about = Provenance(dataset="churn", origin="simulated", description="drawn by a test", sha256="1" * 64, rows=3)
    register_bundle(store, churn_bundle, metrics={}, plots={}, provenance=about, config={})
    folder = release_folder(store)
    monkeypatch.setattr(launch, "become", lambda *_: None)
    monkeypatch.setenv("FUSIONGUARD_HOME", str(store.root))
    cli = CliRunner()

    def answering() -> dict[str, str]:
        caplog.clear()
        done = cli.invoke(app, ["serve", "--port", "39998"])
        assert done.exit_code == 0, done.exception
        return {about.model: about.bundle_sha256 for about in check_release(folder).models}

    kept = resolve_bundle(store, "fraud@champion").folder
    (kept / "calibration.json").rename(kept / "gone.json")
    assert cli.invoke(app, ["release", "--model", "churn@1"]).exit_code == 0
    assert answering() == {"churn": churn_bundle.sha256}
    assert "The champion of fraud cannot be served, so it is left out: " in caplog.text
    refused = cli.invoke(app, ["release"])
    assert isinstance(refused.exception, BundleError), "who asks for the champions hears of it"
    assert cli.invoke(app, ["release", "--model", "churn@1", "--model", str(fraud_bundle.folder)]).exit_code == 0
    assert answering() == {"churn": churn_bundle.sha256, "fraud": fraud_bundle.sha256}
    assert "so what was released of it before answers: " in caplog.text
    shutil.rmtree(folder)
    done = cli.invoke(app, ["serve", "--port", "39998"])
    assert done.exit_code == 1 and "lacks calibration.json" in done.stderr, "nothing can be served"


def test_a_model_that_the_gate_refused_and_somebody_released_answers_beside_the_champions(
    store: Home, fraud_bundle: Bundle, churn_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = Provenance(dataset="fraud", origin="simulated", description="drawn by a test", sha256="1" * 64, rows=3)
    register_bundle(store, fraud_bundle, metrics={}, plots={}, provenance=about, config={})
    promote(store, churn_bundle)
    folder = release_folder(store)
    monkeypatch.setattr(launch, "become", lambda *_: None)
    monkeypatch.setenv("FUSIONGUARD_HOME", str(store.root))
    cli = CliRunner()

    def answering() -> dict[str, str]:
        assert cli.invoke(app, ["serve", "--port", "39998"]).exit_code == 0
        return {about.model: about.bundle_sha256 for about in check_release(folder).models}

    assert answering() == {"churn": churn_bundle.sha256}
    told = cli.invoke(app, ["release", "--model", "fraud@1"]).stderr
    assert told.splitlines() == [
        f"fraud answers with {fraud_bundle.version} (version 1)",
        "churn is in it no more: name all that are to answer.",
        f"Wrote {folder}",
    ]
    assert answering() == {"fraud": fraud_bundle.sha256, "churn": churn_bundle.sha256}
    assert answering() == {"fraud": fraud_bundle.sha256, "churn": churn_bundle.sha256}
    own = folder.with_name("release-39997")
    own.mkdir()
    hold_release(own)
    told = cli.invoke(app, ["release"]).stderr
    assert told.splitlines()[-1] == f"The service on port 39997 was told what answers and does not read it: add --output {own}"
    assert answering() == {"churn": churn_bundle.sha256}, "the champions alone were released"
