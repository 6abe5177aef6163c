"""How rows become answers: single ones on the engine that is fastest for one, batches as batch scoring does it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import tanh
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.families.churn.bands import band_of
from fusionguard.families.churn.explain import explain_customers
from fusionguard.families.churn.model import NO_OFFER, OFFER, ChurnModel
from fusionguard.families.churn.retention import Groups
from fusionguard.families.churn.rows import CATEGORIES, CustomerRows, group_names
from fusionguard.families.family import REASONS, ModelFamily, ScoringModel
from fusionguard.families.fraud.explain import Explanation, explain_matrix
from fusionguard.families.fraud.model import ACCEPT, AUTOENCODER_ONNX, BOOSTER_ONNX, REVIEW, FraudModel
from fusionguard.features.churn import NUMERIC
from fusionguard.models.bundle import Bundle
from fusionguard.serving.fields import Columns, RequestFields, request_fields

REASONS_TOLD = 3
"""Reason codes told for a flagged row, at most: as many as batch scoring tells."""

EXPLAINED_IN_A_BATCH = 100
"""Flagged rows of a batch that get reason codes: those that are worth most. An exact explanation costs milliseconds a row."""


class Answer(NamedTuple):
    """The answer to one row: ``values`` of the family's outputs in their order, the features behind them, why so decided."""

    values: tuple[Any, ...]
    features: list[Any]
    why: str
    flagged: bool

    def with_reasons(self, reasons: list[str]) -> Answer:
        """Return it with reasons, which are the last of the outputs."""
        return self._replace(values=(*self.values[:-1], "; ".join(reasons)))


class Answers(NamedTuple):
    """The answers to a batch: a row for each in ``values`` (the family's outputs) and ``features``; ``whys`` line by line."""

    values: pa.Table
    features: pa.Table
    whys: list[str]
    unexplained: int
    """Flagged rows without reason codes, because there were more than ``EXPLAINED_IN_A_BATCH``."""


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of one row: ``base`` and all ``values`` add up to the score, to 1e-5."""

    answer: Answer
    names: tuple[str, ...]
    values: list[float]
    base: float


class Engine(ABC):
    """A model that answers requests."""

    fields: RequestFields

    @property
    @abstractmethod
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""

    def one(self, values: list[Any]) -> Answer:
        """Answer one checked row, given in the order of the fields: with reasons, where it is flagged."""
        answer = self.decide(values)
        return self.tell(answer) if answer.flagged else answer

    @abstractmethod
    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked row without reasons: what it takes is a fraction of what reasons take."""

    @abstractmethod
    def tell(self, answer: Answer) -> Answer:
        """Return an answer of :meth:`decide` with its reasons; from another thread, if that is wanted."""

    @abstractmethod
    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""

    @abstractmethod
    def explain(self, values: list[Any]) -> Contributions:
        """Explain the answer to one checked row, exactly."""


def open_engine(family: ModelFamily, bundle: Bundle) -> Engine:
    """Check a bundle and load it whole, so that its files are not needed any more; raises :class:`BundleError`."""
    model = family.load(bundle)
    if isinstance(model, FraudModel):
        return FraudEngine(model)
    if isinstance(model, ChurnModel):
        return ChurnEngine(model)
    raise AssertionError(f"no engine for {family.name}")


