"""The fraud model's card."""

from fusionguard.families.fraud.card.document import model_card
from fusionguard.families.fraud.card.inputs import CardInputs

__all__ = ["CardInputs", "model_card"]
