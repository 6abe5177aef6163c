"""What the model cards of all families share: their sections, their Markdown, and the page that works offline."""

from fusionguard.evaluation.card.page import card_html

__all__ = ["card_html"]
