"""The settings that a champion's evaluation used, as its bundle holds them: a window is judged by those, and by no defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.models.bundle import Bundle

Settings = TypeVar("Settings", bound=BaseModel)

_DEFINE_METRICS = ("evaluation.top_alerts_per_day", "evaluation.false_positive_rate")
"""Others of ``evaluation`` say how many draws are taken, which changes no metric."""


def evaluation_settings(bundle: Bundle) -> FraudEvaluationConfig | None:
    """Return what defines the metrics of a fraud model, or None where its bundle does not say all of it."""
    return _settings(bundle, "evaluation", FraudEvaluationConfig, _DEFINE_METRICS)


def retention_settings(bundle: Bundle) -> RetentionConfig | None:
    """Return what keeping a customer is worth, or None where the bundle does not say all of it."""
    return _settings(bundle, "retention", RetentionConfig)


def fairness_settings(bundle: Bundle) -> FairnessConfig | None:
    """Return the limits of the gaps between groups, or None where the bundle does not say all of them.

    A limit of null is said, too: that gap is reported and breaks nothing.
    """
    return _settings(bundle, "fairness", FairnessConfig)


def _settings(bundle: Bundle, part: str, kind: type[Settings], needed: tuple[str, ...] | None = None) -> Settings | None:
    """Return a part of the bundle's settings; where one is left out, a default would be that of another model."""
    try:
        found = kind.model_validate(bundle.manifest.config.get(part))
    except ValidationError:  # of a version that had other settings; the caller says that it is not judged
        return None
    missing = set(_left_out(found, f"{part}."))
    if needed is not None:
        missing &= set(needed)
    return None if missing else found


def _left_out(settings: BaseModel, prefix: str) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name not in settings.model_fields_set:
            yield prefix + name
        elif isinstance(value, BaseModel):
            yield from _left_out(value, f"{prefix}{name}.")
