"""The features of a data set: one that ships, by its name, or one that somebody has declared."""

from __future__ import annotations

from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.errors import UnknownChoiceError
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.declared import declared_features
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.fraud import FRAUD_FEATURES

_DEFINITIONS = {definition.dataset: definition for definition in (FRAUD_FEATURES, CHURN_FEATURES)}


def feature_definition(dataset: str) -> FeatureDefinition:
    """Return the features of a data set; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if dataset not in _DEFINITIONS:
        raise UnknownChoiceError("data set", dataset, _DEFINITIONS)
    return _DEFINITIONS[dataset]


def features_of(dataset: str, described: ResolvedDataset | None) -> FeatureDefinition:
    """Return the features of a data set as it was described, or of the one that ships under a name where it was not."""
    return feature_definition(dataset) if described is None or dataset in _DEFINITIONS else declared_features(described)
