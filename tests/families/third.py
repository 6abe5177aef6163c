"""A third family, which is nobody's: shipments that come late, told by a logistic rule on three columns.

Shared rooms must serve, register, watch and explain it without naming it. It learns nothing and needs no library of models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from fusionguard.config import TrainingConfig
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.inspection.problem import Problem
from fusionguard.evaluation.bootstrap import Interval, intervals
from fusionguard.evaluation.explanation import Explanation, Wording
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.readings import ROC_AUC
from fusionguard.evaluation.scored import Flags
from fusionguard.expressions.tree import raw_columns
from fusionguard.families import catalog
from fusionguard.families.family import COMMON_PACKAGES, LABEL, REASONS, ModelFamily, ServiceExample
from fusionguard.families.online import REASONS_TOLD, Answer, Answers, Contributions, OnlineModel
from fusionguard.families.online_batches import answer_batch
from fusionguard.families.outcomes import OutcomeReading, Outcomes
from fusionguard.families.request_fields import Columns
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.families.words import FamilyWords, FieldWords
from fusionguard.features import definitions
from fusionguard.features.definition import FeatureDefinition, Segmentation
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    from fusionguard.evaluation.report import Report
    from fusionguard.families.training import FamilyTraining

NAME = "lateness"
CARRIERS = ("Alder", "Birch")
RULE = "rule.json"
WEIGHTS = {"intercept": -5.0, "distance_km": 0.002, "stops": 0.25, "km_a_stop": 0.001, "birch": 2.0}

SHIPMENTS = DatasetSchema(
    name=NAME,
    columns={"distance_km": "float", "stops": "integer", "carrier": "text", "receiver": "text", "late": "integer"},
    label="late",
    kaggle="nobody/shipments",
    file_name="shipments.csv",
    private=frozenset({"receiver"}),
    optional=frozenset({"receiver"}),
)

_BY_CARRIER = Segmentation("carrier", "carrier", {name: name for name in CARRIERS})

FEATURES = FeatureDefinition(
    dataset=NAME,
    schema_version=4,
    label="late",
    column_types={"distance_km": "double", "stops": "int32", "km_a_stop": "double", "carrier": "string", "late": "int32"},
    model_features=("distance_km", "stops", "km_a_stop", "carrier"),
    raw=raw_columns(SHIPMENTS.columns),
    rows_text=Path(__file__).with_name("third_rows.sql").read_text(),
    training_set_text=Path(__file__).with_name("third_training_set.sql").read_text(),
    positives="late shipments",
    negatives="shipments in time",
    rows="shipments",
    segmentations=(_BY_CARRIER,),
    log_segmentations=(_BY_CARRIER,),
    limits={"distance_km": (0.0, 5000.0), "stops": (0.0, 20.0)},
    known={"carrier": CARRIERS},
    made_of={"km_a_stop": ("distance_km", "stops")},
)

MAKER = FeatureMaker(FEATURES)


class ThirdFamily(ModelFamily):
    """What a rule needs of its own."""

    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle to answer requests."""
        return OnlineRule(load(Bundle.open(bundle.folder)))

    @property
    def words(self) -> FamilyWords:
        """What is asked of shipments; its fields have no other names than their own."""
        return FamilyWords(
            named_by="late|lateness|shipments?",
            things=("shipment", "parcel"),
            chance_of="lateness",
            outcomes=("came in time", "came late"),
            decisions={"call": "call the receiver", "wait": "wait"},
            worth="Expected relief",
            written_example="12 stops",
            fields=FieldWords(
                before={"stops": "stops", "distance_km": "distance(?: km)?"}, after={"stops": " ?stops?", "distance_km": " ?km"}
            ),
            said_and_meant=((r"parcel", "shipment"),),
        )

    @property
    def outcomes(self) -> Outcomes:
        """How logged shipments whose outcome is known are read."""
        return RuleOutcomes()

    @property
    def problem(self) -> Problem:
        """Tables of shipments."""
        return Problem(
            name=NAME,
            rows="shipments",
            label_words=frozenset({"late"}),
            positive_words=frozenset({"late"}),
            negative_words=frozenset({"intime"}),
            table_words=frozenset({"carrier", "stops", "distance"}),
        )

    @property
    def report(self) -> type[Report]:
        """Nobody has read one."""
        raise NotImplementedError

    @property
    def training(self) -> FamilyTraining:
        """Nobody trains it."""
        raise NotImplementedError


