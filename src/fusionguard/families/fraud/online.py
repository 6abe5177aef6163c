"""The fraud model as it answers requests: single transactions through ONNX Runtime, batches through XGBoost.

Trees that read categories have no ONNX graph; single transactions go through them on the calling thread.
"""

from __future__ import annotations

from dataclasses import replace
from math import tanh
from typing import Any

import numpy as np

from fusionguard.evaluation.explanation import Explanation
from fusionguard.families.fraud.model import ACCEPT, AUTOENCODER_ONNX, BOOSTER_ONNX, REVIEW, FraudModel
from fusionguard.families.fraud.rows import amounts
from fusionguard.families.fraud.single_margin import SingleMargin
from fusionguard.families.online import REASONS_TOLD, Answer, Answers, Contributions, OnlineModel
from fusionguard.families.online_batches import answer_batch
from fusionguard.families.request_fields import Columns
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import read_features


class OnlineFraudModel(OnlineModel):
    """ONNX Runtime for one row, XGBoost for many; the two agree to 1e-5 in log-odds."""

    def __init__(self, model: FraudModel) -> None:
        self.model = model
        self._family, self._encoding = model.family, model.encoding
        definition = read_features(model.bundle, self._family.features)
        self._maker = FeatureMaker(definition)
        self._amount = None if definition.amount is None else self._maker.place(definition.amount)
        folder, files = model.bundle.folder, model.bundle.manifest.files
        # The same trees, told to work for one row on the calling thread: waking another costs more than it does.
        self._single = replace(model, booster=model.booster.copy())
        self._single.booster.set_param({"nthread": 1})
        self._booster = _single_row_session((folder / BOOSTER_ONNX).read_bytes()) if BOOSTER_ONNX in files else None
        self._native = SingleMargin(self._single.booster)
        uses_autoencoder = model.fusion.uses_autoencoder
        self._autoencoder = _single_row_session((folder / AUTOENCODER_ONNX).read_bytes()) if uses_autoencoder else None
        # Batches and explanations go through sessions of their own, opened from the folder at the first use.
        self._explain([column[0].as_py() for column in self.many(_blank(definition)).features.itercolumns()])

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked transaction without reasons."""
        features = self._maker.one(values)
        x = self._encoding.one(features)
        fusion, policy = self.model.fusion, self.model.policy
        score = fusion.intercept + fusion.booster * self._margin(x)
        if self._autoencoder is not None:
            score += fusion.autoencoder * float(self._autoencoder.run(["log_error"], {"features": x})[0][0, 0])
        probability = 0.5 * (1.0 + tanh(0.5 * score))
        amount = None if self._amount is None else features[self._amount]
        saving = probability * policy.loss_of(amount) - policy.review_cost
        flagged = saving > policy.minimum_expected_saving
        told = (score, probability, REVIEW if flagged else ACCEPT, saving, "")
        return Answer(told, features, policy.reason(probability, amount), flagged)

    def _margin(self, x: np.ndarray) -> float:
        if self._booster is None:
            return self._native(x)
        return float(self._booster.run(["margins"], {"features": x})[0][0, 1])

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with the names that raise the transaction's risk most."""
        return answer.with_reasons(self._explain(answer.features).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self._maker.many(columns)
        values, unexplained = answer_batch(self._family, self.model, features)
        reason, told = self.model.policy.reason, amounts(features, self._family.features).tolist()
        whys = [reason(*pair) for pair in zip(values["probability"].to_pylist(), told, strict=True)]
        return Answers(values, features, whys, unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked transaction."""
        answer = self.one(values)
        explanation = self._explain(answer.features)
        added = explanation.contributions[0].tolist()
        return Contributions(answer, explanation.names, added, explanation.base, explanation.in_words())

    def _explain(self, features: list[Any]) -> Explanation:
        return self._single.explain_matrix(self._encoding.one(features))


def _blank(definition: FeatureDefinition) -> Columns:
    """Return a row that could come: numbers as near to 0 as they may be, and of each text the first known value."""
    columns: Columns = {name: np.array([min(max(0.0, low), high)]) for name, (low, high) in definition.limits.items()}
    columns |= {name: np.array([next(iter(known), None)], dtype=object) for name, known in definition.known.items()}
    return columns | {name: np.array([np.nan]) for name in definition.past}


def _single_row_session(model: bytes) -> Any:
    """Open a session that runs on the thread that calls it: for one row, waking another costs more than the work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
