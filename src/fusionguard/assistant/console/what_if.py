"""The limits that can be played with, and what they would have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from fusionguard.assistant.console.html import badge
from fusionguard.errors import UsageError
from fusionguard.monitoring.detail import VerdictDetail, states
from fusionguard.monitoring.thresholds import MonitoringThresholds


class Limit(NamedTuple):
    """A slider for one of :class:`MonitoringThresholds`."""

    name: str
    label: str
    low: float
    high: float
    step: float


LIMITS = (
    Limit("psi_watch", "PSI: watch from", 0.01, 1.0, 0.01),
    Limit("psi_act", "PSI: act from", 0.01, 2.0, 0.01),
    Limit("ks_watch", "KS: watch from", 0.01, 0.6, 0.01),
    Limit("ks_act", "KS: act from", 0.01, 0.9, 0.01),
    Limit("alert_rate_watch", "Alert rate: watch from a change of", 0.05, 3.0, 0.05),
    Limit("alert_rate_act", "Alert rate: act from a change of", 0.05, 5.0, 0.05),
    Limit("kpi_delta", "A metric may worsen by", 0.005, 0.2, 0.005),
    Limit("chance", "Chance of a false alarm per family of checks", 0.001, 0.2, 0.001),
)


def read_limits(own: MonitoringThresholds, values: Sequence[float]) -> MonitoringThresholds:
    """Return a run's limits with those of the sliders in their place; raises :class:`UsageError` where they contradict."""
    chosen = {limit.name: value for limit, value in zip(LIMITS, values, strict=True)}
    try:
        return MonitoringThresholds.model_validate(own.model_dump() | chosen)
    except ValidationError:
        crossed = [
            limit.label.partition(":")[0]
            for limit in LIMITS
            if limit.name.endswith("_watch") and chosen[limit.name] > chosen[f"{limit.name.removesuffix('_watch')}_act"]
        ]
        what = f"{' and '.join(crossed)}: 'act' must not lie below 'watch'." if crossed else "One of the limits is missing."
        raise UsageError(what, "Move one of the two sliders.") from None


def explain_what_if(before: VerdictDetail, after: VerdictDetail, kept: Sequence[VerdictDetail]) -> str:
    """Say as HTML what the limits change: in this verdict, and in all that kept their numbers."""
    old, new = before.state(), after.state()
    count = Counter(finding.level for finding in after.findings)
    was = Counter(finding.level for finding in before.findings)
    same = "as it was" if old == new and count == was else f"instead of {badge(old)}"
    said = (
        f"<p>With these limits the verdict is {badge(new)} {same}: {count['act']} findings ask to act (before: {was['act']}), "
        f"{count['watch']} to watch (before: {was['watch']}).</p>"
    )
    if len(kept) > 1:
        now = Counter(states(kept, after.limits))
        listed = ", ".join(f"{now[state]} {state}" for state in ("act", "watch", "healthy", "not judged") if now[state])
        said += f"<p class='fg-muted'>Of the last {len(kept)} runs: {listed}.</p>"
    return said