class RuleOutcomes(Outcomes):
    """What outcomes show of a rule: how well it ranks."""

    columns = ("distance_km",)
    judged: ClassVar[Mapping[str, int]] = {ROC_AUC: 1}

    def digits(self, metric: str) -> int:
        """Two decimals."""
        return 2

    def read(self, rows: pa.Table, model: ScoringModel, *, seed: int) -> OutcomeReading:
        """Read the ROC AUC."""
        label, score = rows[LABEL].to_numpy().astype(np.int8), rows["score"].to_numpy()

        def metrics(chosen: Flags) -> dict[str, Interval]:
            ranking, ones = Ranking(label[chosen], score[chosen]), np.ones(int(chosen.sum()))
            values = {ROC_AUC: ranking.roc_auc(ones)}
            return intervals(label[chosen], ones, values, {ROC_AUC: ranking.roc_auc}, samples=30, seed=seed)

        return OutcomeReading(metrics, unjudged=("punctuality of receivers is not judged",))

    def reliability(self, report: Report) -> list[tuple[float, float, float]]:
        """Nobody has read one."""
        raise NotImplementedError


THIRD_FAMILY = ThirdFamily(
    name=NAME,
    title="Lateness model",
    about="Shipments: the probability that one comes late, and whether a call is worth it.",
    risk="lateness",
    thing="shipment",
    outcome="delay",
    positive="a shipment that came late",
    schema=SHIPMENTS,
    features=FEATURES,
    config=TrainingConfig,
    settings_in_bundle={},
    outputs={"score": "double", "probability": "double", "decision": "string", "relief": "double", REASONS: "string"},
    flagged="call",
    flagged_rows_are="to be called about",
    worth="relief",
    example={"distance_km": 120.0, "stops": 3, "carrier": "Alder"},
    service_example=ServiceExample(
        answer={"score": -1.5, "probability": 0.18, "decision": "wait", "relief": -0.5},
        why="wait: expected relief -0.50 is not above 0",
        base=-2.0,
        feature="stops",
        contribution=0.3,
        faulty_field="stops",
    ),
    packages=COMMON_PACKAGES,
    module=__name__,
)


@dataclass(frozen=True)
class Rule:
    """log-odds = ``intercept`` + the weighted features; Birch adds ``birch``."""

    bundle: Bundle
    intercept: float
    distance_km: float
    stops: float
    km_a_stop: float
    birch: float

    @property
    def version(self) -> str:
        """The first 12 digits of the bundle's SHA-256."""
        return self.bundle.version

    def contributions(self, features: pa.Table) -> NDArray[np.float64]:
        """Return (n, 4) what each feature adds to the log-odds."""
        numbers = [getattr(self, name) * features[name].to_numpy() for name in FEATURES.model_features[:-1]]
        birch = np.array([carrier == "Birch" for carrier in features["carrier"].to_pylist()], dtype=np.float64)
        return np.column_stack([*numbers, self.birch * birch])

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        """Score and decide raw rows."""
        return self.answer_features(THIRD_FAMILY.make_features(rows), reasons=reasons)

    def answer_features(self, features: pa.Table, *, reasons: int = 0) -> pa.Table:
        """Score and decide rows of features; a call costs 1 and saves 4 where the shipment would be late."""
        parts = self.contributions(features)
        score = self.intercept + parts.sum(axis=1)
        probability = 1.0 / (1.0 + np.exp(-score))
        relief = 4.0 * probability - 1.0
        told = [""] * features.num_rows
        for place in np.flatnonzero(relief > 0).tolist() if reasons else ():
            told[place] = "; ".join(self.explain(features.slice(place, 1)).reasons(reasons)[0])
        decisions = np.where(relief > 0, "call", "wait")
        columns = [pa.array(each) for each in (score, probability, decisions, relief)]
        return pa.table([*columns, pa.array(told, pa.string())], schema=THIRD_FAMILY.answer_columns)

    def explain(self, features: pa.Table) -> Explanation:
        """Explain rows of features; carriers are told by their places in ``CARRIERS``."""
        carriers = [CARRIERS.index(carrier) for carrier in features["carrier"].to_pylist()]
        values = np.column_stack([*(features[name].to_numpy() for name in FEATURES.model_features[:-1]), carriers])
        wording = Wording(categories={"carrier": CARRIERS})
        return Explanation(self.contributions(features), values, FEATURES.model_features, self.intercept, wording)


