"""The churn model's card; :func:`fusionguard.evaluation.card.card_html` makes the page of it."""

from fusionguard.families.churn.card.document import churn_model_card
from fusionguard.families.churn.card.inputs import ChurnCardInputs

__all__ = ["ChurnCardInputs", "churn_model_card"]
