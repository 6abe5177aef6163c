"""What can happen to customers."""

from __future__ import annotations

from fusionguard.data.drifting import Drift, Drifting

CHURN_DRIFTING = Drifting(
    shifted="Age",
    amount="Balance",
    stretched="EstimatedSalary",
    missing="Tenure",
    frozen="Gender",
    spiked="Balance",
    rounded="EstimatedSalary",
    displaced="Age",
    swapped=("Balance", "EstimatedSalary"),
    money=frozenset({"Balance", "EstimatedSalary"}),
    wanted=lambda rows: rows["Geography"] == "Germany",
    safe=lambda rows: (rows["NumOfProducts"] == 2) & (rows["Age"] < 45),
    sizes={
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 2.0,
        Drift.NEW_PATTERN: 0.15,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 1 / 12,
        Drift.LABEL_DELAY: 0.5,
        Drift.OTHER_MIX: 0.6,
        Drift.LARGER_AMOUNTS: 0.5,
        Drift.FROZEN_FEATURE: 1.0,
        Drift.SPIKE: 0.3,
        Drift.SWAPPED_FEATURES: 1.0,
        Drift.ROUNDED_FEATURE: 1000.0,
        Drift.CONSTANT_SHIFT: 0.5,
        Drift.FACTOR: 0.75,
        Drift.BURST: 0.1,
    },
)
