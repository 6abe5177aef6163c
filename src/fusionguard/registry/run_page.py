"""What a run's page in MLflow shows beside metrics, parameters and files: source, user, note, data set, trials of a search."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fusionguard import __version__
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.models.tuning.trial import Trial
from fusionguard.registry.description import put_paragraph
from fusionguard.registry.mlflow_model import MLFLOW_TYPES
from fusionguard.registry.pipeline_run import PipelineRun
from fusionguard.registry.versions import ORIGIN_TAG, RUN_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

NOTE_TAG = "mlflow.note.content"
RUN_URL_TAG = "zenml.run.url"
VERSION_TAG = "fusionguard.version"

TRIAL_METRIC = "tuning_average_precision"
"""The mean average precision over the tuning folds."""
MOST_TRIALS = 50
"""So many trials of a model get a run, the best; each takes some 25 ms. ``trials.json`` has all of them."""

_DIGEST_LENGTH = 36


def source_tags(run: PipelineRun) -> dict[str, str]:
    """Return the tags in which MLflow's pages look for source, user and git commit, and those that lead to the run in ZenML."""
    source = run.source
    tags = {
        "mlflow.source.name": source.command,
        "mlflow.source.type": "LOCAL",
        "mlflow.user": source.user,
        VERSION_TAG: __version__,
    }
    if source.commit:
        tags["mlflow.source.git.commit"] = source.commit
    if source.clean is not None:
        tags["mlflow.source.git.dirty"] = json.dumps(not source.clean)
    if run.name:
        tags[RUN_TAG] = run.name
    if run.address:
        tags[RUN_URL_TAG] = run.address
    return tags


def put_note(client: MlflowClient, run_id: str, name: str, content: str) -> None:
    """Put a paragraph of that name into a run's note, in place of an earlier one."""
    note = client.get_run(run_id).data.tags.get(NOTE_TAG, "")
    client.set_tag(run_id, NOTE_TAG, put_paragraph(note, name, content))


def dataset_digest(provenance: Provenance) -> str:
    """Return as much of the raw file's SHA-256 as MLflow keeps of a digest."""
    return provenance.sha256[:_DIGEST_LENGTH]


def dataset_input(provenance: Provenance, schema: DatasetSchema) -> DatasetInput:
    """Return the raw data as an MLflow data set: name, digest, origin, columns and number of rows; no row and no path of it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [
        {"type": MLFLOW_TYPES[kind], "name": name, "required": name not in schema.optional}
        for name, kind in schema.columns.items()
    ]
    facts = {ORIGIN_TAG: provenance.origin, "description": provenance.description, "sha256": provenance.sha256}
    kaggle = provenance.origin == "kaggle"
    source: dict[str, Any] = {"url": f"https://www.kaggle.com/datasets/{schema.kaggle}"} if kaggle else {"tags": facts}
    dataset = Dataset(
        name=provenance.dataset,
        digest=dataset_digest(provenance),
        source_type="http" if kaggle else "code",
        source=json.dumps(source),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": provenance.rows}),
    )
    tags = {"mlflow.data.context": "training and test", **facts}
    return DatasetInput(dataset, [InputTag(key, value[:500]) for key, value in tags.items()])


def log_trials(client: MlflowClient, experiment: str, parent: str, trials: Sequence[Trial], tags: dict[str, str]) -> None:
    """Log the trials of a search as runs below the run ``parent``: settings, value, state, begin and end."""
    from mlflow.entities import Metric, Param

    for _, group in groupby(trials, key=lambda trial: trial.kind):
        tried = list(group)
        best = sorted(tried, key=lambda trial: (trial.state, -trial.value, trial.number))[:MOST_TRIALS]
        for trial in sorted(best, key=lambda trial: trial.number):
            began, ended = (round(moment.timestamp() * 1000) for moment in (trial.began, trial.ended))
            own = {**tags, "mlflow.parentRunId": parent, "trial.state": trial.state, "trial.model": trial.kind}
            name = f"{trial.kind} trial {trial.number}"
            run = client.create_run(experiment, start_time=began, tags=own, run_name=name).info.run_id
            params = [Param(key, str(value)) for key, value in trial.parameters.items()]
            client.log_batch(run, metrics=[Metric(TRIAL_METRIC, trial.value, ended, 0)], params=params)
            client.set_terminated(run, "FINISHED", ended)
