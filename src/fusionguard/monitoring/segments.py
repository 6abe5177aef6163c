"""The segments that windows are cut into, by what a prediction log holds."""

from __future__ import annotations

from fusionguard.families.family import ModelFamily
from fusionguard.features.churn import AGE_BANDS, AGE_EDGES, CHURN_FEATURES
from fusionguard.features.definition import Segmentation
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.monitoring.reference import CYCLIC

OTHER = "other"
"""The segment of rows whose value has no name."""

_PARTS_OF_DAY: dict[int | str, str] = {0: "00 to 05", 1: "06 to 11", 2: "12 to 17", 3: "18 to 23"}
_AGE = " + ".join(f"CAST(Age >= {edge} AS INT)" for edge in AGE_EDGES)
_OF_FRAUD = {cut.name: cut for cut in FRAUD_FEATURES.segmentations}
_OF_CHURN = {cut.name: cut for cut in CHURN_FEATURES.segmentations}

_SEGMENTATIONS: dict[str, tuple[Segmentation, ...]] = {
    "fraud": (_OF_FRAUD["amount"], Segmentation("time of day", "CAST(FLOOR(hour_of_day / 6) AS INT)", _PARTS_OF_DAY)),
    # The log has no column of age bands: they are not a model feature.
    "churn": (_OF_CHURN["gender"], Segmentation("age band", _AGE, dict(enumerate(AGE_BANDS))), _OF_CHURN["geography"]),
}


def segmentations(family: ModelFamily) -> tuple[Segmentation, ...]:
    """Return the ways in which a family's logged rows are cut; expressions read its model features alone."""
    return _SEGMENTATIONS[family.name]


def cyclic_segmentations(family: ModelFamily) -> frozenset[str]:
    """Return the names of those that follow a cyclic column: a span that does not show that column whole fills them unevenly."""
    return frozenset(cut.name for cut in segmentations(family) if any(column in cut.expression for column in CYCLIC))
