"""Registering a bundle: one MLflow run with what is known about it, and one model version that holds it."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.data.provenance import Provenance
from fusionguard.families.family import FamilyTraits
from fusionguard.families.of_bundle import family_of
from fusionguard.files import atomic_folder, json_text, storage_errors
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.trial import Trial
from fusionguard.registry.description import describe_model, describe_run, put_card
from fusionguard.registry.mlflow_model import CODE_PATH, save_model
from fusionguard.registry.model_names import registered_name
from fusionguard.registry.pipeline_run import PipelineRun, this_process
from fusionguard.registry.run_page import NOTE_TAG, dataset_digest, dataset_input, log_trials, put_note, source_tags
from fusionguard.registry.tracking import experiment_id, open_store, quiet_mlflow, registry_errors
from fusionguard.registry.versions import (
    BUNDLE_TAG,
    FAMILY_TAG,
    ORIGIN_TAG,
    RUN_TAG,
    RegisteredVersion,
    describe_version,
    local_folder,
    read_versions,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ABOUT = (
    "Models that FusionGuard's pipeline {family} trained{of}. Each run makes a `challenger`; the gate decides whether it becomes"
    " the `champion`, which is what answers. `fusionguard models` tells who moved which alias when and why."
)
_MAX_PARAMETER_LENGTH = 6000
_OF_THE_MODEL = ("test_", "cv_", "fairness_")
"""Metrics of the model itself begin so; those of references begin with their names, and belong to the run alone."""


def register_bundle(
    home: Home,
    bundle: Bundle,
    *,
    metrics: Mapping[str, float],
    plots: Mapping[str, bytes],
    provenance: Provenance,
    config: Mapping[str, Any],
    run: PipelineRun | None = None,
    trials: Sequence[Trial] = (),
) -> RegisteredVersion:
    """Register a bundle once; the same bundle again gives the version it already has.

    MLflow's run begins with ``run`` and, where that ``ends_later``, is left running for
    :func:`~fusionguard.registry.runs.end_runs`; without one it is this call alone. A bundle that has a version gets no second
    run: the page of its run stays that of the run that made it, with its begin, end, user and code, and notes which run made
    the same bundle again last.

    Parameters
    ----------
    metrics
        Test metrics by name, an interval's bounds as metrics of their own (``EvaluationReport.flat_metrics`` gives them so).
        Values that are not finite are left out.
    plots
        PNG images by name, without a suffix or with it.
    config
        The run's settings, nested; logged as dotted parameters.
    run
        The pipeline's run that registers it.
    trials
        Of a search for its settings, each of which becomes a run below the bundle's.

    Raises
    ------
    RegistryError
        The registry is damaged, does not answer, or refuses.
    """
    family = family_of(bundle)
    name = registered_name(family.model)
    client = open_store(home, create=True)
    with quiet_mlflow(), registry_errors(home.mlflow_uri), storage_errors(home.mlflow_artifacts):
        for known in read_versions(client, name):
            if known.bundle_sha256 == bundle.sha256:
                _restore_files(client, known, bundle)
                _note_again(client, known, run)
                return known
        experiment = experiment_id(home, client, name)
        own = run or this_process()
        tags = {BUNDLE_TAG: bundle.sha256, ORIGIN_TAG: provenance.origin, "data.sha256": provenance.sha256}
        tags[FAMILY_TAG] = family.name
        of_run = {RUN_TAG: own.name} if own.name else {}
        about = describe_model(family, provenance, metrics)
        page = tags | source_tags(own) | {NOTE_TAG: describe_run(about, own)}
        with _run(client, experiment, f"{family.model} {bundle.version}", page, own) as run_id:
            client.log_inputs(run_id, [dataset_input(provenance, family.schema)])
            model_id, source = _log_model(client, experiment, run_id, bundle, name)
            _log_facts(client, run_id, model_id, metrics, plots, provenance, config, trials)
            log_trials(client, experiment, run_id, trials, {ORIGIN_TAG: provenance.origin})
            _ensure_registered_model(client, name, family)
            entry = client.create_model_version(
                name, source, run_id=run_id, tags=tags | of_run, description=about, model_id=model_id
            )
            versions = json.dumps([{"name": name, "version": entry.version}])
            client.set_logged_model_tags(model_id, {"mlflow.modelVersions": versions})  # its page leads to the version by this
            put_note(client, run_id, "Registered as", f"`{name}` version {entry.version}")
        return describe_version(entry, created=True)


def attach_files(home: Home, version: RegisteredVersion, files: Mapping[str, bytes], *, card: str = "") -> None:
    """Add files to the MLflow run of a version, under their names, and the model card's text to the version's description."""
    client = open_store(home)
    with quiet_mlflow(), registry_errors(home.mlflow_uri):
        _log_files(client, version.run_id, files)
        if card:
            number = str(version.version)
            described = put_card(client.get_model_version(version.name, number).description or "", card)
            client.update_model_version(version.name, number, described)


@contextmanager
def _run(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str], run: PipelineRun) -> Iterator[str]:
    """Yield the id of a new MLflow run. It ends as failed or killed, or as finished unless it ``ends_later``.

    No global state: it is not the "active" run.
    """
    began = round(run.began.timestamp() * 1000)
    run_id = str(client.create_run(experiment, start_time=began, tags=dict(tags), run_name=name).info.run_id)
    status = "KILLED"
    try:
        yield run_id
        status = "RUNNING" if run.ends_later else "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        if status != "RUNNING":
            client.set_terminated(run_id, status)


def _note_again(client: MlflowClient, version: RegisteredVersion, run: PipelineRun | None) -> None:
    if run is not None and run.name != version.pipeline_run:
        again = f"the same bundle, bit for bit, by {run.name}, begun {run.began:%Y-%m-%d %H:%M} UTC"
        put_note(client, version.run_id, "Made again", again)


def _log_facts(
    client: MlflowClient,
    run_id: str,
    model_id: str,
    metrics: Mapping[str, float],
    plots: Mapping[str, bytes],
    provenance: Provenance,
    config: Mapping[str, Any],
    trials: Sequence[Trial],
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    data = {"dataset_name": provenance.dataset, "dataset_digest": dataset_digest(provenance)}
    values = [
        Metric(key, float(value), now, 0, model_id=model_id if key.startswith(_OF_THE_MODEL) else None, run_id=run_id, **data)
        for key, value in metrics.items()
        if math.isfinite(value)
    ]
    params = [Param(key, _parameter_text(value)) for key, value in _flat(config)]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    for start in range(0, len(values), 1000):
        client.log_batch(run_id, metrics=values[start : start + 1000])
    files = {f"plots/{Path(plot).stem}.png": content for plot, content in plots.items()}
    files["provenance.json"] = json_text(provenance.model_dump(mode="json")).encode()
    files["config.json"] = json_text(dict(config)).encode()
    if trials:
        files["trials.json"] = json_text([trial.model_dump(mode="json") for trial in trials]).encode()
    _log_files(client, run_id, files)


def _log_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:
        for name, content in files.items():
            file = Path(temporary) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        client.log_artifacts(run_id, temporary)


def _log_model(client: MlflowClient, experiment: str, run_id: str, bundle: Bundle, name: str) -> tuple[str, str]:
    """Log the bundle as an MLflow model of code and files; return the logged model's id and where its files are.

    ``mlflow.pyfunc.log_model`` would do this through process-wide state (the active run, the tracking URI, an environment
    variable), so the calls that it consists of are made here.
    """
    from mlflow.entities import LoggedModelOutput

    model = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags={BUNDLE_TAG: bundle.sha256})
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-") as temporary:
            folder = Path(temporary) / "model"
            save_model(folder, bundle, run_id=run_id, model_id=model.model_id)
            client.log_model_artifacts(model.model_id, str(folder))
    except BaseException:
        client.finalize_logged_model(model.model_id, "FAILED")
        raise
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id), str(model.artifact_location)


def _restore_files(client: MlflowClient, version: RegisteredVersion, bundle: Bundle) -> None:
    """Write a version's files again where its folder has been deleted from this disk, or is of 0.2.

    What 0.2 wrote asks for features, and uses whatever FusionGuard is installed, which would take them for raw rows.
    """
    folder = local_folder(client.get_model_version_download_uri(version.name, str(version.version)))
    if folder is not None and not (folder / CODE_PATH).is_dir():
        with atomic_folder(folder) as temporary:
            save_model(temporary, bundle, run_id=version.run_id, model_id=folder.parent.name)


def _ensure_registered_model(client: MlflowClient, name: str, family: FamilyTraits) -> None:
    from mlflow.exceptions import MlflowException

    of = "" if family.model == family.name else f" on the data set '{family.model}'"
    try:
        client.create_registered_model(name, description=_ABOUT.format(family=family.name, of=of))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _parameter_text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:_MAX_PARAMETER_LENGTH]
