"""A model of any declared data set that learns nothing: the log-odds are a hundredth of the sum of the numeric features."""

from __future__ import annotations

from math import exp
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.families import catalog
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.online import Answer, Answers, Contributions, OnlineModel
from fusionguard.families.request_fields import Columns
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from tests.families import third

KIND = third.NAME


class SumFamily(third.ThirdFamily):
    """Models that add numbers up."""

    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle to answer requests."""
        return Sum(family_of(bundle), bundle)


FAMILY = SumFamily.of(third.THIRD_FAMILY)


class Sum(OnlineModel):
    """One row at a time; a batch is many of them."""

    def __init__(self, family: ModelFamily, bundle: Bundle) -> None:
        self._family, self._bundle, self._maker = family, bundle, FeatureMaker(family.features)
        self.many(family.request_fields.columns(family.example))

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""
        return self._bundle

    def decide(self, values: list[Any]) -> Answer:
        """Answer one checked row."""
        return answer_of(self._maker.one(values))

    def add_reasons(self, answer: Answer) -> Answer:
        """Return the answer with the name of the first feature."""
        return answer.with_reasons([self._family.features.model_features[0]])

    def many(self, columns: Columns) -> Answers:
        """Answer a checked batch."""
        features = self._maker.many(columns)
        answers = [answer_of(list(row.values())) for row in features.to_pylist()]
        rows = [dict(zip(self._family.outputs, each.values, strict=True)) for each in answers]
        return Answers(pa.Table.from_pylist(rows, self._family.answer_columns), features, [each.why for each in answers], 0)

    def explain(self, values: list[Any]) -> Contributions:
        """Tell what each number adds."""
        answer = self.decide(values)
        parts = [each / 100 if isinstance(each, int | float) else 0.0 for each in answer.features]
        names = self._family.features.model_features
        return Contributions(answer, names, parts, 0.0, list(names))


def answer_of(features: list[Any]) -> Answer:
    """Return the answer to a row of features."""
    score = sum(each for each in features if isinstance(each, int | float)) / 100
    flagged = score > 5
    values = (score, 1 / (1 + exp(-score)), "call" if flagged else "wait", 4 * score, "")
    return Answer(values, features, f"the sum is {score:.2f}", flagged)


def install(patch: pytest.MonkeyPatch) -> None:
    """Let the catalog find the family."""
    patch.setitem(catalog._FAMILIES, KIND, f"{__name__}:FAMILY")
    catalog.model_family.cache_clear()


def described_as(declaration: Path, old: str = "", new: str = "") -> ResolvedDataset:
    """A declaration's data set, whose problem becomes that of the family; in its text, ``old`` becomes ``new``."""
    text = declaration.read_text()
    for kind in ("fraud", "churn"):
        text = text.replace(f"problem: {kind}", f"problem: {KIND}")
    assert old in text
    declaration.write_text(text.replace(old, new))
    return read_described(find_dataset(str(declaration)), "auto", declaration.parent / "read", rows=0, seed=1, earliest=1.0)[1]


def seal(folder: Path, described: ResolvedDataset) -> Bundle:
    """Make the bundle of a model of a data set."""
    folder.mkdir(parents=True)
    write_dataset(folder, described)
    return Bundle.seal(
        folder,
        model=KIND,
        origin="simulated",
        source_sha256="1" * 64,
        features_sha256="2" * 64,
        negative_sampling_rate=1.0,
        feature_schema_version=1,
        seed=1,
        config={},
    )
