"""A model family: what the registry, batch scoring and services must know of a kind of model, and no more."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from fusionguard.config import TrainingConfig
from fusionguard.data.drifting import Drifting
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.catalog import is_built_in
from fusionguard.datasets.example import example_row
from fusionguard.datasets.history_words import ROWS, RowWords
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.families.declared_fields import declared_fields
from fusionguard.families.declared_words import declared_words
from fusionguard.families.online import OnlineModel
from fusionguard.families.request_fields import RequestFields
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.families.words import FamilyWords
from fusionguard.features.declared import declared_features
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    import pandas as pd

    from fusionguard.datasets.inspection.problem import Problem
    from fusionguard.evaluation.report import Report
    from fusionguard.families.outcomes import Outcomes
    from fusionguard.families.training import FamilyTraining

COMMON_PACKAGES = ("duckdb", "mlflow", "numpy", "pandas", "pyarrow", "pydantic")
"""What a model of any family needs where it is loaded from MLflow."""

LABEL, TIME = "label", "time"
"""The columns of logged rows that hold the outcome, 0 or 1, and when the row was answered."""

OWNER = "past_owner"
"""That which says which logged rows are of one owner, such as a card, by a keyed number: where models read the past."""

REASONS = "reasons"
"""The column of an answer that names what raises the risk of a flagged row most, separated by ``; ``; empty otherwise."""


@dataclass(frozen=True)
class ServiceExample:
    """What the description of a service shows of a family; all of it is made up.

    Parameters
    ----------
    answer, why
        The outputs for the example row, without reasons, and the rule behind the decision.
    base, feature, contribution
        How its explanation begins: what a feature of the example row adds to the log-odds.
    faulty_field
        The field that a refusal is about.
    """

    answer: dict[str, Any]
    why: str
    base: float
    feature: str
    contribution: float
    faulty_field: str


@dataclass(frozen=True)
class FamilyTraits:
    """What can be said of a kind of model without one: its own modules ask these.

    Parameters
    ----------
    name
        What bundles call it.
    title, about
        What pages call it, and in a sentence what it answers.
    risk, thing
        What it tells the risk of, as in ``credit risk``, and what a row is: ``transaction``, ``customer``.
    outcome, positive
        What outcome 1 is, as a word (``exit``) and of a row (``a customer who left``).
    schema, features
        The raw data set it reads, and the features made of that.
    config
        The type of the settings of its training.
    settings_in_bundle
        Those that a bundle holds, as pydantic's ``include`` takes them: what made the model, and what it is judged by in service,
        such as the limits of fairness. How many draws an interval takes is neither.
    outputs
        The columns of an answer with their Arrow types; ``score``, ``probability`` and ``decision`` are among them.
    flagged
        The decision that asks for somebody's attention: ``review``, ``offer``.
    flagged_rows_are
        What is to happen to the rows of that decision: ``to review``, ``to get an offer``.
    worth
        The output that says what attention to a row is worth, in the currency of its amounts.
    example
        A row that is nobody's: the raw columns that are scored, in the data set's order.
    service_example
        What the description of a service shows.
    packages
        What the model needs where it is loaded from MLflow, which brings FusionGuard along.
    module
        The module whose ``load(bundle, evaluated=...)`` opens a bundle; imported only then.
    drifting
        Where drifts show in simulated rows of its data set; None where there is no simulator.
    row_words
        What rows are called where features of earlier ones are told.
    described
        The data set as it was declared and found; None for the one that ships, before any rows were seen.
    """

    name: str
    title: str
    about: str
    risk: str
    thing: str
    outcome: str
    positive: str
    schema: DatasetSchema
    features: FeatureDefinition
    config: type[TrainingConfig]
    settings_in_bundle: dict[str, Any]
    outputs: dict[str, str]
    flagged: str
    flagged_rows_are: str
    worth: str
    example: dict[str, Any]
    service_example: ServiceExample
    packages: tuple[str, ...]
    module: str
    drifting: Drifting | None = None
    row_words: RowWords = ROWS
    described: ResolvedDataset | None = None

    @property
    def answer_columns(self) -> pa.Schema:
        """``outputs`` as Arrow has them."""
        return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in self.outputs.items()])

    @cached_property
    def request_fields(self) -> RequestFields:
        """What a request tells of a row: the raw columns that the features are made of."""
        declared = self.declared
        return RequestFields.of(self.schema, self.features) if declared is None else declared_fields(declared, self.features)

    @property
    def example_row(self) -> dict[str, Any]:
        """``example`` as a request tells it: its fields in the order in which rows are read."""
        return {field.name: self.example[field.name] for field in self.request_fields.all}

    def on(self, described: ResolvedDataset) -> Self:
        """Return the same family on a declared data set; on one that ships, itself."""
        if is_built_in(described.declaration):
            return replace(self, described=described)
        features = declared_features(described, self.row_words)
        return replace(
            self,
            described=described,
            schema=raw_layout(described.declaration),
            features=features,
            example=example_row(described),
            drifting=None,
        )

    @cached_property
    def declared(self) -> ResolvedDataset | None:
        """The data set, where it is one that somebody has declared: its rows are prepared. None for one that ships."""
        return None if self.described is None or is_built_in(self.described.declaration) else self.described

    @property
    def scores_without_history(self) -> bool:
        """Whether a service scores rows whose past it cannot look up now, as the declaration says."""
        return self.declared is not None and self.declared.declaration.without_history == "score"

    def called(self, feature: str) -> str:
        """Return what answers call a model feature: its label or its raw column on a declared data set, else its own name."""
        return feature if self.declared is None else self.features.words.get(feature, feature)

    @property
    def model(self) -> str:
        """What its models are called in registry, routes and logs: as the data set that was declared; else the family's name."""
        return self.name if self.declared is None else self.declared.declaration.name

    def make_features(self, rows: pd.DataFrame | pa.Table) -> pa.Table:
        """Return the features of raw rows in memory, in their order; raise :class:`DataError` for what cannot be scored."""
        from fusionguard.data.rows_in_memory import read_rows, select_rows  # with DuckDB, neither of which a service needs
        from fusionguard.features.duckdb_engine import score_table

        declared = self.declared
        if declared is None:
            return score_table(self.features, read_rows(rows, self.schema, self.features.model_columns))
        from fusionguard.datasets.scoring_rows import prepare_rows, scored_columns

        chosen = select_rows(rows, self.schema, lambda there: scored_columns(declared, there))
        return score_table(self.features, prepare_rows(declared, chosen))


