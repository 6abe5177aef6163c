"""The churn model as it answers requests: LightGBM and CatBoost as they are, for one row and for many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.families.churn.bands import band_of
from fusionguard.families.churn.model import NO_OFFER, OFFER, ChurnModel
from fusionguard.families.churn.retention import Groups
from fusionguard.families.churn.rows import CATEGORIES, CustomerRows, group_names
from fusionguard.families.churn.traits import CHURN_TRAITS
from fusionguard.families.online import REASONS_TOLD, Answer, Answers, Contributions, OnlineModel
from fusionguard.families.online_batches import answer_batch
from fusionguard.families.request_fields import Columns
from fusionguard.features.churn import CHURN_FEATURES, MODEL_FEATURES, NUMERIC
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import read_features


class OnlineChurnModel(OnlineModel):
    """The models that batches are scored with answer single customers, too."""

    def __init__(self, model: ChurnModel) -> None:
        self.model = model
        self._maker = FeatureMaker(read_features(model.bundle, CHURN_FEATURES))
        self._balance = self._maker.place("Balance")
        self.many(CHURN_TRAITS.request_fields.columns(CHURN_TRAITS.example))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked customer without reasons."""
        features = self._maker.one(values)
        customers, policy, balance = _customers(features), self.model.policy, features[self._balance]
        scores = self.model.score_customers(customers)
        balances = np.array([balance], dtype=np.float64)
        groups = self._groups(features)
        offered = bool(policy.decide(scores.probability, balances, groups)[0])
        profit = float(policy.expected_profit(scores.probability, balances)[0])
        score, probability = float(scores.score[0]), float(scores.probability[0])
        band = str(band_of(scores.probability)[0])
        group = str(groups[policy.group_attribute][0]) if groups and policy.group_attribute else None
        why = policy.reason(probability, balance, group)
        return Answer((score, probability, OFFER if offered else NO_OFFER, profit, band, ""), features, why, offered)

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with what drives the customer away, in words."""
        return answer.with_reasons(self.model.explain_customers(_customers(answer.features)).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self._maker.many(columns)
        values, unexplained = answer_batch(CHURN_TRAITS, self.model, features)
        return Answers(values, features, self._whys(values, features), unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked customer."""
        answer = self.one(values)
        *contributions, base = self.model.contributions(_customers(answer.features))[0].tolist()
        return Contributions(answer, MODEL_FEATURES, contributions, base)

    def _whys(self, values: pa.Table, rows: pa.Table) -> list[str]:
        policy = self.model.policy
        attribute = policy.group_attribute
        groups = group_names(rows, attribute)[attribute].tolist() if attribute else [None] * rows.num_rows
        pairs = zip(values["probability"].to_pylist(), rows["Balance"].to_pylist(), groups, strict=True)
        return [policy.reason(*each) for each in pairs]

    def _groups(self, features: list[Any]) -> Groups | None:
        attribute = self.model.policy.group_attribute
        if attribute is None:
            return None
        row = dict(zip(MODEL_FEATURES, features, strict=True))
        return group_names(pa.table({name: [row[name]] for name in ("Age", "Gender", "Geography")}), attribute)


def _customers(features: list[Any]) -> CustomerRows:
    """Return one customer, given by the model features in their order, as models read them."""
    codes = [known.index(value) for known, value in zip(CATEGORIES.values(), features[len(NUMERIC) :], strict=True)]
    return CustomerRows(np.array([features[: len(NUMERIC)]], dtype=np.float64), np.array([codes], dtype=np.int32))
