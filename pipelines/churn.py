"""The churn pipeline: from raw customers to a registered, explained, fair model with its card, insights and contact list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml import pipeline

from fusionguard.config import AFTERWARDS, without_afterwards
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.cross_validation import CrossValidation
from pipelines.summary import Report
from steps.churn.build_churn_model import build_churn_model
from steps.churn.cross_validate import cross_validate
from steps.churn.evaluate_churn import evaluate_churn
from steps.churn.explain_churn import explain_churn
from steps.churn.gate_churn import gate_churn
from steps.churn.keep_churn_reference import keep_churn_reference
from steps.churn.refit_churn_model import refit_churn_model
from steps.churn.train_catboost import train_catboost
from steps.churn.train_lightgbm import train_lightgbm
from steps.churn.tune_models import tune_models
from steps.churn.write_churn_card import write_churn_card
from steps.data.build_features import build_features
from steps.data.check_feature_table import check_feature_table
from steps.data.check_raw_data import check_raw_data
from steps.data.load_data import load_data
from steps.data.plan_holdout import plan_holdout
from steps.data.report_bias import report_bias
from steps.pipeline_options import pipeline_options
from steps.release.record_model import record_model
from steps.release.register_model import register_model
from steps.release.release_model import release_model
from steps.release.update_index import update_index

if TYPE_CHECKING:
    from pipelines.runner import RunOutputs


@pipeline(**pipeline_options("churn"))
def churn(config: ChurnConfig, source_fingerprint: str) -> None:
    """Compose the steps; ZenML runs them in the order their inputs allow."""
    serving, config = config.serving, without_afterwards(config)
    seed = config.seed
    raw, provenance = load_data("churn", config.data.source, config.data.rows, seed, source_fingerprint)
    raw_contract, _ = check_raw_data(raw, provenance)
    features, manifest = build_features(raw, provenance, raw_contract, config.data.engine)
    feature_contract, _ = check_feature_table(features, manifest)
    bias = report_bias(features, manifest)
    holdout = plan_holdout(features, manifest, feature_contract, config.holdout, seed)

    settings = tune_models(features, holdout, config.lightgbm, config.catboost, config.tuning, seed)
    out_of_fold, cross_validation = cross_validate(features, holdout, settings, seed)
    lightgbm = train_lightgbm(features, holdout, settings, seed)
    catboost = train_catboost(features, holdout, settings, seed)
    evaluated = build_churn_model(
        features, holdout, lightgbm, catboost, out_of_fold, cross_validation, settings, provenance, config
    )
    evaluation, evaluation_plots = evaluate_churn(evaluated, features, holdout, out_of_fold, cross_validation, config)
    importance, explanation_plots, contacts = explain_churn(evaluated, features, holdout, raw, config)

    # What is measured and kept to compare with is of the model that has not seen the test slice; what is used may have.
    bundle = refit_churn_model(evaluated, features, settings, config) if config.refit else evaluated
    reference = keep_churn_reference(evaluated, features, holdout, seed)
    logged = config.model_dump(mode="json", exclude=set(AFTERWARDS))
    version = register_model(bundle, evaluation, evaluation_plots, explanation_plots, provenance, settings, logged)
    verdict = gate_churn(version, bundle, evaluation, features, holdout, config)
    *_, card = write_churn_card(
        bundle=bundle,
        version=version,
        verdict=verdict,
        evaluation=evaluation,
        importance=importance,
        contacts=contacts,
        bias=bias,
        provenance=provenance,
        features=features,
        manifest=manifest,
        holdout=holdout,
        settings=settings,
        reference=reference,
        evaluation_plots=evaluation_plots,
        explanation_plots=explanation_plots,
        config=config,
    )
    if serving.release != "none":
        release_model(bundle, verdict, card, serving)
    record_model(version, evaluation, verdict, provenance, card)
    update_index(after="write_churn_card")


def _folds(comparison: CrossValidation) -> str:
    own = comparison.models[comparison.chosen]
    read = f"ROC AUC {own[ROC_AUC].text()}, average precision {own[AVERAGE_PRECISION].text()}"
    return (
        f"Folds   {comparison.chosen}, {comparison.folds} folds {comparison.repeats} times over {comparison.rows:,} rows: {read}"
    )


PIPELINE = churn
_REFITTED = "Refit   the delivered model is fitted on all customers; every number is of the same model without the test slice"
_FILES = {"insights": "business_insights.html", "contacts": "contact_list.csv"}


def report(outputs: RunOutputs) -> Report:
    """Return what the end of a run tells."""
    evaluation = outputs.load("evaluate_churn", "churn_evaluation")
    refitted = (_REFITTED,) if outputs.ran("refit_churn_model") else ()
    version = outputs.load("register_model", "churn_version")
    release = outputs.load("write_churn_card", "churn_release")
    searched = outputs.load("tune_models", "churn_training_settings").searched
    return Report(
        data=outputs.load("load_data", "churn_provenance"),
        table=evaluation.table_rows(),
        gate=outputs.load("gate_churn", "churn_verdict").model_dump(mode="json"),
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
