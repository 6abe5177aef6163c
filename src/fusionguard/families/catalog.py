"""The families there are. Another one is a folder beside them and a line in each table here."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from fusionguard.errors import UnknownChoiceError

if TYPE_CHECKING:
    from fusionguard.config import TrainingConfig
    from fusionguard.families.family import ModelFamily

_FAMILIES = {
    "fraud": "fusionguard.families.fraud.family:FRAUD_FAMILY",
    "churn": "fusionguard.families.churn.family:CHURN_FAMILY",
}
"""Where each is found: nothing of a family is imported before somebody asks for it."""

_SETTINGS = {
    "fraud": "fusionguard.families.fraud.config:FraudConfig",
    "churn": "fusionguard.families.churn.config:ChurnConfig",
}
"""Where the settings of each training are found, which are read before any library that a family needs is loaded."""


WHAT_FOR, OF_WHOM = "Card-fraud detection and churn risk", "transactions or customers"
"""What they are for, and what they score, where no family may be imported to be asked."""


def family_names() -> tuple[str, ...]:
    """Return the names of all families, in the order in which people are shown them."""
    return tuple(_FAMILIES)


@cache
def model_family(name: str) -> ModelFamily:
    """Return the family called ``name``; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name not in _FAMILIES:
        raise UnknownChoiceError("model", name, _FAMILIES)
    family: ModelFamily = _imported(_FAMILIES[name])
    return family


def training_configs() -> dict[str, type[TrainingConfig]]:
    """Return the types of the settings of every training, by family; nothing but settings is imported."""
    return {name: _imported(place) for name, place in _SETTINGS.items()}


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
