"""The fraud run's work on the domain alone: the same functions in the same order as ``pipelines/fraud.py``, without ZenML.

It makes the same bundle, registers it and writes its card; it lacks ZenML's record of the run: artifacts, lineage, the cache.

    python -m benchmarks.without_zenml OUTPUT_FOLDER --set data.rows=20000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path

import pyarrow.parquet as pq

from fusionguard.config import load_config
from fusionguard.data.contract_page import contract_page
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.errors import FusionGuardError
from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.explanation import sample_rows
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.card import FraudCardInputs, model_card
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.model import FraudModel, load
from fusionguard.families.fraud.plots import evaluation_plots
from fusionguard.families.fraud.reading import evaluate_fraud_model
from fusionguard.families.fraud.references import score_references
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.families.training_rows import TrainingRows
from fusionguard.features.bias import bias_report
from fusionguard.features.contracts import check_features
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.features.store import build_features
from fusionguard.files import write_json, write_text
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.packages import XGBOOST
from fusionguard.monitoring.reference_rows import FILE as REFERENCE
from fusionguard.monitoring.reference_rows import reference_rows
from fusionguard.registry.versions import RegisteredVersion

_SETTINGS = Path(__file__).resolve().parents[1] / "pipelines" / "fraud.yaml"
_LIBRARIES = ("fusionguard", XGBOOST, "torch", "onnxruntime", "duckdb", "scikit-learn", "mlflow")


class Clock:
    """Seconds per named step, in the order the steps came."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        begin = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begin


def main() -> int:
    """Run everything into a folder and write ``bundle/``, ``model_card.md``, ``model_card.html`` and ``steps.json`` there."""
    parser = argparse.ArgumentParser(description="The fraud run without ZenML, on simulated data.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    options = parser.parse_args()
    try:
        config = load_config(FraudConfig, [_SETTINGS], ["data.source=simulated", *options.set])
        seconds = run(config, options.folder.resolve())
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    write_json(options.folder / "steps.json", [{"name": name, "seconds": round(taken, 3)} for name, taken in seconds.items()])
    return 0


def run(config: FraudConfig, folder: Path) -> dict[str, float]:
    """Do the work into ``folder`` and return the seconds of each step, named as in the pipeline."""
    home, seed, clock = Home(folder / "home"), config.seed, Clock()
    with clock.step("load_data"):
        source = resolve_source(config.data.source, FRAUD, home, seed=seed, rows=config.data.rows)
        fetched = source.fetch(home.processed / "fraud" / source.fingerprint[:16])
        raw, provenance = fetched.table, fetched.provenance
    with clock.step("check_raw_data"):
        raw_contract = check_raw(raw, provenance)
        contract_page(raw_contract)
    with clock.step("build_features"):
        raw_contract.raise_if_broken()
        built = build_features(raw, provenance, config.data.engine, home.feature_store)
        features, manifest = built.table, built.manifest
    with clock.step("check_feature_table"):
        feature_contract = check_features(features, manifest)
        contract_page(feature_contract)
    with clock.step("report_bias"):
        bias_report(features, manifest).to_json()
    with clock.step("split_by_time"):
        feature_contract.raise_if_broken()
        split = plan_split(planned_rows(features, manifest.definition), config.split)

    weight, rows = manifest.negative_weight, TrainingRows(features, manifest, split)
    with clock.step("train_xgboost"):
        booster = train_booster(features, split, config.xgboost, negative_weight=weight, seed=seed)
    with clock.step("train_autoencoder"):
        from fusionguard.families.fraud.autoencoder import train_autoencoder

        autoencoder = train_autoencoder(features, split, config.autoencoder, negative_weight=weight, seed=seed)
    with clock.step("build_bundle"):
        bundle = build_fraud_bundle(
            folder / "bundle",
            features,
            split,
            booster,
            autoencoder,
            provenance=provenance,
            features_sha256=manifest.features_sha256,
            config=config,
        )
    with clock.step("score_references"):
        reference_scores = score_references(features, split, negative_weight=weight, seed=seed)
    with clock.step("evaluate_model"):
        evaluation = evaluate_fraud_model(
            bundle, features, split, reference_scores, config.evaluation, negative_weight=weight, seed=seed
        )
        plots = evaluation_plots(evaluation)
    with clock.step("explain_model"):
        model = load(bundle)
        importance, explanation_plots = _explain(model, features, split, config, simulated=manifest.simulated)

    with clock.step("keep_reference"):
        pq.write_table(reference_rows(model, rows, seed=seed), folder / REFERENCE)

    images = {**plots, **explanation_plots}
    with clock.step("register_model"):
        version = _register(home, bundle, evaluation, images, provenance, config)
    with clock.step("gate"):
        from fusionguard.registry.gate import pass_gate

        verdict = pass_gate(
            home,
            version,
            bundle,
            evaluation.gate_facts(),
            rows.compared,
            config.gate,
            samples=evaluation.bootstrap_samples,
            seed=seed,
        )
    with clock.step("write_model_card"):
        card = model_card(
            FraudCardInputs(
                uses_autoencoder=model.fusion.uses_autoencoder,
                provenance=provenance,
                features=manifest,
                plan=split,
                evaluation=evaluation,
                importance=tuple(importance),
                gate=verdict,
                config=config,
                versions={name: installed_version(name) for name in _LIBRARIES},
                bundle_sha256=bundle.sha256,
            )
        )
        write_text(folder / "model_card.md", card)
        write_text(folder / "model_card.html", card_html(card, images))
    with clock.step("update_index"):
        from fusionguard.assistant.index import build_index

        build_index(home, embed="if begun")
    return clock.seconds


def _explain(
    model: FraudModel, features: Table, split: SplitPlan, config: FraudConfig, *, simulated: bool
) -> tuple[list[tuple[str, float]], dict[str, bytes]]:
    test = features.read(list(MODEL_FEATURES), split.test.start, split.test.stop)
    explanation = model.explain(test.take(sample_rows(test.num_rows, config.evaluation.shap_rows, config.seed)))
    return explanation.importance(), shap_plots(explanation, simulated=simulated)


def _register(
    home: Home,
    bundle: Bundle,
    evaluation: EvaluationReport,
    images: dict[str, bytes],
    provenance: Provenance,
    config: FraudConfig,
) -> RegisteredVersion:
    from fusionguard.registry.register import register_bundle  # MLflow takes seconds to import

    settings = config.model_dump(mode="json")
    return register_bundle(home, bundle, metrics=evaluation.flat_metrics(), plots=images, provenance=provenance, config=settings)


if __name__ == "__main__":
    sys.exit(main())
