"""The fraud model's card."""

from fusionguard.families.fraud.card.document import model_card
from fusionguard.families.fraud.card.inputs import FraudCardInputs

__all__ = ["FraudCardInputs", "model_card"]
