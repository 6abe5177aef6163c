"""What can happen to simulated card transactions."""

from __future__ import annotations

from fusionguard.data.drifting import Drift, Drifting

CARD_DRIFTING = Drifting(
    shifted="amount",
    amount="amount",
    stretched="amount",
    missing="distance_km",
    frozen="entry",
    spiked="amount",
    rounded="amount",
    displaced="distance_km",
    swapped=("amount", "distance_km"),
    money=frozenset({"amount"}),
    wanted=lambda rows: rows["entry"] == "online",
    safe=lambda rows: rows["entry"] == "chip",
    sizes={
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 3.0,
        Drift.NEW_PATTERN: 0.02,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 100.0,
        Drift.LABEL_DELAY: 0.5,
        Drift.OTHER_MIX: 0.7,
        Drift.LARGER_AMOUNTS: 0.5,
        Drift.FROZEN_FEATURE: 1.0,
        Drift.SPIKE: 0.3,
        Drift.ROUNDED_FEATURE: 10.0,
        Drift.CONSTANT_SHIFT: 0.5,
        Drift.FACTOR: 1.4,
        Drift.BURST: 0.1,
        Drift.ABSENT_HOURS: 6.0,
    },
)
"""No two fields change places: a payment on the internet has no distance, and none may lack its amount."""
