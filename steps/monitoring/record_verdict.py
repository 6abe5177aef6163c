"""The verdict in ZenML."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import add_tags, get_step_context, step

from fusionguard.home import find_home
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts
from fusionguard.registry.versions import list_versions
from steps.monitoring.send_alerts import Told
from steps.zenml_model import follow_registry, link_run, log_facts


class RecordedVerdict(BaseModel):
    """Which of the model's versions shows the run that judged it, by ZenML's names; none where the registry has no such one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    versions: tuple[str, ...]


@step(enable_cache=False)
def record_verdict(verdict: Verdict, facts: WindowFacts, told: Told) -> Annotated[RecordedVerdict, "{pipeline}_recorded"]:
    """Show the verdict on the run's page, and the run on the page of the model that was judged.

    ``told`` is taken so that people are told even where ZenML or the registry fails.
    """
    home, run = find_home(), get_step_context().pipeline_run
    about = {"model": facts.model, "model_version": facts.model_version, "rows": facts.rows, "labelled": facts.labelled}
    log_facts(about | verdict.flat_facts(), run=run.id)
    add_tags([f"origin:{facts.origin or 'unknown'}"], run=run.id)
    shown = follow_registry(home, facts.model)
    judged = [each for each in list_versions(home, facts.model) if each.bundle_sha256.startswith(facts.model_version)]
    for version in judged:
        link_run(shown[version.version], run.id, artifacts=False)
    return RecordedVerdict(versions=tuple(shown[version.version].name for version in judged))
