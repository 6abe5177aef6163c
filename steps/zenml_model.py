"""A registered model as ZenML shows it: one ``Model``, a version for each of the registry's, stages as the aliases say."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.client import Client
from zenml.enums import MetadataResourceTypes, ModelStages
from zenml.exceptions import EntityExistsError
from zenml.models import ModelVersionArtifactRequest, ModelVersionPipelineRunRequest, RunMetadataResource
from zenml.utils.pagination_utils import depaginate

from fusionguard.errors import RegistryError
from fusionguard.families.catalog import model_family
from fusionguard.home import Home
from fusionguard.registry.model_names import plain_name, registered_name
from fusionguard.registry.tracking import one_writer, sqlite_file
from fusionguard.registry.versions import CHALLENGER, CHAMPION, RegisteredVersion, list_versions

if TYPE_CHECKING:
    from zenml.models import ModelResponse, ModelVersionResponse

_STAGES = {CHAMPION: ModelStages.PRODUCTION, CHALLENGER: ModelStages.STAGING}
"""Of the aliases that a version has, the first one here counts; a version without any is archived."""

_OURS = re.compile(r"v[0-9]+")
"""What :func:`version_name` returns."""


def version_name(version: RegisteredVersion) -> str:
    """Return what ZenML calls a version; a name of digits alone it keeps for its own count."""
    return f"v{version.version}"


def follow_registry(home: Home, model: str) -> dict[int, ModelVersionResponse]:
    """Make ZenML's versions and stages of a model those of the registry; what agrees already costs two queries.

    Returns
    -------
    ZenML's versions by the registry's number; none where nothing is registered.
    """
    database = sqlite_file(home.mlflow_uri)
    if database is not None and not database.exists():
        return {}
    with one_writer(home):  # an alias moved meanwhile would get the stage of before from whoever has read it earlier
        versions = list_versions(home, model)
        client, name = Client(), registered_name(model)
        if not versions and not client.list_models(name=name).items:
            return {}
        shown = _model(client, home, name, versions[-1] if versions else None)
        found: dict[str, ModelVersionResponse] = {
            each.name: each for each in depaginate(client.list_model_versions, model=shown.id, size=200)
        }
        for version in versions:
            if version_name(version) not in found:
                found[version_name(version)] = _create(client, shown, version)
        wanted = {name: ModelStages.ARCHIVED for name in found if _OURS.fullmatch(name)}  # the registry may have deleted it
        wanted |= {version_name(version): _stage(version) for version in versions}
        for stage in (ModelStages.ARCHIVED, ModelStages.STAGING, ModelStages.PRODUCTION):  # one that is taken is archived first
            for name in (name for name, its in wanted.items() if its is stage and found[name].stage != stage.value):
                found[name] = client.update_model_version(shown.id, found[name].id, stage=stage, force=True)
        return {version.version: found[version_name(version)] for version in versions}


def link_run(version: ModelVersionResponse, run: UUID, *, artifacts: bool = True) -> int:
    """Show a run, and what its steps have made so far, on a version's page; return how many artifacts that are."""
    store, client = Client().zen_store, Client()
    store.create_model_version_pipeline_run_link(ModelVersionPipelineRunRequest(pipeline_run=run, model_version=version.id))
    if not artifacts:
        return 0
    steps = client.list_run_steps(pipeline_run_id=run, size=200, hydrate=True).items
    made = {output.id for step in steps for versions in step.outputs.values() for output in versions}
    for artifact in made - _linked(client, version):
        store.create_model_version_artifact_link(ModelVersionArtifactRequest(artifact_version=artifact, model_version=version.id))
    return len(made)


def log_facts(facts: Mapping[str, Any], *, run: UUID | None = None, version: ModelVersionResponse | None = None) -> None:
    """Note numbers, flags and short texts as metadata of a run, of a model's version, or of both."""
    resources = [] if run is None else [RunMetadataResource(id=run, type=MetadataResourceTypes.PIPELINE_RUN)]
    if version is not None:
        resources.append(RunMetadataResource(id=version.id, type=MetadataResourceTypes.MODEL_VERSION))
    Client().create_run_metadata({key: value for key, value in facts.items() if _can_be_told(value)}, resources)


def _can_be_told(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))  # JSON has no NaN


def _linked(client: Client, version: ModelVersionResponse) -> set[UUID]:
    links = depaginate(client.list_model_version_artifact_links, model_version_id=version.id, size=200)
    return {link.artifact_version.id for link in links}


def _stage(version: RegisteredVersion) -> ModelStages:
    return next((stage for alias, stage in _STAGES.items() if alias in version.aliases), ModelStages.ARCHIVED)


def _model(client: Client, home: Home, name: str, newest: RegisteredVersion | None) -> ModelResponse:
    """Return the model that stands for this registry's: one of another registry keeps its name, and this one gets a mark."""
    mark = hashlib.sha256(_registry(home).encode()).hexdigest()[:8]
    tag = f"registry:{mark}"
    for candidate in (name, f"{name}-{mark}"):
        found = client.list_models(name=candidate, hydrate=True).items
        if not found:
            try:
                words = () if newest is None else _tags(newest)
                return client.create_model(candidate, description=_about(newest), tags=[tag, *words])
            except EntityExistsError:  # another process was quicker
                found = client.list_models(name=candidate, hydrate=True).items
        if tag in {each.name for each in found[0].tags}:
            return found[0]
    raise RegistryError(
        f"ZenML's models '{name}' and '{name}-{mark}' are of other registries than this one.",
        f"Give the right one the tag '{tag}' in ZenML, or rename it.",
    )


def _create(client: Client, shown: ModelResponse, version: RegisteredVersion) -> ModelVersionResponse:
    about = f"Version {version.version} of {version.name} in MLflow"
    tags = [*_tags(version), f"origin:{version.origin}"]
    try:
        created = client.create_model_version(shown.id, version_name(version), about, tags)
    except EntityExistsError:  # another process was quicker
        return client.get_model_version(shown.id, version_name(version))
    facts = {"mlflow_version": version.version, "mlflow_run": version.run_id, "bundle_sha256": version.bundle_sha256}
    log_facts(facts | {"data_origin": version.origin}, version=created)
    for run in client.list_pipeline_runs(name=version.pipeline_run, size=1).items if version.pipeline_run else ():
        link_run(created, run.id)
    return created


def _tags(version: RegisteredVersion) -> tuple[str, ...]:
    """Return the family and, where a model is not called so, its data set."""
    family, name = _family(version), plain_name(version.name)
    return (family,) if name == family else (family, f"dataset:{name}")


def _about(newest: RegisteredVersion | None) -> str | None:
    if newest is None:
        return None
    family, name = _family(newest), plain_name(newest.name)
    return model_family(family).about if name == family else f"Models of the data set '{name}', made by the pipeline {family}"


def _family(version: RegisteredVersion) -> str:
    return version.family or plain_name(version.name)


def _registry(home: Home) -> str:
    """Return which registry a home uses, in words that stay when a password changes."""
    database = sqlite_file(home.mlflow_uri)
    return home.mlflow_uri.rpartition("@")[2] if database is None else str(Path(database).resolve())
