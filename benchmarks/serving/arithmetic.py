"""The two sums that every conclusion rests on: a percentile, and a cost."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

VCPU_SECOND_DOLLARS = 0.000024
"""Cloud Run, services billed by request, tier 1 regions, beyond the free tier."""

PRICE_SOURCE = "https://cloud.google.com/run/pricing"


def percentile(values: NDArray[np.float64], share: float) -> float:
    """Return the smallest of ``values`` (n,) that at least ``share`` percent of them do not exceed: a latency that was seen."""
    if not len(values) or not 0 < share <= 100:
        raise ValueError(f"no {share}th percentile of {len(values)} values")
    place = max(0, ceil(round(share * len(values) / 100, 9)) - 1)
    return float(np.partition(values, place)[place])


def cost_per_million(cpu_microseconds: float, vcpu_second_dollars: float) -> float:
    """Return the dollars that a million predictions cost in CPU: of microseconds each, a million take as many seconds."""
    return cpu_microseconds * vcpu_second_dollars
