"""The churn model's card and the business insights, and the folder that a run leaves for people."""

from __future__ import annotations

import io
from importlib.metadata import version as installed_version
from typing import Annotated

import pyarrow.csv
from zenml import step
from zenml.types import HTMLString, MarkdownString

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.gate import FILE as GATE
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.card import ChurnCardInputs, churn_model_card
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.insights import business_insights
from fusionguard.families.churn.model import load
from fusionguard.families.churn.reading import read_test
from fusionguard.families.churn.report import ChurnReport
from fusionguard.features.bias import BiasReport
from fusionguard.features.engine import ENGINE_PACKAGES
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.reference_rows import FILE as REFERENCE
from fusionguard.registry.versions import RegisteredVersion
from materializers.figures import Figures
from steps.churn.explain_churn import ChurnImportance
from steps.churn.tune_models import TrainingSettings
from steps.release_folder import Release, keep_release

_LIBRARIES = (
    "fusionguard",
    "lightgbm",
    "catboost",
    "fairlearn",
    "optuna",
    "scikit-learn",
    "zenml",
    "mlflow",
)
_PLOTS = "plots"


@step(enable_cache=False)
def write_churn_card(
    bundle: Bundle,
    version: RegisteredVersion,
    verdict: GateVerdict,
    evaluation: ChurnReport,
    importance: ChurnImportance,
    contacts: Table,
    bias: BiasReport,
    provenance: Provenance,
    features: Table,
    manifest: FeatureManifest,
    holdout: HoldoutPlan,
    settings: TrainingSettings,
    reference: Table,
    evaluation_plots: Figures,
    explanation_plots: Figures,
    config: ChurnConfig,
) -> tuple[
    Annotated[MarkdownString, "{pipeline}_model_card"],
    Annotated[HTMLString, "{pipeline}_model_card_page"],
    Annotated[HTMLString, "{pipeline}_business_insights_page"],
    Annotated[Release, "{pipeline}_release"],
]:
    """Write the model card and the business insights beside the bundle, the contact list and the reports, and into MLflow."""
    from fusionguard.registry.register import attach_files  # MLflow takes seconds to import

    customers = read_test(load(bundle, evaluated=True), features, holdout)
    inputs = ChurnCardInputs(
        provenance=provenance,
        features=manifest,
        plan=holdout,
        training=_training_facts(bundle),
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
    insights = business_insights(features, evaluation, importance.features, customers)
    pages = {
        "model_card.html": card_html(churn_model_card(inputs, image_folder=_PLOTS), images),
        "business_insights.html": card_html(insights.markdown(image_folder=_PLOTS), insights.plots),
        "model_card.md": churn_model_card(inputs, image_folder=_PLOTS),
        "business_insights.md": insights.markdown(image_folder=_PLOTS),
        "data_bias_report.json": bias.to_json(),
        "evaluation.json": evaluation.to_json(),
        GATE: verdict.to_json(),
    }
    files = {name: text.encode() for name, text in pages.items()}
    # Contact list and reference rows stay in the home: a tracking server's readers may not be allowed to read about customers.
    attach_files(find_home(), version, files, card=churn_model_card(inputs))
    files |= {f"{_PLOTS}/{name}.png": image for name, image in {**images, **insights.plots}.items()}
    release = keep_release(find_home(), bundle, files | {"contact_list.csv": _csv(contacts)}, {REFERENCE: reference.files[0]})
    html = [HTMLString(pages[name]) for name in ("model_card.html", "business_insights.html")]
    return MarkdownString(churn_model_card(inputs)), html[0], html[1], release


def _training_facts(bundle: Bundle) -> dict[str, object]:
    model = load(bundle)
    facts: dict[str, object] = {"model": model.combination.reason}
    if model.lightgbm is not None:
        facts["LightGBM's trees"] = model.lightgbm.num_trees()
    if model.catboost is not None:
        facts["CatBoost's trees"] = int(model.catboost.tree_count_)
    line = model.combination.calibration
    facts["calibration"] = f"log-odds = {line.intercept:.3f} + {line.slope:.3f} * score"
    return facts


def _csv(table: Table) -> bytes:
    stream = io.BytesIO()
    pyarrow.csv.write_csv(table.read(), stream)
    return stream.getvalue()
