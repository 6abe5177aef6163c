"""The model card: what a run made, for the people who will rely on it, as Markdown and as a page that works offline."""

from fusionguard.evaluation.card.document import model_card
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.card.page import card_html

__all__ = ["CardInputs", "card_html", "model_card"]
