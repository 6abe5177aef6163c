"""What of a home's folders is beyond the retention, by their ages and numbers."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fusionguard.clean.folders import expired_folders
from fusionguard.clean.named import NAMES, named_removals
from fusionguard.clean.needed import Needed
from fusionguard.clean.removal import Removal, freed_bytes, remove
from fusionguard.clean.retention import Dated, beyond
from fusionguard.errors import UnknownChoiceError
from fusionguard.files import atomic_folder, atomic_path, link_or_copy, locked, write_json
from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from fusionguard.models.bundle import Bundle
from fusionguard.serving.own_releases import hold_release

NOW = 2_000_000_000.0
DAY = 86_400.0
RELEASES = {"release": 99, "release-3010": 31, "release-3011": 29, "release-3012": 50}
KEEPS = {"fraud": KeepConfig(runs=2, days=30), "churn": KeepConfig(runs=3, days=10), "monitoring": KeepConfig(runs=2, days=7)}


def _make(path: Path, days: float, content: bytes = b"rows") -> Path:
    """Make a folder with a file (or a file, where the name has a suffix) that was last changed so many days ago."""
    file = path if path.suffix else path / "file.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    for each in (file, path):
        os.utime(each, (NOW - days * DAY, NOW - days * DAY))
    return path


def _expired(home: Home, *needed: str) -> set[Path]:
    return {removal.path for removal in expired_folders(home, KEEPS, Needed(frozenset(needed), frozenset()), NOW)}


def test_the_rule_counts_and_dates() -> None:
    things = [Dated(name, NOW - days * DAY) for name, days in {"a": 1, "b": 2, "c": 12, "d": 3, "e": 50}.items()]
    assert dict(beyond(things, KeepConfig(runs=3, days=2.5), NOW)) == {
        "d": "3 days old, of 2.5 that are kept",
        "c": "not among the newest 3",
        "e": "not among the newest 3",
    }
    assert [name for name, _ in beyond(things, KeepConfig(runs=3, days=2.5), NOW, always={"e", "d"})] == ["c"]
    assert [name for name, _ in beyond(things, KeepConfig(runs=0, days=0), NOW)] == ["b", "d", "c", "e"]
    assert [name for name, _ in beyond(things, KeepConfig(runs=0, days=0), NOW, newest=False)] == ["a", "b", "d", "c", "e"]


def test_reports_of_models_stay_where_needed_or_new(home: Home) -> None:
    folders = {
        name: _make(home.models / f"fraud-{name}", days) for name, days in {"aaa": 1, "bbb": 2, "ccc": 3, "ddd": 99}.items()
    }
    other = _make(home.models / "churn-aaa", 11)
    assert _expired(home, "ddd" + "0" * 61) == {folders["ccc"]}
    assert _expired(home) == {folders["ccc"], folders["ddd"]}
    assert other.exists()  # the newest of its family, though it is old


def test_each_data_set_keeps_its_models_and_tables_as_its_family_does(home: Home) -> None:
    def models(name: str, ages: tuple[float, ...]) -> list[Path]:
        return [_make(home.models / f"{name}-{place:012x}", days) for place, days in enumerate(ages)]

    ours, transfers, lost = models("fraud", (1, 2)), models("fraud-2", (3, 4, 5)), models("old-set", (6, 7, 8, 31))
    telco = models("telco", (1, 2, 9, 11))
    for folder, family in ((transfers[2], "fraud"), (telco[1], "churn")):
        (folder / "bundle").mkdir()
        (folder / "bundle" / "x.json").write_text("{}")
        facts = {"features_sha256": "2" * 64, "source_sha256": "1" * 64, "negative_sampling_rate": 1.0, "config": {}}
        Bundle.seal(folder / "bundle", model=family, origin="local", seed=1, feature_schema_version=1, **facts)
        os.utime(folder, (NOW - (5 if family == "fraud" else 2) * DAY,) * 2)
    tables = {
        name: [_make(home.processed / name / f"{place:016x}", days) for place, days in enumerate((1, 9, 12, 13))]
        for name in ("creditcard", "bank_churn", "telco")
    }
    notes = [_make(home.models / "my-notes", 400), _make(home.processed / "mine" / "key", 400)]
    gone = {transfers[2], telco[3], lost[3], *tables["creditcard"][2:], *tables["bank_churn"][2:], tables["telco"][3]}
    assert _expired(home) == gone
    assert all(path.exists() for path in (*ours, *notes))


def test_pages_of_verdicts_go_by_model_and_their_history_stays(home: Home) -> None:
    old, older = (_make(home.monitoring / "fraud" / f"monitoring-{days}", days) for days in (8, 9))
    new = _make(home.monitoring / "fraud" / "monitoring-1", 1)
    exported = _make(home.monitoring / "fraud" / "monitoring-9-outcomes", 9.5)
    alone = _make(home.monitoring / "churn" / "monitoring-5", 40)
    history = _make(home.monitoring / "fraud" / "history.jsonl", 400)
    assert _expired(home) == {old, older, exported}
    assert new.exists() and alone.exists() and history.exists()


def test_a_run_of_monitoring_counts_once_and_keeps_the_rows_it_advises_to_train_on(home: Home) -> None:
    page = _make(home.monitoring / "fraud" / "monitoring-3", 0.001)
    rows = _make(home.monitoring / "fraud" / "monitoring-3-outcomes", 0.002)
    before = [_make(home.monitoring / "fraud" / name, 0.5) for name in ("monitoring-2", "monitoring-2-outcomes")]
    older = _make(home.monitoring / "fraud" / "monitoring-1", 1)
    assert _expired(home) == {older}
    keeps = {"monitoring": KeepConfig(runs=0)}
    found = {removal.path for removal in expired_folders(home, keeps, Needed(frozenset(), frozenset()), NOW)}
    assert found == {*before, older}
    assert page.exists() and rows.exists()


def test_tables_and_studies_go_but_not_while_a_run_is_under_way(home: Home) -> None:
    raw = [_make(home.processed / "churn" / f"{days}", days) for days in (0.5, 9, 9.5, 9.8, 11)]
    features = _make(home.feature_store / "fraud" / "key", 31)
    study = _make(home.studies / "xgboost-1.log", 31)
    own = _make(home.raw / "fraud" / "creditcard.csv", 400)
    assert _expired(home) == {raw[3], raw[4], features, study}
    keeps = {name: KeepConfig(runs=0) for name in KEEPS}
    working = home.work / "churn-1"
    working.mkdir(parents=True)
    with locked(working):
        found = {each.path for each in expired_folders(home, keeps, Needed(frozenset(), frozenset()), NOW)}
    assert found == {*raw[1:], features, study}
    assert raw[0] in {each.path for each in expired_folders(home, keeps, Needed(frozenset(), frozenset()), NOW)}
    assert own.exists()


def test_reports_and_verdicts_of_the_last_day_stay_while_a_run_is_under_way(home: Home) -> None:
    keeps = {name: KeepConfig(runs=0) for name in KEEPS}
    nothing = Needed(frozenset(), frozenset())
    reports = [_make(home.models / f"fraud-{number}", days) for number, days in enumerate((0.1, 0.5, 2))]
    pages = [_make(home.monitoring / "churn" / f"monitoring-{number}", days) for number, days in enumerate((0.2, 1.5, 3))]
    rows = _make(home.monitoring / "churn" / "monitoring-1-outcomes", 0.9)  # a training may be about to read them
    working = home.work / "fraud-1"
    working.mkdir(parents=True)
    with locked(working):
        assert {each.path for each in expired_folders(home, keeps, nothing, NOW)} == {reports[2], pages[2]}
    assert {each.path for each in expired_folders(home, keeps, nothing, NOW)} == {*reports[1:], *pages[1:], rows, working}


def test_a_run_with_a_job_on_a_cluster_is_under_way_though_its_process_died(home: Home) -> None:
    keeps = {name: KeepConfig(runs=0) for name in KEEPS}
    nothing = Needed(frozenset(), frozenset())
    work = [_make(home.work / name, 9) for name in ("fraud-1", "fraud-2")]
    table, study = _make(home.feature_store / "fraud" / "key", 0.5), _make(home.studies / "xgboost-1.log", 3)
    found = {each.path for each in expired_folders(home, keeps, nothing, NOW, with_jobs={"fraud-2"})}
    assert found == {work[0]}
    assert {each.path for each in expired_folders(home, keeps, nothing, NOW)} == {*work, table, study}


def test_a_release_of_a_service_of_its_own_goes_when_that_has_ended_long_ago(home: Home) -> None:
    serving = home.state / "serving"
    common, dead, young, running = (_make(serving / name, days) for name, days in RELEASES.items())
    copied = _make(serving / "release-3911-copy", 400)
    code = "import sys, time; from pathlib import Path; from fusionguard.serving.own_releases import hold_release\n"
    code += "for name in sys.argv[1:]: hold_release(Path(name))\nprint('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, common, running], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None and service.stdout.readline() == "held\n"
        assert _expired(home) == {dead}
        write_json(running / "release.json", {})  # a release is replaced, and held all the same
        os.utime(running, (NOW - 50 * DAY, NOW - 50 * DAY))
        assert _expired(home) == {dead}
        service.kill()
    assert _expired(home) == {dead, running}
    for removal in expired_folders(home, KEEPS, Needed(frozenset(), frozenset()), NOW):
        remove(removal)
    assert _expired(home) == {serving / ".release-3012.lock"}
    assert common.exists() and young.exists() and copied.exists()
    assert sorted(file.name for file in serving.glob(".*")) == [".release-3012.lock"], "the home's own needs none"


def test_where_nobody_can_tell_whether_a_service_runs_its_release_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    release = _make(home.state / "serving" / "release-3911", 99)
    hold_release(release)  # by this process, whose own probe is another's

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert _expired(home) == set()


def test_what_killed_processes_left_goes_when_it_is_old(home: Home) -> None:
    dead, fresh = _make(home.work / "fraud-dead", 3), _make(home.work / "fraud-fresh", 1.5)
    held = _make(home.work / "fraud-held", 30)
    half = _make(home.models / ".fraud-aaa.x1y2_z34.tmp", 3)
    young = _make(home.models / ".fraud-bbb.x1y2_z34.tmp", 1.5)
    going = _make(home.state / "artifacts" / "make" / ".1234.abcd0123.removed", 0.001)
    download = _make(home.raw / "fraud" / ".creditcard.csv.x1y2_z34.tmp", 3)
    spark = _make(home.feature_store / "fraud" / ".key.spark.x1y2_z34", 3)
    of_the_log = _make(home.predictions / "fraud" / ".part-1.parquet.x1y2_z34.tmp", 30)
    for name in (".creditcard.csv.old", ".2025.tmp", ".with.spark.csv", ".notes.removed"):  # somebody's own
        _make(home.raw / "fraud" / name, 300)
    with locked(held):
        assert _expired(home) == {dead, half, going, download, spark}
    assert fresh.exists() and young.exists() and of_the_log.exists()


def test_names_of_temporary_files_are_known_as_they_are_made(home: Home) -> None:
    target = home.models / "fraud-aaa"
    with atomic_folder(target), atomic_path(home.models / "card.md"):
        made = list(home.models.glob(".*"))
        assert len(made) == 2
        for each in made:
            os.utime(each, (NOW - 3 * DAY, NOW - 3 * DAY))
        assert _expired(home) == set(made)


def test_what_has_another_name_frees_nothing_until_that_goes_too(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    (one / "rows.parquet").write_bytes(b"x" * 1000)
    (one / "alone.json").write_bytes(b"y" * 37)
    link_or_copy(one / "rows.parquet", other / "rows.parquet")
    first, second = Removal(one, "rows", ""), Removal(other, "rows", "")
    assert (freed_bytes([first]), freed_bytes([second]), freed_bytes([first, second])) == (37, 0, 1037)
    remove(first)
    remove(first)  # what is gone already is no fault
    assert not one.exists() and (other / "rows.parquet").read_bytes() == b"x" * 1000


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ([], {"part", "labels", "registry", "model", "release", "young release of a service of its own", "bento"}),
        (["outcomes"], {"part", "registry", "model", "release", "young release of a service of its own", "bento"}),
        (["predictions"], {"labels", "registry", "model", "release", "young release of a service of its own", "bento"}),
        (["registry", "releases"], {"part", "labels"}),
    ],
)
def test_what_cannot_be_made_again_goes_only_by_its_name(home: Home, names: list[str], left: set[str]) -> None:
    places = {
        "part": home.predictions / "churn" / "part-1.parquet",
        "labels": home.predictions / "churn" / "labels.sqlite",
        "registry": home.state / "mlflow.db",
        "model": home.mlflow_artifacts / "models" / "m.bin",
        "release": home.state / "serving" / "release" / "release.json",
        "young release of a service of its own": home.state / "serving" / "release-3017" / "release.json",
        "bento": home.state / "bentoml" / "bentos" / "b.bin",
    }
    for name, place in places.items():
        _make(place, 5 if name.startswith("young") else 500)
    for removal in [*expired_folders(home, KEEPS, Needed(frozenset(), frozenset()), NOW), *named_removals(home, names)]:
        remove(removal)
    assert {name for name, place in places.items() if place.exists()} == left


def test_only_the_registry_of_this_home_goes_by_its_name(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [home.state / name for name in ("mlflow.db", "mlflow.db-wal")]
    copy, teams = home.state / "mlflow.db.before-upgrade", tmp_path / "team" / "mlflow.db"
    _make(home.mlflow_artifacts / "model.bin", 1)
    for file in (*own, copy, teams):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    assert [removal.path for removal in named_removals(home, ["registry"])] == [*own, home.mlflow_artifacts]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{teams}")
    assert named_removals(home, ["registry"]) == []


def test_a_name_that_means_nothing_is_refused(home: Home) -> None:
    with pytest.raises(UnknownChoiceError, match="outcomes, predictions, registry, releases"):
        named_removals(home, ["outcomes", "log"])
    assert list(NAMES) == ["predictions", "outcomes", "registry", "releases"]
