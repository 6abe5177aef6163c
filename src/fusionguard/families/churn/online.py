"""The churn model as it answers requests: LightGBM and CatBoost as they are, for one row and for many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.families.churn.bands import band_of
from fusionguard.families.churn.groups import column_of, group_names
from fusionguard.families.churn.model import NO_OFFER, OFFER, ChurnModel
from fusionguard.families.churn.rows import NO_CODE, CustomerRows, amounts
from fusionguard.families.of_bundle import family_of
from fusionguard.families.online import REASONS_TOLD, Answer, Answers, Contributions, OnlineModel
from fusionguard.families.online_batches import answer_batch
from fusionguard.families.request_fields import Columns
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle


class OnlineChurnModel(OnlineModel):
    """The models that batches are scored with answer single customers, too."""

    def __init__(self, model: ChurnModel) -> None:
        self.model = model
        self._family = family_of(model.bundle)
        definition = model.features
        self._maker = FeatureMaker(definition)
        self._amount = None if definition.amount is None else self._maker.place(definition.amount)
        self._codes = [{value: code for code, value in enumerate(known)} for known in model.columns.categories.values()]
        self.many(self._family.request_fields.columns(self._family.example))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked customer without reasons."""
        features = self._maker.one(values)
        customers, policy, amount = self._customers(features), self.model.policy, self._amount_of(features)
        scores = self.model.score_customers(customers)
        given = np.array([amount], dtype=np.float64)
        group = self._group(features)
        groups = None if group is None else {str(policy.group_attribute): np.array([group])}
        offered = bool(policy.decide(scores.probability, given, groups)[0])
        profit = float(policy.expected_profit(scores.probability, given)[0])
        score, probability = float(scores.score[0]), float(scores.probability[0])
        band = str(band_of(scores.probability)[0])
        why = policy.reason(probability, amount, group)
        return Answer((score, probability, OFFER if offered else NO_OFFER, profit, band, ""), features, why, offered)

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with what drives the customer away, in words."""
        return answer.with_reasons(self.model.explain_customers(self._customers(answer.features)).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self._maker.many(columns)
        values, unexplained = answer_batch(self._family, self.model, features)
        return Answers(values, features, self._whys(values, features), unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked customer."""
        answer = self.one(values)
        told = self.model.explain_customers(self._customers(answer.features))
        return Contributions(answer, told.names, told.contributions[0].tolist(), told.base, told.in_words())

    def _whys(self, values: pa.Table, rows: pa.Table) -> list[str]:
        cut = self.model.grouped_by
        groups = [None] * rows.num_rows if cut is None else group_names(rows, cut).tolist()
        given = amounts(rows, self.model.features).tolist()
        return [self.model.policy.reason(*each) for each in zip(values["probability"].to_pylist(), given, groups, strict=True)]

    def _amount_of(self, features: list[Any]) -> float:
        amount = None if self._amount is None else features[self._amount]
        return 0.0 if amount is None or amount != amount else float(amount)

    def _group(self, features: list[Any]) -> str | None:
        cut = self.model.grouped_by
        if cut is None:
            return None
        column = column_of(cut)
        kind = pa.type_for_alias(self.model.features.column_types[column])
        value = features[self._maker.place(column)]
        return str(group_names(pa.table({column: pa.array([value], kind)}), cut)[0])

    def _customers(self, features: list[Any]) -> CustomerRows:
        """Return one customer, given by the model features in their order, as models read them."""
        columns = self.model.columns
        numbers = len(columns.numeric)
        codes = [known.get(value, NO_CODE) for known, value in zip(self._codes, features[numbers:], strict=True)]
        return CustomerRows(columns, np.array([features[:numbers]], dtype=np.float64), np.array([codes], dtype=np.int32))
