"""What a bundle says of the rows that its model learned from."""

from __future__ import annotations

import pyarrow.parquet as pq

from fusionguard.models.bundle import Bundle

PROFILE = "profile.parquet"
"""Quantiles and shares by column: what drift is measured against where no rows were kept."""


def training_medians(bundle: Bundle) -> dict[str, float]:
    """Return the median of each numeric column in a bundle's profile; none where it has no profile."""
    if PROFILE not in bundle.manifest.files:
        return {}
    middle = pq.read_table(bundle.folder / PROFILE, filters=[("quantile", "=", 0.5)])
    return dict(zip(middle["column"].to_pylist(), middle["value"].to_pylist(), strict=True))
