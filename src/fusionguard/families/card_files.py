"""The files that people read of a model: its card, as text and as a page, and what its family writes beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fusionguard.evaluation.card import card_html
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.prequential.plot import prequential_plots
from fusionguard.evaluation.prequential.report import FILE as PREQUENTIAL
from fusionguard.families.training import FamilyTraining
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle

_PLOTS = "plots"


@dataclass(frozen=True)
class CardFiles:
    """Everything written of one model.

    Parameters
    ----------
    card
        The card as Markdown without images, for places that have none.
    page
        The card as one HTML page.
    beside
        The family's other pages, likewise, by name.
    texts
        The files of all these, by their names: Markdown that links its images, pages, and the report of folds in time.
    plots
        The images, by their path beside the texts.
    """

    card: str
    page: str
    beside: dict[str, str]
    texts: dict[str, str]
    plots: dict[str, bytes]


def write_card_files(
    family: FamilyTraining, inputs: CardInputs, bundle: Bundle, rows: TrainingRows, images: Mapping[str, bytes]
) -> CardFiles:
    """Write the card with the plots of its evaluation and explanation (``images``, PNG by name), and what lies beside it."""
    images = {**images, **prequential_plots(inputs.prequential)}
    illustrated = family.write_card(inputs, image_folder=_PLOTS)
    page, beside, plots = card_html(illustrated, images), {}, dict(images)
    texts = {"model_card.md": illustrated, "model_card.html": page}
    if inputs.prequential is not None:
        texts[PREQUENTIAL] = inputs.prequential.to_json()
    for name, other in family.pages_beside(inputs, bundle, rows).items():
        text = other.markdown(image_folder=_PLOTS)
        beside[name] = card_html(text, other.plots)
        texts |= {f"{name}.md": text, f"{name}.html": beside[name]}
        plots |= other.plots
    named = {f"{_PLOTS}/{name}.png": image for name, image in plots.items()}
    return CardFiles(family.write_card(inputs), page, beside, texts, named)