class OnlineRule(OnlineModel):
    """The rule, one row at a time and many."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self.rule.bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked shipment."""
        features = MAKER.one(values)
        answered = self.rule.answer_features(_table(*([each] for each in features))).to_pylist()[0]
        told = tuple(answered[name] for name in THIRD_FAMILY.outputs)
        return Answer(told, features, _why(answered["decision"], answered["relief"]), answered["decision"] == "call")

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with the names of what raises the risk."""
        return answer.with_reasons(self._explain(answer).reasons(REASONS_TOLD)[0])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = MAKER.many(columns)
        values, unexplained = answer_batch(THIRD_FAMILY, self.rule, features)
        whys = [_why(*each) for each in zip(values["decision"].to_pylist(), values["relief"].to_pylist(), strict=True)]
        return Answers(values, features, whys, unexplained)

    def explain(self, values: list[Any]) -> Contributions:
        """Explain one checked shipment."""
        answer = self.one(values)
        told = self._explain(answer)
        return Contributions(answer, told.names, told.contributions[0].tolist(), told.base, told.in_words())

    def _explain(self, answer: Answer) -> Explanation:
        return self.rule.explain(_table(*([each] for each in answer.features)))


def load(bundle: Bundle, *, evaluated: bool = False) -> Rule:
    """Read the rule of a bundle."""
    return Rule(bundle, **bundle.read_json(RULE))


def seal_bundle(folder: Path, *, birch: float = WEIGHTS["birch"]) -> Bundle:
    """Make a bundle with a rule; another ``birch`` makes another version."""
    folder.mkdir(parents=True)
    (folder / RULE).write_text(json.dumps(WEIGHTS | {"birch": birch}))
    return Bundle.seal(
        folder,
        model=NAME,
        origin="simulated",
        source_sha256="1" * 64,
        features_sha256="2" * 64,
        negative_sampling_rate=1.0,
        feature_schema_version=FEATURES.schema_version,
        seed=1,
        config={},
    )


def shipments(rows: int, seed: int = 5) -> pa.Table:
    """Return made-up raw rows with their outcomes."""
    random = np.random.default_rng(seed)
    distance, stops = random.uniform(1, 2000, rows).round(1), random.integers(0, 12, rows)
    birch = random.random(rows) < 0.4
    log_odds = -5.0 + 0.002 * distance + 0.25 * stops + 0.001 * distance / (stops + 1) + 2.0 * birch
    late = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    carriers = np.array(CARRIERS)[birch.astype(int)]
    receivers = [f"receiver {number}" for number in range(rows)]
    columns = {"distance_km": distance, "stops": stops, "carrier": carriers, "receiver": receivers, "late": late.astype(np.int64)}
    return pa.table(columns)


def install(patch: pytest.MonkeyPatch) -> ModelFamily:
    """Let the catalog find the family, as a line in it would."""
    patch.setitem(catalog._FAMILIES, NAME, f"{__name__}:THIRD_FAMILY")
    patch.setitem(definitions._DEFINITIONS, NAME, FEATURES)
    return catalog.model_family(NAME)


def _table(*columns: Any) -> pa.Table:
    types = {name: pa.type_for_alias(FEATURES.column_types[name]) for name in FEATURES.model_features}
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
    return pa.table(arrays, schema=pa.schema(list(types.items())))


def _why(decision: str, relief: float) -> str:
    return f"{decision}: expected relief {relief:.2f} is {'' if decision == 'call' else 'not '}above 0"
