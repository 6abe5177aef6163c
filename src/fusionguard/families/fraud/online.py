"""The fraud model as it answers requests: single transactions through ONNX Runtime, batches through XGBoost."""

from __future__ import annotations

from dataclasses import replace
from math import tanh
from typing import Any

import numpy as np

from fusionguard.evaluation.explanation import Explanation
from fusionguard.families.fraud.model import ACCEPT, AUTOENCODER_ONNX, BOOSTER_ONNX, REVIEW, FraudModel
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.families.online import REASONS_TOLD, Answer, Answers, Contributions, OnlineModel
from fusionguard.families.online_batches import answer_batch
from fusionguard.families.request_fields import Columns
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import read_features


class OnlineFraudModel(OnlineModel):
    """ONNX Runtime for one row, XGBoost for many; the two agree to 1e-5 in log-odds."""

    def __init__(self, model: FraudModel) -> None:
        self.model = model
        self._maker = FeatureMaker(read_features(model.bundle, FRAUD_FEATURES))
        self._amount = self._maker.place("Amount")
        folder = model.bundle.folder
        # The same trees, told to explain one row on the calling thread: waking another costs more than it does.
        self._single = replace(model, booster=model.booster.copy())
        self._single.booster.set_param({"nthread": 1})
        self._booster = _single_row_session((folder / BOOSTER_ONNX).read_bytes())
        self._autoencoder = _single_row_session((folder / AUTOENCODER_ONNX).read_bytes())
        # Batches and explanations go through sessions of their own, opened from the folder at the first use.
        self.many(FRAUD_TRAITS.request_fields.columns(FRAUD_TRAITS.example))
        self._explain([0.0] * len(MODEL_FEATURES))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked transaction without reasons."""
        features = self._maker.one(values)
        x = np.array([features], dtype=np.float32)
        fusion, policy, amount = self.model.fusion, self.model.policy, features[self._amount]
        score = fusion.intercept + fusion.booster * float(self._booster.run(["margins"], {"features": x})[0][0, 1])
        if fusion.uses_autoencoder:
            score += fusion.autoencoder * float(self._autoencoder.run(["log_error"], {"features": x})[0][0, 0])
        probability = 0.5 * (1.0 + tanh(0.5 * score))
        saving = probability * amount - policy.review_cost
        flagged = saving > policy.minimum_expected_saving
        told = (score, probability, REVIEW if flagged else ACCEPT, saving, "")
        return Answer(told, features, policy.reason(probability, amount), flagged)

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with the names that raise the transaction's risk most."""
        return answer.with_reasons(self._explain(answer.features).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self._maker.many(columns)
        values, unexplained = answer_batch(FRAUD_TRAITS, self.model, features)
        amounts = columns["Amount"].tolist()
        reason = self.model.policy.reason
        whys = [reason(*pair) for pair in zip(values["probability"].to_pylist(), amounts, strict=True)]
        return Answers(values, features, whys, unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked transaction."""
        answer = self.one(values)
        explanation = self._explain(answer.features)
        return Contributions(answer, explanation.names, explanation.contributions[0].tolist(), explanation.base)

    def _explain(self, features: list[Any]) -> Explanation:
        return self._single.explain_matrix(np.array([features], dtype=np.float32))


def _single_row_session(model: bytes) -> Any:
    """Open a session that runs on the thread that calls it: for one row, waking another costs more than the work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
