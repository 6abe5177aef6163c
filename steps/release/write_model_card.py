"""The fraud model's card, and the folder that a run leaves for people."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated

import onnx
from zenml import step
from zenml.types import HTMLString, MarkdownString

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.gate import FILE as GATE
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.card import CardInputs, model_card
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.model import AUTOENCODER_ONNX, FraudModel, load
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.features.bias import BiasReport
from fusionguard.features.engine import ENGINE_PACKAGES
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.models.packages import XGBOOST
from fusionguard.monitoring.reference_rows import FILE as REFERENCE
from fusionguard.registry.versions import RegisteredVersion
from materializers.figures import Figures
from steps.fraud.explain_model import Importance
from steps.fraud.tune_xgboost import BoosterSettings
from steps.release_folder import Release, keep_release

_LIBRARIES = ("fusionguard", XGBOOST, "torch", "onnxruntime", "scikit-learn", "zenml", "mlflow")

_PLOTS = "plots"


@step(enable_cache=False)
def write_model_card(
    bundle: Bundle,
    version: RegisteredVersion,
    verdict: GateVerdict,
    evaluation: EvaluationReport,
    importance: Importance,
    bias: BiasReport,
    provenance: Provenance,
    manifest: FeatureManifest,
    split: SplitPlan,
    reference: Table,
    settings: BoosterSettings,
    evaluation_plots: Figures,
    explanation_plots: Figures,
    config: FraudConfig,
) -> tuple[
    Annotated[MarkdownString, "{pipeline}_model_card"],
    Annotated[HTMLString, "{pipeline}_model_card_page"],
    Annotated[Release, "{pipeline}_release"],
]:
    """Write the model card and keep it beside the bundle and the reports, and in the MLflow run."""
    from fusionguard.registry.register import attach_files  # MLflow takes seconds to import

    model = load(bundle)
    inputs = CardInputs(
        provenance=provenance,
        features=manifest,
        split=split,
        uses_autoencoder=model.fusion.uses_autoencoder,
        training=_training_facts(model),
        searched=settings.searched,
        evaluation=evaluation,
        importance=importance.features,
        refitted_rows=bundle.manifest.refitted_rows,
        gate=verdict,
        config=settings.settle(config),
        versions={name: installed_version(name) for name in (*_LIBRARIES, ENGINE_PACKAGES[config.data.engine])},
        bundle_sha256=bundle.sha256,
    )
    images = {**evaluation_plots.images, **explanation_plots.images}
    card = model_card(inputs)
    page = card_html(card, images)
    files = {
        "model_card.md": card.encode(),
        "model_card.html": page.encode(),
        "data_bias_report.json": bias.to_json().encode(),
        "evaluation.json": evaluation.to_json().encode(),
        GATE: verdict.to_json().encode(),
    }
    home = find_home()
    attach_files(home, version, files, card=card)
    plots = {f"{_PLOTS}/{name}.png": image for name, image in images.items()}
    illustrated = {"model_card.md": model_card(inputs, image_folder=_PLOTS).encode()}
    return (
        MarkdownString(card),
        HTMLString(page),
        keep_release(home, bundle, {**files, **illustrated, **plots}, {REFERENCE: reference.files[0]}),
    )


def _training_facts(model: FraudModel) -> dict[str, int | str]:
    autoencoder = {prop.key: prop.value for prop in onnx.load(model.bundle.folder / AUTOENCODER_ONNX).metadata_props}
    return {
        "boosted trees": model.trees,
        "autoencoder's bottleneck": autoencoder["latent_size"],
        "fusion": model.fusion.reason,
    }
