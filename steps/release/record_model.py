"""The model in ZenML."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import add_tags, get_step_context, step

from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.report import Report
from fusionguard.home import find_home
from fusionguard.registry.versions import RegisteredVersion
from steps.release_folder import Release
from steps.zenml_model import follow_registry, link_run, log_facts


class RecordedModel(BaseModel):
    """Where ZenML shows a model, and what it shows there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: str
    stage: str
    artifacts: int
    """Of this run."""


@step(enable_cache=False)
def record_model(
    version: RegisteredVersion,
    evaluation: Report,
    verdict: GateVerdict,
    provenance: Provenance,
    card: Release,
) -> Annotated[RecordedModel, "{pipeline}_recorded"]:
    """Show the version in ZenML, in the stage that the gate gave it, with the run, its artifacts, metrics and verdict.

    ``card`` is taken so that the card is among the artifacts.
    """
    run = get_step_context().pipeline_run
    shown = follow_registry(find_home(), version.name)[version.version]
    about = {"registered_as": f"{version.name} {version.version}", "data_origin": provenance.origin, "data_rows": provenance.rows}
    log_facts(evaluation.flat_facts() | about, run=run.id, version=shown)
    is_judged = verdict.champion_version != verdict.challenger_version  # a champion keeps the verdict that made it one
    log_facts(verdict.flat_facts(), run=run.id, version=shown if is_judged else None)
    add_tags([f"origin:{provenance.origin}"], run=run.id)
    return RecordedModel(model=shown.model.name, version=shown.name, stage=str(shown.stage), artifacts=link_run(shown, run.id))
