"""The fraud model as it is used: load a bundle, score rows, decide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import xgboost as xgb
from numpy.typing import NDArray
from pydantic import ValidationError

from fusionguard.datasets.history_words import HistoryWords
from fusionguard.errors import BundleError
from fusionguard.evaluation.explanation import Explanation, Wording
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.family import FamilyTraits
from fusionguard.families.fraud.fusion import Fusion
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.rows import Encoding, amounts
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.families.fraud.wording import wording_of
from fusionguard.families.of_bundle import family_of, history_words
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import FEATURES, read_features

if TYPE_CHECKING:
    import pandas as pd

BOOSTER, BOOSTER_ONNX, AUTOENCODER_ONNX = "booster.ubj", "booster.onnx", "autoencoder.onnx"
CALIBRATION, POLICY = "calibration.json", "policy.json"

REVIEW, ACCEPT = FRAUD_TRAITS.flagged, "accept"

RECONSTRUCTION_ERROR = "reconstruction error"


@dataclass(frozen=True)
class Scores:
    """``score`` (n,) float64, calibrated log-odds to rank by; ``probability`` (n,) float64, calibrated to the real prior."""

    score: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class FraudModel:
    """A loaded bundle; make one with :func:`load`."""

    bundle: Bundle
    booster: xgb.Booster
    fusion: Fusion
    policy: DecisionPolicy
    family: FamilyTraits = FRAUD_TRAITS
    """The family on the data set that the model was made of."""
    evaluated: bool = False
    """Whether it is the model that the test slice was read with, where the bundle was refitted since."""
    past: HistoryWords | None = None
    """Tells features of what happened before; None where it reads none."""

    @property
    def version(self) -> str:
        """The first 12 digits of the bundle's SHA-256."""
        return self.bundle.version

    @property
    def trees(self) -> int:
        """How many trees the booster has; a round of it may have several."""
        booster = json.loads(self.booster.save_config())["learner"]["gradient_booster"]
        return int(booster["gbtree_model_param"]["num_trees"])

    @cached_property
    def encoding(self) -> Encoding:
        """How rows of features become a matrix."""
        return Encoding.of(self.family.features)

    @cached_property
    def _wording(self) -> Wording:
        return wording_of(self.family.features, self.encoding, self.past)

    def score(self, rows: pa.Table, engine: Literal["native", "onnx"] = "native") -> Scores:
        """Score rows that hold the model's features; ``native`` suits batches, ``onnx`` single rows, and both agree to 1e-5.

        Raises
        ------
        BundleError
            The bundle has no trees in ONNX, because they read categories.
        """
        x = self.encoding.matrix(rows)
        margin = self.margins(x) if engine == "native" else self._booster_session.run(["margins"], {"features": x})[0][:, 1]
        logit = self.fusion.logit(np.asarray(margin, dtype=np.float64), self.log_errors(x))
        return Scores(logit, sigmoid(logit))

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        """Score and decide raw rows in the data set's own columns, checked as a file of them is: see :meth:`answer_features`."""
        return self.answer_features(self.family.make_features(rows), reasons=reasons)

    def answer_features(self, rows: pa.Table, *, reasons: int = 0) -> pa.Table:
        """Score and decide: for each of ``rows``, which hold the model's features, one row of the family's ``outputs``.

        ``score`` ranks (calibrated log-odds); ``probability`` is calibrated to the real prior; ``decision`` is ``review`` (an
        alert) or ``accept``; ``expected_saving`` is what a review is expected to save, in the currency of the amounts;
        ``reasons`` names what raises the risk of an alert most, at most so many names, and is empty otherwise.
        """
        scores = self.score(rows)
        amount = amounts(rows, self.family.features)
        review = self.policy.decide(scores.probability, amount)
        columns = [
            pa.array(scores.score),
            pa.array(scores.probability),
            pa.array(np.where(review, REVIEW, ACCEPT)),
            pa.array(self.policy.expected_saving(scores.probability, amount)),
            pa.array(self._reasons(rows, review, reasons), pa.string()),
        ]
        return pa.table(columns, schema=self.family.answer_columns)

    def explain(self, rows: pa.Table) -> Explanation:
        """Explain every one of ``rows``, which hold the features: milliseconds a row, so give a sample or flagged rows."""
        return self.explain_matrix(self.encoding.matrix(rows))

    def explain_matrix(self, x: np.ndarray) -> Explanation:
        """Explain rows that are a matrix (n, f) float32, as :attr:`encoding` makes it.

        Tree contributions are exact SHAP values (Lundberg et al. 2020, *Nature Machine Intelligence* 2:56, computed by
        XGBoost), scaled by the fusion's slope; the autoencoder counts as one more feature, against its mean on the calibration
        slice.
        """
        # Copied on this thread: waking others costs more than the copy, and up to 15 ms where they are busy.
        rows = xgb.DMatrix(x, nthread=1, **self.encoding.of_columns)
        trees = np.asarray(self.booster.predict(rows, pred_contribs=True), dtype=np.float64)
        contributions, values, names = self.fusion.booster * trees[:, :-1], x.astype(np.float64), self.encoding.names
        base = self.fusion.intercept + self.fusion.booster * float(trees[0, -1]) if len(x) else 0.0
        if self.fusion.uses_autoencoder:
            base += self.fusion.autoencoder * self.fusion.mean_log_error
            error = self.log_errors(x)
            contributions = np.column_stack([contributions, self.fusion.autoencoder * (error - self.fusion.mean_log_error)])
            values, names = np.column_stack([values, error]), (*names, RECONSTRUCTION_ERROR)
        return Explanation(contributions, values, names, base, self._wording)

    def _reasons(self, rows: pa.Table, review: NDArray[np.bool_], most: int) -> list[str]:
        reasons = [""] * rows.num_rows
        flagged = np.flatnonzero(review)
        if flagged.size and most:
            codes = self.explain(rows.take(flagged)).reasons(most)
            for row, names in zip(flagged, codes, strict=True):
                reasons[row] = "; ".join(names)
        return reasons

    def margins(self, x: np.ndarray) -> np.ndarray:
        """Return the booster's log-odds (n,) of a matrix (n, f)."""
        return np.asarray(self.booster.inplace_predict(x, predict_type="margin", validate_features=False), dtype=np.float64)

    def log_errors(self, x: np.ndarray) -> np.ndarray:
        """Return the autoencoder's log reconstruction errors (n,); zeros where the bundle does not use it."""
        if not self.fusion.uses_autoencoder:
            return np.zeros(len(x))
        return log_errors(self._autoencoder_session, x)

    @cached_property
    def _booster_session(self) -> Any:
        if BOOSTER_ONNX not in self.bundle.manifest.files:
            raise BundleError(f"The bundle '{self.bundle.folder.name}' has no {BOOSTER_ONNX}.", "Score with the native engine.")
        return open_session(self.bundle.file(BOOSTER_ONNX, evaluated=self.evaluated).read_bytes())

    @cached_property
    def _autoencoder_session(self) -> Any:
        return open_session((self.bundle.folder / AUTOENCODER_ONNX).read_bytes())


