"""The churn pipeline: from raw customers to a registered, explained, fair model with its card, insights and contact list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml import pipeline

from fusionguard.config import plain_settings, set_ones, without_afterwards
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.families.churn.config import ChurnConfig
from pipelines.spark_setup import windows_engine
from pipelines.summary import Report
from steps.churn.build_churn_model import build_churn_model
from steps.churn.cross_validate import cross_validate
from steps.churn.train_catboost import train_catboost
from steps.churn.train_lightgbm import train_lightgbm
from steps.churn.tune_models import tune_models
from steps.data.build_features import build_features
from steps.data.check_feature_table import check_feature_table
from steps.data.check_raw_data import check_raw_data
from steps.data.load_data import load_data
from steps.data.plan_holdout import plan_holdout
from steps.data.report_bias import report_bias
from steps.model.evaluate_model import evaluate_model
from steps.model.explain_model import explain_model
from steps.model.keep_reference import keep_reference
from steps.model.refit_model import refit_model
from steps.pipeline_options import pipeline_options
from steps.release.gate import gate
from steps.release.record_model import record_model
from steps.release.register_model import register_model
from steps.release.release_model import release_model
from steps.release.update_index import update_index
from steps.release.write_model_card import write_model_card

if TYPE_CHECKING:
    from pipelines.runner import RunOutputs


@pipeline(**pipeline_options("churn"))
def churn(config: ChurnConfig, declaration: str, source: str, source_fingerprint: str, own_sql: str = "") -> None:
    """Compose the steps; ZenML runs them in the order their inputs allow."""
    serving, config = config.serving, without_afterwards(config)
    seed = config.seed
    windows = windows_engine(declaration, own_sql, config.data.engine)
    raw, provenance, dataset = load_data(
        declaration, source, config.data.rows, seed, source_fingerprint, 1 - config.holdout.test, own_sql, windows
    )
    raw_contract, _ = check_raw_data(raw, provenance, dataset)
    features, manifest = build_features(raw, provenance, dataset, raw_contract, config.data.engine)
    feature_contract, _ = check_feature_table(features, manifest)
    bias = report_bias(features, manifest)
    holdout = plan_holdout(features, manifest, feature_contract, set_ones(config.holdout), seed)

    settings = tune_models(features, manifest, holdout, set_ones(config.lightgbm), set_ones(config.catboost), config.tuning, seed)
    out_of_fold, cross_validation = cross_validate(features, manifest, holdout, settings, seed)
    lightgbm = train_lightgbm(features, manifest, holdout, settings, seed)
    catboost = train_catboost(features, manifest, holdout, settings, seed)
    evaluated = build_churn_model(
        features, manifest, holdout, lightgbm, catboost, out_of_fold, cross_validation, settings, provenance, config
    )
    read_by = plain_settings(config, "seed", "evaluation", "retention", "fairness")
    evaluation, evaluation_plots = evaluate_model(evaluated, features, manifest, holdout, out_of_fold, read_by, cross_validation)
    importance, explanation_plots, flagged = explain_model(
        evaluated, features, manifest, holdout, raw, config.evaluation.shap_rows, seed
    )

    # What is measured and kept to compare with is of the model that has not seen the test slice; what is used may have.
    given = plain_settings(config)
    bundle = refit_model(evaluated, features, manifest, holdout, settings, given) if config.refit else evaluated
    reference = keep_reference(evaluated, bundle, features, manifest, holdout, seed)
    version = register_model(bundle, evaluation, evaluation_plots, explanation_plots, provenance, settings, given)
    verdict = gate(version, bundle, evaluation, features, manifest, holdout, config.gate, seed)
    *_, card = write_model_card(
        bundle=bundle,
        version=version,
        verdict=verdict,
        evaluation=evaluation,
        importance=importance,
        flagged=flagged,
        bias=bias,
        provenance=provenance,
        features=features,
        manifest=manifest,
        plan=holdout,
        settings=settings,
        reference=reference,
        evaluation_plots=evaluation_plots,
        explanation_plots=explanation_plots,
        config=given,
    )
    if serving.release != "none":
        release_model(bundle, verdict, card, serving)
    record_model(version, evaluation, verdict, provenance, card)
    update_index(after="write_model_card")


def _folds(comparison: CrossValidation) -> str:
    own = comparison.models[comparison.chosen]
    read = f"ROC AUC {own[ROC_AUC].text()}, average precision {own[AVERAGE_PRECISION].text()}"
    times = "" if comparison.repeats == 1 else f" {comparison.repeats} times"
    return f"Folds   {comparison.chosen}, {comparison.folds} folds{times} over {comparison.rows:,} rows: {read}"


PIPELINE = churn
_REFITTED = "Refit   the delivered model is fitted on all customers; every number is of the same model without the test slice"


def report(outputs: RunOutputs) -> Report:
    """Return what the end of a run tells."""
    evaluation = outputs.load("evaluate_model", "churn_evaluation")
    refitted = (_REFITTED,) if outputs.ran("refit_model") else ()
    version = outputs.load("register_model", "churn_version")
    release = outputs.load("write_model_card", "churn_release")
    searched = outputs.load("tune_models", "churn_training_settings").searched
    return Report(
        data=outputs.load("load_data", "churn_provenance"),
        table=evaluation.table_rows(),
        gate=outputs.load("gate", "churn_verdict").model_dump(mode="json"),
        bundle=release.bundle,
        model_version=version.bundle_sha256[:12],
        registered_as=f"{version.name} version {version.version}",
        mlflow_run=version.run_id,
        model_card=release.card,
        serving=outputs.load("release_model", "churn_handover") if outputs.ran("release_model") else None,
        notes=(
            *(f"Search  {sentence}" for sentence in searched),
            _folds(evaluation.cross_validation),
            *refitted,
            *evaluation.fairness.sentences(),
        ),
        cross_validation=evaluation.cross_validation.models,
        files={
            "insights": release.card.with_name("business_insights.html"),
            "contacts": release.card.with_name("contact_list.csv"),
        },
    )
