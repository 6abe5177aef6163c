"""The fraud pipeline: from raw transactions to a registered, explained, gated model with its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml import pipeline

from fusionguard.config import plain_settings, without_afterwards
from fusionguard.datasets.reading import parse_declaration
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.presets import settle_settings
from pipelines.spark_setup import windows_engine
from pipelines.summary import Report
from steps.data.build_features import build_features
from steps.data.check_feature_table import check_feature_table
from steps.data.check_raw_data import check_raw_data
from steps.data.load_data import load_data
from steps.data.report_bias import report_bias
from steps.data.split_by_time import split_by_time
from steps.fraud.build_bundle import build_bundle
from steps.fraud.score_references import score_references
from steps.fraud.train_autoencoder import train_autoencoder
from steps.fraud.train_xgboost import train_xgboost
from steps.fraud.tune_xgboost import tune_xgboost
from steps.fraud.validate_forward import validate_forward
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


@pipeline(**pipeline_options("fraud"))
def fraud(config: FraudConfig, declaration: str, source: str, source_fingerprint: str, own_sql: str = "") -> None:
    """Compose the steps; ZenML runs them in the order their inputs allow."""
    serving, config = config.serving, without_afterwards(config)
    seed = config.seed
    windows = windows_engine(declaration, own_sql, config.data.engine)
    raw, provenance, dataset = load_data(
        declaration, source, config.data.rows, seed, source_fingerprint, config.split.train, own_sql, windows
    )
    raw_contract, _ = check_raw_data(raw, provenance, dataset)
    features, manifest = build_features(raw, provenance, dataset, raw_contract, config.data.engine)
    feature_contract, _ = check_feature_table(features, manifest)
    bias = report_bias(features, manifest)
    split = split_by_time(features, manifest, feature_contract, config.split)

    declared = parse_declaration(declaration, sql=own_sql or None).declaration
    settings = settle_settings(declared, config.xgboost)
    if config.tuning.trials > 0:
        settings = tune_xgboost(features, manifest, split, settings.part("xgboost", XGBoostConfig), config.tuning, seed)
    folds = {}
    if declared.validation is not None and config.prequential.run:
        samples = config.evaluation.bootstrap_samples
        prequential, _ = validate_forward(features, manifest, split, settings, config.prequential, samples, seed)
        folds = {"prequential": prequential}
    booster = train_xgboost(features, manifest, split, settings, seed)
    autoencoder = train_autoencoder(features, manifest, split, config.autoencoder, seed)
    evaluated = build_bundle(features, manifest, split, booster, autoencoder, settings, provenance, config)
    reference_scores = score_references(features, manifest, split, seed)
    read_by = plain_settings(config, "seed", "evaluation")
    evaluation, evaluation_plots = evaluate_model(evaluated, features, manifest, split, reference_scores, read_by)
    importance, explanation_plots, flagged = explain_model(
        evaluated, features, manifest, split, raw, config.evaluation.shap_rows, seed
    )

    # What is measured and kept to compare with is of the model that has not seen the test slice; what is used may have.
    given = plain_settings(config)
    bundle = refit_model(evaluated, features, manifest, split, settings, given) if config.refit else evaluated
    reference = keep_reference(evaluated, bundle, features, manifest, split, seed)
    version = register_model(bundle, evaluation, evaluation_plots, explanation_plots, provenance, settings, given)
    verdict = gate(version, bundle, evaluation, features, manifest, split, config.gate, seed)
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
        plan=split,
        reference=reference,
        settings=settings,
        evaluation_plots=evaluation_plots,
        explanation_plots=explanation_plots,
        config=given,
        **folds,
    )
    if serving.release != "none":
        release_model(bundle, verdict, card, serving)
    record_model(version, evaluation, verdict, provenance, card)
    update_index(after="write_model_card")


PIPELINE = fraud


def report(outputs: RunOutputs) -> Report:
    """Return what the end of a run tells."""
    evaluation = outputs.load("evaluate_model", "fraud_evaluation")
    version = outputs.load("register_model", "fraud_version")
    release = outputs.load("write_model_card", "fraud_release")
    searched = outputs.load("tune_xgboost", "fraud_booster_settings").searched if outputs.ran("tune_xgboost") else ()
    folds = outputs.load("validate_forward", "fraud_prequential") if outputs.ran("validate_forward") else None
    return Report(
        data=outputs.load("load_data", "fraud_provenance"),
        table=evaluation.table_rows(),
        gate=outputs.load("gate", "fraud_verdict").model_dump(mode="json"),
        bundle=release.bundle,
        model_version=version.bundle_sha256[:12],
        registered_as=f"{version.name} version {version.version}",
        mlflow_run=version.run_id,
        model_card=release.card,
        serving=outputs.load("release_model", "fraud_handover") if outputs.ran("release_model") else None,
        notes=(*(f"Search  {sentence}" for sentence in searched), *(() if folds is None else (f"Folds   {folds.sentence()}",))),
        cross_validation={} if folds is None else folds.mean,
    )