def load(bundle: Bundle, *, evaluated: bool = False) -> FraudModel:
    """Check a bundle and load its models; with ``evaluated``, those that the test slice was read with.

    Raises
    ------
    BundleError
        The bundle is damaged, is not a fraud model, or was made for other features.
    """
    bundle = Bundle.open(bundle.folder)
    if bundle.manifest.model != FRAUD_TRAITS.name:
        raise BundleError(f"The bundle '{bundle.folder.name}' holds a {bundle.manifest.model} model, not a fraud model.")
    family = family_of(bundle)
    _demand(bundle, BOOSTER, CALIBRATION, POLICY, FEATURES, *(() if Encoding.of(family.features).categories else (BOOSTER_ONNX,)))
    read_features(bundle, family.features)
    try:
        fusion = Fusion.model_validate(bundle.read_json(CALIBRATION))
        policy = DecisionPolicy.model_validate(bundle.read_json(POLICY))
    except ValidationError as error:
        raise BundleError(
            f"The bundle '{bundle.folder.name}' holds a {CALIBRATION} or {POLICY} that this version does not know.",
            "Train the model again with run.py.",
        ) from error
    if fusion.uses_autoencoder:
        _demand(bundle, AUTOENCODER_ONNX)
    booster = xgb.Booster(model_file=bytearray(bundle.file(BOOSTER, evaluated=evaluated).read_bytes()))
    return FraudModel(
        bundle=bundle,
        booster=booster,
        fusion=fusion,
        policy=policy,
        family=family,
        evaluated=evaluated,
        past=history_words(bundle),
    )


def _demand(bundle: Bundle, *files: str) -> None:
    missing = sorted(set(files) - set(bundle.manifest.files))
    if missing:
        raise BundleError(f"The bundle '{bundle.folder.name}' has no {missing[0]}.", "Train the model again with run.py.")


def training_facts(model: FraudModel) -> dict[str, int | str]:
    """Return what training found, by its name for people."""
    import onnx  # a service needs none of it

    from fusionguard.families.fraud.boosting import BOUNDED

    facts: dict[str, int | str] = {"boosted trees": model.trees}
    if (bound := model.booster.attr(BOUNDED)) is not None:
        facts["trees of a round"] = bound
    if AUTOENCODER_ONNX in model.bundle.manifest.files:
        autoencoder = {prop.key: prop.value for prop in onnx.load(model.bundle.folder / AUTOENCODER_ONNX).metadata_props}
        facts["autoencoder's bottleneck"] = autoencoder["latent_size"]
        if "rows" in autoencoder:
            facts["rows that the autoencoder learned from"] = autoencoder["rows"]
    return facts | {"fusion": model.fusion.reason}


def open_session(model: bytes) -> Any:
    """Open an ONNX Runtime session on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def log_errors(session: Any, x: np.ndarray) -> np.ndarray:
    """Run an autoencoder session on a matrix (n, f); return (n,) float64."""
    return np.asarray(session.run(["log_error"], {"features": x})[0][:, 0], dtype=np.float64)
