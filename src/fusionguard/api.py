"""What a notebook or a script may rely on: every name here is kept, or changed on purpose (examples/README.md lists them).

A name is imported from its module when it is first asked for: who only scores never loads what trains.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionguard.config import load_config as load_config
    from fusionguard.data.contract_page import contract_page as contract_page
    from fusionguard.data.contract_report import ContractReport as ContractReport
    from fusionguard.data.provenance import Provenance as Provenance
    from fusionguard.data.source import RawData as RawData
    from fusionguard.data.table import Table as Table
    from fusionguard.datasets.contracts import check_raw as check_raw
    from fusionguard.datasets.described import read_dataset as read_dataset
    from fusionguard.datasets.resolve_source import read_data as read_data
    from fusionguard.errors import BundleError as BundleError
    from fusionguard.errors import DataError as DataError
    from fusionguard.errors import FusionGuardError as FusionGuardError
    from fusionguard.errors import StorageError as StorageError
    from fusionguard.errors import UsageError as UsageError
    from fusionguard.evaluation.holdout import HoldoutPlan as HoldoutPlan
    from fusionguard.evaluation.holdout import plan_holdout as plan_holdout
    from fusionguard.evaluation.planned_rows import PlannedRows as PlannedRows
    from fusionguard.evaluation.planned_rows import planned_rows as planned_rows
    from fusionguard.evaluation.splits import SplitPlan as SplitPlan
    from fusionguard.evaluation.splits import plan_split as plan_split
    from fusionguard.families.churn.build import build_churn_bundle as build_churn_bundle
    from fusionguard.families.churn.catboost_model import train_catboost as train_catboost
    from fusionguard.families.churn.config import ChurnConfig as ChurnConfig
    from fusionguard.families.churn.contacts import contact_list as contact_list
    from fusionguard.families.churn.lightgbm_model import train_lightgbm as train_lightgbm
    from fusionguard.families.churn.out_of_fold import choose_model as choose_model
    from fusionguard.families.churn.out_of_fold import score_out_of_fold as score_out_of_fold
    from fusionguard.families.churn.reading import evaluate_churn_model as evaluate_churn_model
    from fusionguard.families.churn.refit import refit_churn_bundle as refit_churn_bundle
    from fusionguard.families.churn.report import ChurnReport as ChurnReport
    from fusionguard.families.churn.rows import CustomerRows as CustomerRows
    from fusionguard.families.churn.rows import read_customers as read_customers
    from fusionguard.families.fraud.autoencoder import train_autoencoder as train_autoencoder
    from fusionguard.families.fraud.boosting import train_booster as train_booster
    from fusionguard.families.fraud.build import build_fraud_bundle as build_fraud_bundle
    from fusionguard.families.fraud.config import FraudConfig as FraudConfig
    from fusionguard.families.fraud.reading import evaluate_fraud_model as evaluate_fraud_model
    from fusionguard.families.fraud.references import score_references as score_references
    from fusionguard.families.fraud.refit import refit_fraud_bundle as refit_fraud_bundle
    from fusionguard.families.fraud.report import EvaluationReport as EvaluationReport
    from fusionguard.families.scoring_model import ScoringModel as ScoringModel
    from fusionguard.features.contracts import check_features as check_features
    from fusionguard.features.store import FeatureManifest as FeatureManifest
    from fusionguard.features.store import FeatureSet as FeatureSet
    from fusionguard.features.store import build_features as build_features
    from fusionguard.models.bundle import Bundle as Bundle
    from fusionguard.scoring import load_model as load_model
    from fusionguard.scoring import score as score
    from fusionguard.scoring import score_file as score_file

_NAMES = {
    "fusionguard.config": ("load_config",),
    "fusionguard.datasets.contracts": ("check_raw",),
    "fusionguard.data.contract_page": ("contract_page",),
    "fusionguard.data.contract_report": ("ContractReport",),
    "fusionguard.data.provenance": ("Provenance",),
    "fusionguard.datasets.described": ("read_dataset",),
    "fusionguard.datasets.resolve_source": ("read_data",),
    "fusionguard.data.source": ("RawData",),
    "fusionguard.data.table": ("Table",),
    "fusionguard.errors": (
        "BundleError",
        "DataError",
        "FusionGuardError",
        "StorageError",
        "UsageError",
    ),
    "fusionguard.evaluation.holdout": (
        "HoldoutPlan",
        "plan_holdout",
    ),
    "fusionguard.evaluation.planned_rows": (
        "PlannedRows",
        "planned_rows",
    ),
    "fusionguard.families.churn.config": ("ChurnConfig",),
    "fusionguard.families.churn.report": ("ChurnReport",),
    "fusionguard.families.fraud.config": ("FraudConfig",),
    "fusionguard.families.fraud.report": ("EvaluationReport",),
    "fusionguard.evaluation.splits": (
        "SplitPlan",
        "plan_split",
    ),
    "fusionguard.features.contracts": ("check_features",),
    "fusionguard.features.store": (
        "FeatureManifest",
        "FeatureSet",
        "build_features",
    ),
    "fusionguard.models.bundle": ("Bundle",),
    "fusionguard.families.churn.build": ("build_churn_bundle",),
    "fusionguard.families.churn.catboost_model": ("train_catboost",),
    "fusionguard.families.churn.contacts": ("contact_list",),
    "fusionguard.families.churn.lightgbm_model": ("train_lightgbm",),
    "fusionguard.families.churn.out_of_fold": (
        "choose_model",
        "score_out_of_fold",
    ),
    "fusionguard.families.churn.reading": ("evaluate_churn_model",),
    "fusionguard.families.churn.refit": ("refit_churn_bundle",),
    "fusionguard.families.churn.rows": (
        "CustomerRows",
        "read_customers",
    ),
    "fusionguard.families.scoring_model": ("ScoringModel",),
    "fusionguard.families.fraud.autoencoder": ("train_autoencoder",),
    "fusionguard.families.fraud.boosting": ("train_booster",),
    "fusionguard.families.fraud.build": ("build_fraud_bundle",),
    "fusionguard.families.fraud.reading": ("evaluate_fraud_model",),
    "fusionguard.families.fraud.references": ("score_references",),
    "fusionguard.families.fraud.refit": ("refit_fraud_bundle",),
    "fusionguard.scoring": (
        "load_model",
        "score",
        "score_file",
    ),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
