"""The doctor: what is in the way makes it fail, what is merely absent does not, and no secret is ever shown."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from fusionguard import doctor
from fusionguard.doctor import PACKAGES, PARTS, SLURM_PROGRAMS, Finding, Status, default_works, examine
from fusionguard.home import Home
from fusionguard.models.packages import XGBOOST

KAGGLE = ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME")


@pytest.fixture(autouse=True)
def _no_kaggle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in KAGGLE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def _finding(home: Home, name: str) -> Finding:
    return next(finding for finding in examine(home) if finding.name == name)


def test_an_empty_home_works_by_default_and_stays_empty(home: Home) -> None:
    findings = examine(home)
    assert default_works(findings)
    assert {finding.name for finding in findings} >= {
        *PACKAGES,
        *PARTS,
        "Slurm",
        "home",
        "disk",
        "memory",
        "MLflow",
        "fraud champion",
        "churn champion",
        "Java",
        "CUDA",
        "Chromium",
    }
    assert _finding(home, "fraud champion").remedy == "Train one: make fraud"
    assert _finding(home, "churn champion").remedy == "Train one: make churn"
    assert not home.root.exists()


def test_what_spark_and_the_browser_need_is_absent_but_not_broken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for name in ("Java", "CUDA", "Chromium"):
        assert _finding(home, name).status is Status.ABSENT
    assert "--engine spark" in _finding(home, "Java").remedy
    assert default_works(examine(home))


def test_java_is_taken_from_java_home(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\" 2021' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert _finding(home, "Java") == Finding("Java", Status.OK, "17.0.1")


def test_credentials_are_said_to_be_there_and_never_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _finding(home, "Kaggle credentials").status is Status.ABSENT
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", "0123secret")
    assert _finding(home, "Kaggle credentials").status is Status.OK
    assert "secret" not in repr(examine(home))
    assert "somebody" not in repr(examine(home))


@pytest.mark.parametrize("package", PARTS)
def test_a_part_is_looked_at_with_its_version(home: Home, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    installed = importlib.metadata.version
    assert _finding(home, package) == Finding(package, Status.OK, installed(package))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1" if name == package else installed(name))
    old = _finding(home, package)
    assert old.status is Status.ABSENT and old.detail.startswith("0.1, where ~=") and "make setup" in old.remedy

    def version(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    gone = _finding(home, package)
    assert (gone.status, gone.detail) == (Status.ABSENT, "not installed") and PARTS[package] in gone.remedy
    assert default_works(examine(home)), "the pipelines run without it"


@pytest.mark.parametrize(
    ("programs", "says", "status", "detail"),
    [
        ((), "", Status.ABSENT, "not found"),
        (("sbatch", "squeue", "scontrol"), "slurm-wlm 22.05.8", Status.ABSENT, "without scancel"),
        (SLURM_PROGRAMS, "slurm-wlm 22.05.8", Status.OK, "22.05.8"),
        (SLURM_PROGRAMS, "slurm 25.11.0", Status.OK, "25.11.0"),
        (SLURM_PROGRAMS, "slurm 20.11.9", Status.ABSENT, "20.11.9, older than 22.05, which is tested"),
        (SLURM_PROGRAMS, "", Status.ABSENT, "sbatch does not say its version"),
    ],
)
def test_slurm_is_looked_at(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...], says: str, status: Status, detail: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in programs:
        (folder / program).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    found = _finding(home, "Slurm")
    assert (found.status, found.detail) == (status, detail)
    assert bool(found.remedy) == (status is Status.ABSENT)


def test_a_missing_package_is_in_the_way(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(package: str) -> str:
        if package == XGBOOST:
            raise importlib.metadata.PackageNotFoundError(package)
        return installed(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert _finding(home, XGBOOST) == Finding(XGBOOST, Status.BROKEN, "not installed", "Install it again: make setup")
    assert not default_works(examine(home))


def test_an_installed_package_lacks_nothing_that_it_was_not_asked_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(package: str) -> str:
        if package in absent:
            raise importlib.metadata.PackageNotFoundError(package)
        return installed(package)

    monkeypatch.setattr(doctor, "find_checkout", lambda: None)
    monkeypatch.setattr(importlib.metadata, "version", version)
    absent = {"torch", "mlflow", "zenml", "gradio"}
    found = {name: _finding(home, name) for name in absent}
    assert {finding.status for finding in found.values()} == {Status.ABSENT} and default_works(examine(home))
    assert found["torch"].remedy == "Only for training: pip install 'fusionguard[training]'"
    assert found["mlflow"].remedy == "Only for registry: pip install 'fusionguard[registry]'"
    assert found["zenml"].remedy == "Only for pipelines: pip install 'fusionguard[pipelines]'"
    assert found["gradio"].remedy == "Only for the assistant: pip install 'fusionguard[assistant]'"
    assert _finding(home, "churn champion").remedy == "Train one in a checkout of FusionGuard: make churn"
    absent = {"duckdb"}
    assert _finding(home, "duckdb") == Finding(
        "duckdb", Status.BROKEN, "not installed", "Install it again: pip install fusionguard"
    )
    assert not default_works(examine(home))


def test_a_registry_that_nothing_here_reads_is_absent_and_not_broken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from fusionguard import extras

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "mlflow")
    finding = _finding(home, "MLflow")
    assert (finding.status, finding.detail) == (Status.ABSENT, "A model registry needs mlflow.")
    assert finding.remedy == "Install what is missing: pip install 'fusionguard[registry]'"


def test_a_full_disk_is_in_the_way(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=100_000_000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert _finding(home, "disk").detail == "0.1 GB free"
    assert not default_works(examine(home))


def test_a_home_that_cannot_be_written_is_in_the_way(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    finding = _finding(home, "home")
    assert finding.status is Status.BROKEN
    assert "FUSIONGUARD_HOME" in finding.remedy


def test_a_damaged_registry_is_in_the_way_and_stays(home: Home) -> None:
    home.state.mkdir(parents=True)
    (home.state / "mlflow.db").write_bytes(b"SQLite format 3\x00 cut off")
    finding = _finding(home, "MLflow")
    assert finding.status is Status.BROKEN
    assert "is damaged" in finding.detail
    assert not default_works(examine(home))
    assert (home.state / "mlflow.db").read_bytes() == b"SQLite format 3\x00 cut off"


def test_the_last_verdict_of_monitoring_is_told(home: Home) -> None:
    from fusionguard.monitoring.history import append_verdict, history_file
    from fusionguard.serving.prediction_log.parts import part_name, write_part
    from tests.monitoring.test_history import a_record

    assert _finding(home, "fraud monitoring").remedy == "For a demonstration: make monitoring"
    (home.predictions / "fraud").mkdir(parents=True)
    (home.predictions / "fraud" / "labels.sqlite").write_bytes(b"")
    assert _finding(home, "fraud monitoring").detail == "nothing has been scored yet"
    write_part(home.predictions / "fraud" / part_name(1, 1, "abcd"), pa.table({"time": [1]}))
    assert _finding(home, "fraud monitoring").detail == "rows were scored and never judged"
    assert "--set model=fraud" in _finding(home, "fraud monitoring").remedy
    append_verdict(history_file(home, "fraud"), a_record())
    found = _finding(home, "fraud monitoring")
    assert (found.status, found.remedy) == (Status.OK, "advice: retrain")
    assert found.detail == "act on 2026-09-22 00:00 UTC, version a1b2c3d4e5f6"
    history_file(home, "fraud").write_text("{}\n")
    assert _finding(home, "fraud monitoring").status is Status.BROKEN
