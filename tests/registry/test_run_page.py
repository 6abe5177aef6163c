"""A run's page in MLflow, and that of the version it made: what a reviewer asks is answered there, by MLflow's own client."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow.data
import pytest

from fusionguard.datasets.shipped import dataset_schema
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.trial import Trial
from fusionguard.registry.description import describe_run
from fusionguard.registry.gate import keep_verdict
from fusionguard.registry.pipeline_run import PipelineRun, RunSource
from fusionguard.registry.register import attach_files, register_bundle
from fusionguard.registry.run_page import MOST_TRIALS, dataset_input
from fusionguard.registry.runs import end_runs
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion, list_versions

from .conftest import PROVENANCE, run_named, seal_bundle

MakeBundle = Callable[..., Bundle]
Register = Callable[..., RegisteredVersion]
NAME = "fusionguard-fraud"
METRICS = {"test_average_precision": 0.75, "test_average_precision_low": 0.5, "test_average_precision_high": 0.875}
REFERENCE = {"logistic_regression_test_average_precision": 0.375}
BEGAN = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)


def trial(number: int, value: float, kind: str = "XGBoost", state: Any = "complete") -> Trial:
    began = BEGAN + timedelta(minutes=number)
    parameters = {"max_depth": 3 + number, "learning_rate": 0.05}
    return Trial(
        kind=kind,
        number=number,
        state=state,
        value=value,
        parameters=parameters,
        began=began,
        ended=began + timedelta(seconds=40),
    )


@pytest.fixture(scope="module")
def made(blank_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a version that the run ``one``, which is still under way, has registered: made once and copied."""
    home = Home(tmp_path_factory.mktemp("made"))
    home.state.mkdir()
    shutil.copy(blank_database, home.state / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        register_bundle(
            home,
            seal_bundle(home.root / "bundle", "one"),
            metrics=METRICS | REFERENCE,
            plots={},
            provenance=PROVENANCE,
            config={"seed": 7},
            run=run_named("one", BEGAN),
            trials=(trial(1, 0.25), trial(2, 0.5, state="pruned")),
        )
    return home


@pytest.fixture
def version(store: Home, made: Home) -> RegisteredVersion:
    """That version in the test's own store; its files are shared."""
    shutil.copy(made.state / "mlflow.db", store.state / "mlflow.db")
    return list_versions(store, "fraud")[0]


def test_the_run_says_who_made_it_of_which_code_and_data(store: Home, version: RegisteredVersion) -> None:
    client = open_store(store)
    run = client.get_run(version.run_id)
    tags = run.data.tags
    assert tags["mlflow.source.name"] == "run.py --pipeline fraud" and tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.source.git.commit"] == "c0ffee" * 6 + "c0de" and tags["mlflow.source.git.dirty"] == "true"
    assert tags["mlflow.user"] == run.info.user_id == "anna"
    assert (tags["zenml.run"], tags["zenml.run.url"]) == ("one", "http://127.0.0.1:8237/projects/default/runs/one")
    about, started, code, zenml, registered = tags["mlflow.note.content"].split("\n\n")
    assert about == (
        "Card-fraud model, made from 3 rows of SIMULATED data (drawn by a test). Average precision on the test rows:"
        " 0.750 (0.500 to 0.875). Its numbers say nothing about real transactions."
    )
    assert started == "**Started:** by anna (the operating system's name), as `run.py --pipeline fraud`"
    assert code.endswith("commit `c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0de` with changes that no commit holds")
    assert zenml.startswith("**ZenML run:** [one](http://127.0.0.1:8237/projects/default/runs/one); `make dashboard RUN=one` ")
    asked = RunSource(user="anna", command="run.py", asked_by="monitoring-1: new rows")
    assert "\n\n**Asked for:** by monitoring-1: new rows\n\n" in describe_run(
        "", PipelineRun(name="two", began=BEGAN, source=asked)
    )
    assert registered == "**Registered as:** `fusionguard-fraud` version 1"
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("fraud", "1" * 36)
    assert {tag.key: tag.value for tag in data.tags} == {
        "mlflow.data.context": "training and test",
        "data.origin": "simulated",
        "description": "drawn by a test",
        "sha256": "1" * 64,
    }
    assert json.loads(data.dataset.profile) == {"num_rows": 3}
    assert mlflow.data.get_source(data).to_dict()["tags"]["data.origin"] == "simulated"
    assert [column["name"] for column in json.loads(data.dataset.schema)["mlflow_colspec"]][-2:] == ["Amount", "Class"]


def test_columns_that_a_file_may_lack_are_not_said_to_be_there() -> None:
    dataset = dataset_input(PROVENANCE.model_copy(update={"dataset": "churn"}), dataset_schema("churn")).dataset
    columns = json.loads(dataset.schema)["mlflow_colspec"]
    assert {column["name"] for column in columns if not column["required"]} == {"RowNumber", "CustomerId", "Surname"}


def test_kaggles_data_has_its_address(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    provenance = PROVENANCE.model_copy(update={"origin": "kaggle"})
    made = register(make_bundle("kaggle", origin="kaggle"), provenance=provenance)
    run = open_store(store).get_run(made.run_id)
    source = mlflow.data.get_source(run.inputs.dataset_inputs[0])
    assert source.url == "https://www.kaggle.com/datasets/mlg-ulb/creditcardfraud"  # type: ignore[union-attr]
    assert run.data.tags["mlflow.user"] and run.data.tags["mlflow.source.name"]  # of this process
    assert "zenml.run" not in run.data.tags and "ZenML run" not in run.data.tags["mlflow.note.content"]


def test_the_model_and_its_metrics_are_a_logged_model_of_the_run(store: Home, version: RegisteredVersion) -> None:
    client = open_store(store)
    (output,) = client.get_run(version.run_id).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.source_run_id, model.status.name) == (NAME, version.run_id, "READY")
    assert {metric.key: metric.value for metric in model.metrics} == METRICS, "those of references are not the model's"
    assert client.get_run(version.run_id).data.metrics == METRICS | REFERENCE
    assert {(metric.dataset_name, metric.dataset_digest) for metric in model.metrics} == {("fraud", "1" * 36)}
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": NAME, "version": 1}]


def test_the_run_lasts_from_the_pipelines_begin_to_its_end(store: Home, version: RegisteredVersion) -> None:
    client = open_store(store)
    info = client.get_run(version.run_id).info
    assert info.start_time == round(BEGAN.timestamp() * 1000)
    assert (info.status, info.end_time) == ("RUNNING", None)
    end_runs(store, "another", "FINISHED")
    assert client.get_run(version.run_id).info.status == "RUNNING"
    before = datetime.now(UTC)
    end_runs(store, "one", "FAILED")
    ended = client.get_run(version.run_id).info
    assert ended.status == "FAILED" and ended.end_time >= before.timestamp() * 1000 - 1
    end_runs(store, "one", "FINISHED")
    assert client.get_run(version.run_id).info == ended, "what is over is over"


def test_a_run_that_nobody_will_end_is_over_with_its_registration(
    store: Home, make_bundle: MakeBundle, register: Register
) -> None:
    own = run_named("a pipeline of one's own", BEGAN).model_copy(update={"ends_later": False})
    info = open_store(store).get_run(register(make_bundle("own"), run=own).run_id).info
    assert (info.status, info.start_time) == ("FINISHED", round(BEGAN.timestamp() * 1000))
    assert info.end_time > info.start_time


def test_mlflow_itself_finds_the_run_to_end(store: Home, version: RegisteredVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusionguard.registry.runs.stored_running", lambda *_: None)
    end_runs(store, "another", "KILLED")
    end_runs(store, "one", "KILLED")
    assert open_store(store).get_run(version.run_id).info.status == "KILLED"


def test_trials_are_runs_below_the_run(store: Home, made: Home, version: RegisteredVersion) -> None:
    client = open_store(store)
    experiment = client.get_run(version.run_id).info.experiment_id
    trials = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{version.run_id}'", order_by=["attributes.start_time"])
    assert [run.info.run_name for run in trials] == ["XGBoost trial 1", "XGBoost trial 2"]
    assert [run.data.metrics for run in trials] == [{"tuning_average_precision": 0.25}, {"tuning_average_precision": 0.5}]
    assert trials[1].data.params == {"max_depth": "5", "learning_rate": "0.05"}
    assert [run.data.tags["trial.state"] for run in trials] == ["complete", "pruned"]
    assert {run.data.tags["data.origin"] for run in trials} == {"simulated"}
    assert (trials[0].info.status, trials[0].info.end_time - trials[0].info.start_time) == ("FINISHED", 40_000)
    kept = json.loads((made.mlflow_artifacts / version.run_id / "artifacts" / "trials.json").read_text())
    assert [each["value"] for each in kept] == [0.25, 0.5]


@pytest.mark.full
def test_of_many_trials_the_best_are_runs_and_all_are_in_the_file(
    store: Home, make_bundle: MakeBundle, register: Register
) -> None:
    trials = [trial(number, number / 100) for number in range(1, MOST_TRIALS + 4)] + [trial(1, 0.5, kind="CatBoost")]
    version = register(make_bundle("many"), trials=trials)
    client = open_store(store)
    experiment = client.get_run(version.run_id).info.experiment_id
    below = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{version.run_id}'")
    names = {run.info.run_name for run in below}
    assert len(names) == MOST_TRIALS + 1 and "CatBoost trial 1" in names
    assert "XGBoost trial 3" not in names and {"XGBoost trial 4", "XGBoost trial 53"} <= names
    assert len(json.loads((store.mlflow_artifacts / version.run_id / "artifacts" / "trials.json").read_text())) == MOST_TRIALS + 4


def test_the_version_says_what_it_is_the_verdict_and_the_card(store: Home, version: RegisteredVersion) -> None:
    client = open_store(store)
    about = client.get_model_version(NAME, "1").description
    assert about == client.get_run(version.run_id).data.tags["mlflow.note.content"].split("\n\n")[0]
    verdict = GateVerdict(promoted=True, challenger_version="1", reason="There is no champion yet.")
    again = verdict.model_copy(update={"promoted": False, "champion_version": "1", "reason": "It is champion already."})
    keep_verdict(store, version, again)  # of a champion that became so before verdicts were kept, nothing is known
    assert "gate.verdict" not in client.get_model_version(NAME, "1").tags
    keep_verdict(store, version, verdict)
    keep_verdict(store, version, again)
    attach_files(store, version, {"model_card.md": b"# Card"}, card="# Card\n\nWhat it is for.\n\n## Gate\n\nAll of it.\n")
    entry = client.get_model_version(NAME, "1")
    gate = "**Gate:** Promoted to champion. There is no champion yet."
    card = "# Card\n\nWhat it is for.\n\n## Gate\n\nAll of it."
    assert entry.description == f"{about}\n\n{gate}\n\n---\n\n{card}"
    assert (entry.tags["gate.verdict"], entry.tags["gate.reason"]) == ("promoted", "There is no champion yet.")
    assert client.get_run(version.run_id).data.tags["mlflow.note.content"].endswith(f"\n\n{gate}")
    refused = GateVerdict(promoted=False, challenger_version="1", champion_version="3", reason="It is worse.")
    keep_verdict(store, version, refused)
    entry = client.get_model_version(NAME, "1")
    assert entry.description == f"{about}\n\n**Gate:** Not promoted. It is worse.\n\n---\n\n{card}"
    assert entry.tags["gate.verdict"] == "not promoted"
    assert client.get_registered_model(NAME).description.startswith("Models that FusionGuard's pipeline")


def test_the_same_bundle_again_keeps_the_page_and_notes_the_run(
    store: Home, made: Home, version: RegisteredVersion, register: Register
) -> None:
    end_runs(store, "one", "FINISHED")
    client = open_store(store)
    before = client.get_run(version.run_id)
    bundle = Bundle.open(made.root / "bundle")
    later = run_named("two", BEGAN + timedelta(days=1))
    assert register(bundle, metrics=METRICS, run=later).version == 1
    assert register(bundle, metrics=METRICS, run=run_named("one")).version == 1  # a repeated step of the run itself
    after = client.get_run(version.run_id)
    assert after.info == before.info
    note = before.data.tags["mlflow.note.content"]
    again = "**Made again:** the same bundle, bit for bit, by two, begun 2026-11-30 09:30 UTC"
    assert after.data.tags == {**before.data.tags, "mlflow.note.content": f"{note}\n\n{again}"}
    assert len(client.search_runs([before.info.experiment_id], "tags.zenml.run = 'two'")) == 0
