"""Who became champion when and why: kept for ever, whoever writes at the same time, and shown as it was."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from fusionguard.cli import app
from fusionguard.errors import RegistryError
from fusionguard.home import Home
from fusionguard.registry.aliases import champion, set_alias
from fusionguard.registry.history import list_moves
from fusionguard.registry.overview import read_overview
from fusionguard.registry.pipeline_run import PipelineRun, RunSource
from fusionguard.registry.runs import describe_run
from fusionguard.registry.tracking import experiment_id, open_store
from fusionguard.registry.versions import list_versions

NAME = "fusionguard-fraud"
RUN = PipelineRun(
    name="fraud-20261129-1",
    began=datetime(2026, 11, 29, tzinfo=UTC),
    source=RunSource(user="anna", command="run.py --pipeline fraud"),
)


@pytest.fixture(scope="module")
def database(blank_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database with two versions of the fraud model, the first of them champion; made once and copied."""
    home = Home(tmp_path_factory.mktemp("two"))
    home.state.mkdir()
    shutil.copy(blank_database, home.state / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        add_version(home, "simulated", {"": 0.25})
        add_version(home, "local", {"": 0.75, "_low": 0.5, "_high": 0.875})
        set_alias(home, "fraud", "champion", 1, why="There is no champion yet.", run=RUN)
    return home.state / "mlflow.db"


def add_version(home: Home, origin: str, readings: dict[str, float], name: str = NAME) -> None:
    """Register a version without files: what is looked at here is what MLflow's database holds."""
    client = open_store(home)
    run = client.create_run(experiment_id(home, client, NAME)).info.run_id
    for suffix, value in readings.items():
        client.log_metric(run, f"test_average_precision{suffix}", value)
    if origin == "simulated":
        client.create_registered_model(name)
    tags = {"bundle.sha256": run * 2, "data.origin": origin}
    client.create_model_version(name, home.mlflow_artifacts.as_uri(), run_id=run, tags=tags)


@pytest.fixture
def two(home: Home, database: Path) -> Home:
    home.state.mkdir(parents=True)
    shutil.copy(database, home.state / "mlflow.db")
    return home


def test_each_move_is_kept_with_who_when_and_why(two: Home) -> None:
    begin = datetime.now(UTC)
    set_alias(two, "fraud", "challenger", 2, why="It is the newest model.")
    set_alias(two, "fraud", "champion", 2, why="It is better in 0.99 of the draws.", run=RUN)
    set_alias(two, "fraud", "champion", 2, why="It is champion already.", run=RUN)
    first, second, third = list_moves(two, "fraud")
    assert (first.alias, first.before, first.after, first.why) == ("champion", None, 1, "There is no champion yet.")
    assert (second.alias, second.before, second.after, second.run) == ("challenger", None, 2, "")
    assert (third.alias, third.before, third.after, third.why) == ("champion", 1, 2, "It is better in 0.99 of the draws.")
    assert (third.by, third.run, third.command) == ("anna", "fraud-20261129-1", "run.py --pipeline fraud")
    assert second.by and second.command
    assert begin - timedelta(milliseconds=1) <= second.at <= third.at <= datetime.now(UTC)
    assert list_moves(two, "churn") == []


def test_it_outlives_the_versions_it_tells_of_and_mlflow_tells_the_same(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    set_alias(two, "fraud", "champion", 2, why="better", run=RUN)
    client = open_store(two)
    client.delete_model_version(NAME, "1")
    kept = read_overview(two, "fraud")
    assert [(move.before, move.after) for move in kept.moves] == [(None, 1), (1, 2)]
    assert [each.version.version for each in kept.versions] == [2]
    for module in ("versions.stored_versions", "history.stored_model_tags", "overview.stored_metrics"):
        monkeypatch.setattr(f"fusionguard.registry.{module}", lambda *_: None)
    assert read_overview(two, "fraud") == kept


def test_writers_at_the_same_time_lose_nothing(two: Home) -> None:
    def move(place: int) -> None:
        set_alias(two, "fraud", "champion", 1 + place % 2, why=f"writer {place}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, range(8)))
    moves = list_moves(two, "fraud")
    assert [move.before for move in moves[1:]] == [move.after for move in moves[:-1]]
    now = champion(two, "fraud")
    assert now is not None and now.version == moves[-1].after


def test_a_move_that_fails_leaves_no_record(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_registered_model_alias", fail)
        with pytest.raises(OSError, match="No space left"):
            set_alias(two, "fraud", "champion", 2, why="better")
    assert [move.after for move in list_moves(two, "fraud")] == [1]


def test_a_move_whose_answer_is_lost_keeps_its_record(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    move = MlflowClient.set_registered_model_alias

    def lose_answer(client: MlflowClient, *given: str) -> None:
        move(client, *given)
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", lose_answer)
        with pytest.raises(TimeoutError):
            set_alias(two, "fraud", "champion", 2, why="better")
    assert [move.after for move in list_moves(two, "fraud")] == [1, 2]
    assert read_overview(two, "fraud").unexplained() == {}


def test_a_long_reason_is_cut_and_a_record_that_somebody_changed_is_an_error(two: Home) -> None:
    set_alias(two, "fraud", "champion", 2, why="é" * 3000)
    assert list_moves(two, "fraud")[-1].why == "é" * 1000 + "..."
    client = open_store(two)
    (key, *_) = (tag for tag in client.get_registered_model(NAME).tags if tag.startswith("alias_move."))
    client.set_registered_model_tag(NAME, key, "mine")
    with pytest.raises(RegistryError, match=r"is no record of FusionGuard's\. Somebody changed it"):
        list_moves(two, "fraud")


def test_a_churn_model_of_a_home_made_before_has_its_run_in_the_experiment_of_fraud(
    two: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_version(two, "simulated", {"": 0.625}, "fusionguard-churn")
    open_store(two).set_registered_model_alias("fusionguard-churn", "champion", "1")
    known = read_overview(two, "churn")
    assert [each.value for each in known.versions] == [0.625]
    assert known.unexplained() == {"champion": 1}
    assert describe_run(two, known.versions[0].version).metrics == {"test_average_precision": 0.625}
    set_alias(two, "churn", "champion", 1, why="It is champion already.")
    assert list_moves(two, "churn") == []
    monkeypatch.setattr("fusionguard.registry.overview.stored_metrics", lambda *_: None)
    assert read_overview(two, "churn") == known


def test_the_command_lists_versions_and_history_the_latest_first(two: Home) -> None:
    set_alias(two, "fraud", "champion", 2, why="It is better in 0.99 of the draws.", run=RUN)
    open_store(two).set_registered_model_alias(NAME, "by_hand", "1")
    shown = CliRunner().invoke(app, ["models"])
    assert shown.exit_code == 0, shown.output
    title, headings, second, first, _, aliases, foreign, *moves = shown.output.splitlines()
    assert title == "fusionguard-fraud: average precision on the test rows, with its 95 % interval"
    assert headings.split("  ")[0] == "version"
    sha256 = [version.bundle_sha256[:12] for version in list_versions(two, "fraud")]
    made = list_versions(two, "fraud")[1].registered_at
    assert made is not None and datetime.now(UTC) - made < timedelta(minutes=5)
    made_at = f"{made:%Y-%m-%d %H:%M}"
    assert second.split(maxsplit=1) == ["2", f"champion  local data      0.750 (0.500 to 0.875)  {made_at}  {sha256[1]}"]
    assert first.startswith("1        by_hand   SIMULATED data  0.250") and first.endswith(sha256[0])
    assert (aliases, foreign.partition(":")[0]) == ("Aliases", "by_hand is version 1")
    assert moves[0].endswith("champion from version 1 to version 2 by anna (run.py --pipeline fraud, run fraud-20261129-1)")
    assert moves[1].strip() == "It is better in 0.99 of the draws."
    assert moves[2].endswith("champion to version 1 by anna (run.py --pipeline fraud, run fraud-20261129-1)")
    assert moves[-1] == "fusionguard-churn: no version is registered yet."


def test_the_command_shows_the_last_ones_and_json_shows_all(two: Home) -> None:
    add_version(two, "kaggle", {})
    set_alias(two, "fraud", "challenger", 3, why="It is the newest model.")
    shown = CliRunner().invoke(app, ["models", "fraud", "--last", "1"]).output
    assert "and 1 earlier versions: --last 0 shows them" in shown  # the champion, though older, is shown
    assert "and 1 earlier moves" in shown and "There is no champion yet." not in shown
    assert "There is no champion yet." in CliRunner().invoke(app, ["models", "fraud", "--last", "0"]).output
    (told,) = json.loads(CliRunner().invoke(app, ["models", "fraud", "--last", "1", "--json"]).stdout)
    assert [version["version"] for version in told["versions"]] == [1, 2, 3]
    assert told["versions"][1]["test_average_precision"] == {"value": 0.75, "low": 0.5, "high": 0.875}
    assert told["versions"][2]["test_average_precision"]["value"] is None
    assert [(move["alias"], move["after"]) for move in told["alias_moves"]] == [("champion", 1), ("challenger", 3)]
    assert told["aliases_moved_by_others"] == {}


def test_the_command_says_what_is_not_there(home: Home) -> None:
    failed = CliRunner().invoke(app, ["models"])
    assert isinstance(failed.exception, RegistryError) and "Train a model first" in str(failed.exception)
    failed = CliRunner().invoke(app, ["models", "frud"])
    assert "Did you mean 'fraud'?" in str(failed.exception)
