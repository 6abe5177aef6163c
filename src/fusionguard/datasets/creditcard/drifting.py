"""What can happen to transactions."""

from __future__ import annotations

from fusionguard.data.drifting import Drift, Drifting

FRAUD_DRIFTING = Drifting(
    shifted="V4",
    amount="Amount",
    stretched="Amount",
    missing="V14",
    frozen="V10",
    spiked="V14",
    rounded="Amount",
    displaced="V12",
    swapped=("V3", "V14"),
    money=frozenset({"Amount"}),
    wanted=lambda rows: rows["Time"] // 3600 % 24 < 6,  # the night
    safe=lambda rows: rows["Amount"].between(5, 200),
    sizes={
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 3.0,
        Drift.NEW_PATTERN: 0.005,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 100.0,
        Drift.LABEL_DELAY: 0.5,
        Drift.OTHER_MIX: 0.3,
        Drift.LARGER_AMOUNTS: 0.5,
        Drift.FROZEN_FEATURE: 0.6,
        Drift.SPIKE: 0.1,
        Drift.SWAPPED_FEATURES: 1.0,
        Drift.ROUNDED_FEATURE: 1.0,
        Drift.CONSTANT_SHIFT: 0.3,
        Drift.FACTOR: 1.3,
        Drift.BURST: 0.05,
        Drift.ABSENT_HOURS: 4.0,
    },
)
