"""The features there are, by data set."""

from __future__ import annotations

from fusionguard.errors import UnknownChoiceError
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.fraud import FRAUD_FEATURES

_DEFINITIONS = {definition.dataset: definition for definition in (FRAUD_FEATURES, CHURN_FEATURES)}


def feature_definition(dataset: str) -> FeatureDefinition:
    """Return the features of a data set; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if dataset not in _DEFINITIONS:
        raise UnknownChoiceError("data set", dataset, _DEFINITIONS)
    return _DEFINITIONS[dataset]
