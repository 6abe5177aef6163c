"""Releases: whole or refused, whatever is wrong with them, and before a request is answered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard.errors import BundleError, FusionGuardError, RegistryError, UsageError
from fusionguard.families.catalog import model_family
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.loaded import load_release
from fusionguard.serving.release import check_release, read_release
from fusionguard.serving.requests import RowReader
from fusionguard.serving.resolve import make_release
from tests.serving.conftest import Starter


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def reseal(release: Path, name: str, content: dict[str, object] | bytes, of: str = "fraud-champion") -> None:
    """Give a bundle other content that its manifest and the release vouch for: what only loading finds."""
    folder = release / of
    (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    facts = json.loads((folder / "MANIFEST.json").read_text())
    facts.pop("files")
    (folder / "MANIFEST.json").unlink()
    bundle = Bundle.seal(folder, **facts)
    release_file = json.loads((release / "release.json").read_text())
    release_file["models"][0]["bundle_sha256"] = bundle.sha256
    (release / "release.json").write_text(json.dumps(release_file))


BREAKAGES: dict[str, Callable[[Path], object]] = {
    "a booster with a flipped bit": lambda release: flip(release / "fraud-champion" / "booster.ubj"),
    "a churn model with a flipped bit": lambda release: flip(release / "churn-champion" / "catboost.cbm"),
    "an ONNX graph cut off": lambda release: (release / "fraud-champion" / "booster.onnx").write_bytes(b"\x08"),
    "a missing file": lambda release: (release / "fraud-champion" / "policy.json").unlink(),
    "a stranger among the files": lambda release: (release / "fraud-champion" / "model.pkl").write_bytes(b"x"),
    "a missing bundle": lambda release: shutil.rmtree(release / "churn-champion"),
    "no manifest": lambda release: (release / "fraud-champion" / "MANIFEST.json").unlink(),
    "a manifest with a flipped bit": lambda release: flip(release / "fraud-champion" / "MANIFEST.json"),
    "no release file": lambda release: (release / "release.json").unlink(),
    "a release file that is not JSON": lambda release: (release / "release.json").write_text("{"),
    "a release of the future": lambda release: (release / "release.json").write_text('{"format": 9, "models": []}'),
    "a release without models": lambda release: (release / "release.json").write_text('{"format": 1, "models": []}'),
    "no folder": shutil.rmtree,
}
"""What is found without loading a model."""

LOADING: dict[str, Callable[[Path], object]] = {
    "a policy of another version": lambda release: reseal(release, "policy.json", {"bribe": 1}),
    "a calibration of another version": lambda release: reseal(release, "calibration.json", {"intercept": 0.0}),
    "features of another version": lambda release: reseal(release, "features.json", {"columns": [], "schema_version": 0}),
    "an ONNX graph that is none": lambda release: reseal(release, "booster.onnx", b"rubbish"),
    "a booster that is none": lambda release: reseal(release, "booster.ubj", b"rubbish"),
}


@pytest.fixture
def copy(release_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(release_folder, tmp_path / "copy")


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_release_is_not_checked_through(copy: Path, breakage: str) -> None:
    BREAKAGES[breakage](copy)
    with pytest.raises(BundleError) as refused:
        check_release(copy)
    assert refused.value.remedy


@pytest.mark.parametrize("breakage", LOADING)
def test_a_release_that_cannot_be_read_is_not_loaded(copy: Path, breakage: str) -> None:
    LOADING[breakage](copy)
    with pytest.raises(BundleError):
        load_release(copy)


def test_a_loaded_release_needs_no_file_any_more(copy: Path) -> None:
    calibration = json.loads((copy / "fraud-champion" / "calibration.json").read_text())
    fused = {"uses_autoencoder": True, "autoencoder": 0.1}  # so that every file has its part in an answer
    reseal(copy, "calibration.json", calibration | fused)
    champions = load_release(copy).champions
    shutil.rmtree(copy)
    for champion in champions.values():
        family = model_family(champion.about.model)
        row = RowReader(family.request_fields).one(family.example_row)
        assert champion.online.explain(row.values).answer.values == champion.online.one(row.values).values


def test_a_broken_release_refuses_to_start(copy: Path, starter: Starter) -> None:
    BREAKAGES["a booster with a flipped bit"](copy)
    service = starter(copy, wait=False)
    assert service.process.wait(60) == 1
    output = service.output.read_text()
    assert output.count("\n") == 1 and output.startswith("fusionguard: "), output


@pytest.mark.full
@pytest.mark.parametrize("breakage", ["no folder", "a release file that is not JSON", "an ONNX graph that is none"])
def test_no_broken_release_ever_answers(copy: Path, starter: Starter, breakage: str) -> None:
    (BREAKAGES | LOADING)[breakage](copy)
    service = starter(copy, wait=False)
    assert service.process.wait(60) != 0
    assert "Traceback" not in service.output.read_text()


@pytest.mark.full
def test_a_model_that_cannot_be_read_ends_the_service(copy: Path, starter: Starter) -> None:
    LOADING["a policy of another version"](copy)
    service = starter(copy, wait=False)
    service.process.wait(60)
    output = service.output.read_text()
    assert "policy.json that this version does not know" in output
    assert "Traceback" not in output


def test_a_release_is_made_of_folders(home: Home, fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    made = make_release(home, folder, models=[str(fraud_bundle.folder), str(churn_bundle.folder)])
    assert [(about.model, about.role) for about in made] == [("fraud", "champion"), ("churn", "champion")]
    assert read_release(folder).models == made
    assert set(load_release(folder).champions) == {"fraud", "churn"}
    with pytest.raises(UsageError, match=f"is the model that answers itself .{fraud_bundle.version}"):
        make_release(home, folder, models=[str(fraud_bundle.folder)], challengers=[str(fraud_bundle.folder)])


def test_what_cannot_be_a_release_says_why(home: Home, fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path: Path) -> None:
    fraud, churn = str(fraud_bundle.folder), str(churn_bundle.folder)
    wrong: list[tuple[list[str], list[str], type[FusionGuardError]]] = [
        ([fraud, fraud], [], UsageError),
        ([fraud], [churn], UsageError),
        ([fraud], [fraud, fraud], UsageError),
        (["nowhere"], [], UsageError),
        ([], [], RegistryError),
    ]
    for models, challengers, error in wrong:
        with pytest.raises(error):
            make_release(home, tmp_path / "release", models=models, challengers=challengers)
    assert not (tmp_path / "release").exists()
