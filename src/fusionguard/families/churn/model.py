"""The churn model as it is used: a bundle in, calibrated probabilities, decisions and risk bands out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from fusionguard.datasets.history_words import HistoryWords
from fusionguard.errors import BundleError
from fusionguard.evaluation.explanation import Explanation, Wording
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.churn.bands import band_of
from fusionguard.families.churn.calibration import Platt
from fusionguard.families.churn.groups import column_of, group_names
from fusionguard.families.churn.retention import Groups, RetentionPolicy
from fusionguard.families.churn.rows import CustomerColumns, CustomerRows, amounts, customer_rows
from fusionguard.families.churn.traits import CHURN_TRAITS
from fusionguard.families.churn.wording import reason_wording
from fusionguard.families.family import REASONS
from fusionguard.families.of_bundle import family_of, history_words
from fusionguard.features.definition import FeatureDefinition, Segmentation
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import FEATURES, read_features

if TYPE_CHECKING:
    import pandas as pd

LIGHTGBM_FILE = "lightgbm.txt"
CATBOOST_FILE = "catboost.cbm"
CALIBRATION = "calibration.json"
POLICY = "policy.json"

OFFER, NO_OFFER = "offer", "none"

_REMEDY = "Train the model again with run.py."

Floats = NDArray[np.float64]


class Combination(BaseModel):
    """log-odds = calibration of (lightgbm * LightGBM's + catboost * CatBoost's log-odds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lightgbm: float
    catboost: float
    """Weights that add up to 1; 0 where the other model was better alone."""
    calibration: Platt
    chosen: str
    reason: str

    @model_validator(mode="after")
    def _whole(self) -> Combination:
        if min(self.lightgbm, self.catboost) < 0 or abs(self.lightgbm + self.catboost - 1) > 1e-9:
            raise ValueError("the weights of LightGBM and CatBoost must not be negative and must add up to 1")
        return self


@dataclass(frozen=True)
class Scores:
    """``score`` (n,) calibrated log-odds, what ranks; ``probability`` (n,) the calibrated probability of leaving."""

    score: Floats
    probability: Floats


@dataclass(frozen=True)
class ChurnModel:
    """A churn model loaded from its bundle; :func:`load` opens one."""

    bundle: Bundle
    combination: Combination
    policy: RetentionPolicy
    lightgbm: Any
    """The ``lightgbm.Booster``, or None where the combination does not use it."""
    catboost: Any
    """The ``catboost.CatBoost``, or None where the combination does not use it."""
    features: FeatureDefinition
    """What it reads: the features that its bundle was made with."""
    past: HistoryWords | None = None
    """Tells features of what happened before; None where it reads none."""

    @cached_property
    def columns(self) -> CustomerColumns:
        """The model features as the models read them."""
        return CustomerColumns.of(self.features)

    @cached_property
    def grouped_by(self) -> Segmentation | None:
        """The attribute whose groups have bars of their own; None where all have the same."""
        return next((cut for cut in self.features.attributes if cut.name == self.policy.group_attribute), None)

    @cached_property
    def _wording(self) -> Wording:
        return reason_wording(self.features, self.columns, self.past)

    @property
    def version(self) -> str:
        """The first 12 digits of the bundle's SHA-256."""
        return self.bundle.version

    def score(self, rows: pa.Table) -> Scores:
        """Score rows that hold the model features; raise :class:`DataError` for a category no model has seen."""
        return self.score_customers(customer_rows(rows, self.columns))

    def score_customers(self, customers: CustomerRows) -> Scores:
        """Score customers that have been read already."""
        logit = self.combination.calibration.logit(self._combine("margins", customers))
        return Scores(logit, sigmoid(logit))

    def contributions(self, customers: CustomerRows) -> Floats:
        """Return SHAP values (n, k + 1) in calibrated log-odds, in the order of the model features; the last is the base value.

        Tree SHAP is exact (Lundberg et al. 2020, *Nature Machine Intelligence* 2:56, computed by LightGBM and CatBoost), and
        weights and calibration are lines, so the sum over a row is its score to the last rounding.
        """
        line = self.combination.calibration
        values = line.slope * self._combine("contributions", customers)
        values[:, -1] += line.intercept
        return values

    def explain(self, rows: pa.Table) -> Explanation:
        """Explain every one of ``rows``, which hold the model features: about 0.1 ms a row."""
        return self.explain_customers(customer_rows(rows, self.columns))

    def explain_customers(self, customers: CustomerRows) -> Explanation:
        """Explain customers that have been read already."""
        contributions = self.contributions(customers)
        base = float(contributions[0, -1]) if customers.rows else 0.0
        return Explanation(contributions[:, :-1], customers.matrix(), self.columns.names, base, self._wording)

    def decide(self, scores: Scores, rows: pa.Table) -> NDArray[np.bool_]:
        """Return (n,) true where a customer of ``rows``, scored as ``scores``, gets an offer."""
        return self.policy.decide(scores.probability, amounts(rows, self.features), self._groups(rows))

    def bar(self, rows: pa.Table) -> Floats:
        """Return (n,) what an offer to each customer of ``rows`` must be expected to earn."""
        return self.policy.bar(rows.num_rows, self._groups(rows))

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        """Score and decide raw rows in the data set's own columns, checked as a file of them is: see :meth:`answer_features`."""
        return self.answer_features(family_of(self.bundle).make_features(rows), reasons=reasons)

    def answer_features(self, rows: pa.Table, *, reasons: int = 0) -> pa.Table:
        """Return the columns of ``CHURN_TRAITS.outputs``, a row for each of ``rows``; reasons only where there is an offer."""
        customers = customer_rows(rows, self.columns)
        scores = self.score_customers(customers)
        offered = self.decide(scores, rows)
        codes = [""] * rows.num_rows
        if reasons > 0 and offered.any():
            places = np.flatnonzero(offered)
            for place, words in zip(places, self.explain_customers(customers.take(places)).reasons(reasons), strict=True):
                codes[place] = "; ".join(words)
        columns = {
            "score": scores.score,
            "probability": scores.probability,
            "decision": np.where(offered, OFFER, NO_OFFER),
            "expected_profit": self.policy.expected_profit(scores.probability, amounts(rows, self.features)),
            "risk_band": band_of(scores.probability),
            REASONS: codes,
        }
        return pa.table({name: pa.array(columns[name], pa.type_for_alias(kind)) for name, kind in CHURN_TRAITS.outputs.items()})

    def _groups(self, rows: pa.Table) -> Groups | None:
        return None if self.grouped_by is None else {self.grouped_by.name: group_names(rows, self.grouped_by)}

    def _combine(self, what: str, customers: CustomerRows) -> Floats:
        """Return the weighted sum of ``margins`` or ``contributions`` of the models in use."""
        from fusionguard.families.churn import catboost_model, lightgbm_model

        parts = []
        if self.combination.lightgbm:
            parts.append(self.combination.lightgbm * getattr(lightgbm_model, what)(self.lightgbm, customers))
        if self.combination.catboost:
            parts.append(self.combination.catboost * getattr(catboost_model, what)(self.catboost, customers))
        return np.asarray(sum(parts), dtype=np.float64)


def load(bundle: Bundle, *, evaluated: bool = False) -> ChurnModel:
    """Open a churn bundle, whose files have been checked; with ``evaluated``, the model that the test slice was read with.

    Raises
    ------
    BundleError
        It holds another model, lacks a file, or was made for features that this version does not build.
    """
    name = bundle.folder.name
    if bundle.manifest.model != "churn":
        raise BundleError(f"The bundle '{name}' holds a {bundle.manifest.model} model, not a churn model.", _REMEDY)
    _demand(bundle, CALIBRATION, POLICY, FEATURES)
    features = read_features(bundle, family_of(bundle).features)
    try:
        combination = Combination.model_validate(bundle.read_json(CALIBRATION))
        policy = RetentionPolicy.model_validate(bundle.read_json(POLICY))
    except ValidationError as error:
        raise BundleError(
            f"The bundle '{name}' holds a {CALIBRATION} or {POLICY} that this version does not know.", _REMEDY
        ) from error
    used = {LIGHTGBM_FILE: combination.lightgbm, CATBOOST_FILE: combination.catboost}
    _demand(bundle, *(file for file, weight in used.items() if weight))
    if policy.group_margins and not any(_is_told(cut, policy, features) for cut in features.attributes):
        raise BundleError(f"The bundle '{name}' has bars by '{policy.group_attribute}', which no customer tells.", _REMEDY)
    lightgbm = catboost = None
    if combination.lightgbm:
        import lightgbm as lgb

        lightgbm = lgb.Booster(model_str=bundle.file(LIGHTGBM_FILE, evaluated=evaluated).read_text(encoding="utf-8"))
    if combination.catboost:
        from fusionguard.families.churn import catboost_model

        catboost = catboost_model.load(bundle.file(CATBOOST_FILE, evaluated=evaluated))
    return ChurnModel(
        bundle=bundle,
        combination=combination,
        policy=policy,
        lightgbm=lightgbm,
        catboost=catboost,
        features=features,
        past=history_words(bundle),
    )


def _demand(bundle: Bundle, *files: str) -> None:
    missing = sorted({*files} - {*bundle.manifest.files})
    if missing:
        raise BundleError(f"The bundle '{bundle.folder.name}' has no {missing[0]}.", _REMEDY)


def _is_told(cut: Segmentation, policy: RetentionPolicy, features: FeatureDefinition) -> bool:
    return cut.name == policy.group_attribute and column_of(cut) in features.model_features


def training_facts(model: ChurnModel) -> dict[str, Any]:
    """Return what training found, by its name for people."""
    facts: dict[str, Any] = {"model": model.combination.reason}
    if model.lightgbm is not None:
        facts["LightGBM's trees"] = model.lightgbm.num_trees()
    if model.catboost is not None:
        facts["CatBoost's trees"] = int(model.catboost.tree_count_)
    line = model.combination.calibration
    facts["calibration"] = f"log-odds = {line.intercept:.3f} + {line.slope:.3f} * score"
    return facts