@dataclass(frozen=True)
class ModelFamily(FamilyTraits, ABC):
    """A kind of model: a subclass in the family's folder, which imports what a method needs when it is called."""

    @classmethod
    def of(cls, traits: FamilyTraits) -> Self:
        """Return the family of these traits."""
        return cls(**{field.name: getattr(traits, field.name) for field in fields(traits)})

    def load(self, bundle: Bundle, *, evaluated: bool = False) -> ScoringModel:
        """Check every file of a bundle and load its model.

        With ``evaluated``, it is the model that the final reading was taken of, which has not seen the test rows: the same one
        unless the bundle was refitted since.

        Raises
        ------
        BundleError
            The bundle is damaged, or holds another family's model, or one that this version cannot read.
        """
        opened = Bundle.open(bundle.folder)
        loaded: ScoringModel = importlib.import_module(self.module).load(opened, evaluated=evaluated)
        return loaded

    @abstractmethod
    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle whole, so that its files are not needed any more, to answer requests; raises as :meth:`load` does."""

    @property
    @abstractmethod
    def words(self) -> FamilyWords:
        """How people speak of it, and of what its models read and answer."""

    def words_of(self, kind: FamilyWords) -> FamilyWords:
        """Return a kind's words on this data set: those of a declared one say its fields instead of the ones that ship."""
        return kind if self.declared is None else declared_words(kind, self.declared)

    @property
    @abstractmethod
    def outcomes(self) -> Outcomes:
        """How logged rows whose outcome is known are read."""

    @property
    @abstractmethod
    def problem(self) -> Problem:
        """How tables about it show themselves, for guesses about a table that nobody has declared."""

    @property
    @abstractmethod
    def report(self) -> type[Report]:
        """What a final reading of its models is: ``report.model_validate_json`` reads a stored one."""

    @property
    @abstractmethod
    def training(self) -> FamilyTraining:
        """What the steps of a training ask."""
