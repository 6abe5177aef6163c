"""The model's card, and the folder that a run leaves for people."""

from __future__ import annotations

import io
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import pyarrow.csv
from zenml import step
from zenml.types import HTMLString, MarkdownString

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.explanation import Importance
from fusionguard.evaluation.gate import FILE as GATE
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.evaluation.report import Report
from fusionguard.families.card_files import write_card_files
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.bias import BiasReport
from fusionguard.features.engine import ENGINE_PACKAGES
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.settings import TrainingSettings
from fusionguard.monitoring.reference_rows import FILE as REFERENCE
from fusionguard.registry.versions import RegisteredVersion
from materializers.figures import Figures
from materializers.pages import Pages
from steps.release_folder import Release, keep_release


@step(enable_cache=False)
def write_model_card(
    bundle: Bundle,
    version: RegisteredVersion,
    verdict: GateVerdict,
    evaluation: Report,
    importance: Importance,
    flagged: Table,
    bias: BiasReport,
    provenance: Provenance,
    features: Table,
    manifest: FeatureManifest,
    plan: Plan,
    reference: Table,
    settings: TrainingSettings,
    evaluation_plots: Figures,
    explanation_plots: Figures,
    config: dict[str, Any],
    prequential: PrequentialReport | None = None,
) -> tuple[
    Annotated[MarkdownString, "{pipeline}_model_card"],
    Annotated[HTMLString, "{pipeline}_model_card_page"],
    Annotated[Pages, "{pipeline}_pages_beside"],
    Annotated[Release, "{pipeline}_release"],
]:
    """Write the card and what stands beside it into the model's folder, with the bundle and the reports, and into MLflow."""
    from fusionguard.registry.register import attach_files  # MLflow takes seconds to import

    family, home = family_of(bundle), find_home()
    training = family.training
    settled = settings.settle(family.config.model_validate(config))
    facts = {
        "provenance": provenance,
        "features": manifest,
        "plan": plan,
        "preset": settings.preset,
        "searched": settings.searched,
        "evaluation": evaluation,
        "importance": importance.features,
        "refitted_rows": bundle.manifest.refitted_rows,
        "gate": verdict,
        "config": settled,
        "versions": {name: installed_version(name) for name in (*training.LIBRARIES, ENGINE_PACKAGES[settled.data.engine])},
        "bundle_sha256": bundle.sha256,
        "prequential": prequential,
    }
    rows, images = TrainingRows(features, manifest, plan), {**evaluation_plots.images, **explanation_plots.images}
    written = write_card_files(training, training.card_inputs(bundle, facts), bundle, rows, images)
    reports = {"data_bias_report.json": bias.to_json(), "evaluation.json": evaluation.to_json(), GATE: verdict.to_json()}
    files = {name: text.encode() for name, text in (written.texts | reports).items()}
    # Rows stay in the home: a tracking server's readers may not be allowed to read about people.
    attach_files(home, version, files, card=written.card)
    listed = {training.FLAGGED_FILE: _csv(flagged)} if training.FLAGGED_FILE else {}
    release = keep_release(home, bundle, files | written.plots | listed, {REFERENCE: reference.files[0]})
    return MarkdownString(written.card), HTMLString(written.page), Pages(written.beside), release


def _csv(table: Table) -> bytes:
    stream = io.BytesIO()
    pyarrow.csv.write_csv(table.read(), stream)
    return stream.getvalue()