class FraudEngine(Engine):
    """Single transactions through ONNX Runtime, batches through XGBoost; the two agree to 1e-5 in log-odds."""

    def __init__(self, model: FraudModel) -> None:
        self.fields = request_fields("fraud")
        self.model = model
        folder = model.bundle.folder
        # The same trees, told to explain one row on the calling thread: waking another costs more than it does.
        self._single = replace(model, booster=model.booster.copy())
        self._single.booster.set_param({"nthread": 1})
        self._booster = _single_row_session((folder / BOOSTER_ONNX).read_bytes())
        self._autoencoder = _single_row_session((folder / AUTOENCODER_ONNX).read_bytes())
        # Batches and explanations go through sessions of their own, opened from the folder at the first use.
        self.many(_example_columns(self.fields))
        self._explain([0.0] * len(self.fields.family.features.model_features))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked transaction without reasons."""
        features = self.fields.features_of_one(values)
        x = np.array([features], dtype=np.float32)
        fusion, policy, amount = self.model.fusion, self.model.policy, features[28]
        score = fusion.intercept + fusion.booster * float(self._booster.run(["margins"], {"features": x})[0][0, 1])
        if fusion.uses_autoencoder:
            score += fusion.autoencoder * float(self._autoencoder.run(["log_error"], {"features": x})[0][0, 0])
        probability = 0.5 * (1.0 + tanh(0.5 * score))
        saving = probability * amount - policy.review_cost
        flagged = saving > policy.minimum_expected_saving
        told = (score, probability, REVIEW if flagged else ACCEPT, saving, "")
        return Answer(told, features, policy.reason(probability, amount), flagged)

    def tell(self, answer: Answer) -> Answer:
        """Return the answer with the names that raise the transaction's risk most."""
        return answer.with_reasons(self._explain(answer.features).reason_codes(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self.fields.features(columns)
        values, unexplained = _answer(self.model, self.fields.family, features, "expected_saving")
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
        return explain_matrix(self._single, np.array([features], dtype=np.float32))


class ChurnEngine(Engine):
    """LightGBM and CatBoost as they are, for one row and for many."""

    def __init__(self, model: ChurnModel) -> None:
        self.fields = request_fields("churn")
        self.model = model
        self.many(_example_columns(self.fields))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.model.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked customer without reasons."""
        features = self.fields.features_of_one(values)
        customers, policy = _customers(features), self.model.policy
        scores = self.model.score_customers(customers)
        balance = np.array([values[3]], dtype=np.float64)
        groups = self._groups(features)
        offered = bool(policy.decide(scores.probability, balance, groups)[0])
        profit = float(policy.expected_profit(scores.probability, balance)[0])
        score, probability = float(scores.score[0]), float(scores.probability[0])
        band = str(band_of(scores.probability)[0])
        group = str(groups[policy.group_attribute][0]) if groups and policy.group_attribute else None
        why = policy.reason(probability, values[3], group)
        return Answer((score, probability, OFFER if offered else NO_OFFER, profit, band, ""), features, why, offered)

    def tell(self, answer: Answer) -> Answer:
        """Return the answer with what drives the customer away, in words."""
        return answer.with_reasons(explain_customers(self.model, _customers(answer.features)).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self.fields.features(columns)
        values, unexplained = _answer(self.model, self.fields.family, features, "expected_profit")
        return Answers(values, features, self._whys(values, features), unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked customer."""
        answer = self.one(values)
        *contributions, base = self.model.contributions(_customers(answer.features))[0].tolist()
        return Contributions(answer, self.fields.family.features.model_features, contributions, base)

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
        row = dict(zip(self.fields.family.features.model_features, features, strict=True))
        return group_names(pa.table({name: [row[name]] for name in ("Age", "Gender", "Geography")}), attribute)


def _answer(model: ScoringModel, family: ModelFamily, features: pa.Table, worth: str) -> tuple[pa.Table, int]:
    """Answer a batch, with reason codes for the flagged rows that are worth most; return how many flagged rows have none."""
    values = model.answer_features(features)
    flagged = np.flatnonzero(pc.equal(values["decision"], family.flagged).to_numpy().astype(bool))
    if not flagged.size:
        return values, 0
    order = np.argsort(-values[worth].to_numpy()[flagged], kind="stable")
    told = flagged[order[:EXPLAINED_IN_A_BATCH]]
    reasons = np.full(features.num_rows, "", dtype=object)
    reasons[told] = model.answer_features(features.take(told), reasons=REASONS_TOLD)[REASONS].to_pylist()
    place = values.column_names.index(REASONS)
    return values.set_column(place, values.schema.field(place), pa.array(reasons, pa.string())), int(flagged.size - told.size)


def _customers(features: list[Any]) -> CustomerRows:
    """Return one customer, given by the model features in their order, as models read them."""
    codes = [known.index(value) for known, value in zip(CATEGORIES.values(), features[len(NUMERIC) :], strict=True)]
    return CustomerRows(np.array([features[: len(NUMERIC)]], dtype=np.float64), np.array([codes], dtype=np.int32))


def _single_row_session(model: bytes) -> Any:
    """Open a session that runs on the thread that calls it: for one row, waking another costs more than the work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _example_columns(fields: RequestFields) -> Columns:
    example = fields.family.example
    columns: Columns = {field.name: np.array([float(example[field.name])]) for field in fields.numbers}
    return columns | {field.name: np.array([example[field.name]], dtype=object) for field in fields.choices}
