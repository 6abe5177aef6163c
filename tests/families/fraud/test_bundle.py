"""A bundle is loaded whole and unaltered, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard.errors import BundleError
from fusionguard.families.fraud.model import load
from fusionguard.models.bundle import MANIFEST, Bundle

from .conftest import Trained


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.bundle.folder, tmp_path / "copy"))


def test_holds_the_agreed_files_and_no_pickle(trained: Trained) -> None:
    assert sorted(trained.bundle.manifest.files) == [
        "autoencoder.onnx",
        "booster.onnx",
        "booster.ubj",
        "calibration.json",
        "features.json",
        "policy.json",
        "profile.parquet",
    ]


def test_a_copy_is_the_same_model(trained: Trained, copy: Path) -> None:
    assert Bundle.open(copy).sha256 == trained.bundle.sha256
    assert load(Bundle(copy)).version == trained.bundle.sha256[:12]


def _flip_a_byte(folder: Path) -> None:
    content = bytearray((folder / "booster.ubj").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "booster.ubj").write_bytes(content)


def _cut_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:-40])


def _list_a_file_outside(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["../policy.json"] = manifest["files"]["policy.json"]
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _leave_out_a_file(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"]["policy.json"]
    (folder / "policy.json").unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _link_a_file(folder: Path) -> None:
    (folder / "policy.json").rename(folder.parent / "policy.json")
    (folder / "policy.json").symlink_to(folder.parent / "policy.json")


def _raise_the_format(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip_a_byte, "booster.ubj in the bundle 'copy' is not the file that was saved"),
        (lambda folder: (folder / "autoencoder.onnx").unlink(), "lacks autoencoder.onnx"),
        (lambda folder: (folder / "policy.json").write_text(""), "policy.json in the bundle 'copy' is not the file"),
        (lambda folder: (folder / "extra.txt").write_text("x"), "does not list: extra.txt"),
        (lambda folder: (folder / MANIFEST).unlink(), "is not a bundle"),
        (_cut_the_manifest, "is damaged"),
        (_list_a_file_outside, "not a plain file"),
        (_link_a_file, "not a plain file"),
        (_leave_out_a_file, "has no policy.json"),
        (_raise_the_format, "has format 99; this version reads 1"),
    ],
)
def test_damage_is_refused(copy: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(copy)
    with pytest.raises(BundleError, match=message):
        load(Bundle(copy))


def test_the_manifest_says_only_what_is_known(trained: Trained, copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    assert manifest["train_range_seconds"] == [trained.plan.train.first_second, trained.plan.calibration.last_second]
    assert "holdout_sha256" not in manifest
    facts = Bundle(copy).manifest.model_dump(exclude={"files", "train_range_seconds"}) | {"holdout_sha256": "9" * 64}
    (copy / MANIFEST).unlink()
    Bundle.seal(copy, **facts)
    assert "train_range_seconds" not in json.loads((copy / MANIFEST).read_text())
    sealed = Bundle.open(copy).manifest
    assert (sealed.train_range_seconds, sealed.holdout_sha256) == (None, "9" * 64)


def test_unset_settings_stay_in_the_manifest(tmp_path: Path, trained: Trained) -> None:
    facts = trained.bundle.manifest.model_dump(exclude={"files"}) | {"config": {"contacts": None}}
    Bundle.seal(tmp_path, **facts)
    assert Bundle.open(tmp_path).manifest.config == {"contacts": None}


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        Bundle.open(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("features.json", {"columns": ["V1"], "schema_version": 0}, "other features"),
        ("calibration.json", {"slope": 1}, "does not know"),
    ],
)
def test_files_of_another_version_are_refused(copy: Path, file: str, content: dict[str, object], message: str) -> None:
    (copy / file).write_text(json.dumps(content))
    manifest = Bundle(copy).manifest
    (copy / MANIFEST).unlink()
    Bundle.seal(copy, **manifest.model_dump(exclude={"files"}))
    with pytest.raises(BundleError, match=message):
        load(Bundle(copy))
