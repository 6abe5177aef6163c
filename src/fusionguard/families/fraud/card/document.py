"""The card as Markdown: its sections in the order a reader needs them."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count, text
from fusionguard.evaluation.card.sections import delivered_row, gate, glance, write_card
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.fraud.autoencoder_inputs import Inputs
from fusionguard.families.fraud.card import about, data, fairness, results, unseen
from fusionguard.families.fraud.card.inputs import FraudCardInputs
from fusionguard.families.fraud.readings import SAVINGS

MADE_UP_BANNER = (
    "> **SIMULATED DATA.** This model was trained and tested on rows that are made up.\n"
    "> Its numbers show that the pipeline works; they say nothing about real fraud,"
    " and the model must not decide about anything real."
)
SIMULATED_BANNER = (
    "> **SIMULATED DATA.** This model was trained and tested on transactions made by FusionGuard's simulator.\n"
    "> Its numbers show that the pipeline works; they say nothing about real fraud,"
    " and the model must not decide about real payments."
)


def model_card(inputs: FraudCardInputs, *, image_folder: str | None = None) -> str:
    """Write the card.

    Parameters
    ----------
    inputs
        The facts of the run.
    image_folder
        Where the plots lie, relative to the card (``"fraud_model_card"``); without it the text has no images, and
        :func:`card_html` puts them at its end.
    """
    sections = [
        ("At a glance", _glance(inputs)),
        ("Intended use", about.intended_use(inputs)),
        ("Data and origin", data.data(inputs)),
        ("Protocol", about.protocol(inputs)),
        ("Results", results.readings(inputs, image_folder)),
        ("Folds in time", results.folds(inputs, image_folder)),
        ("Slices", results.slices(inputs)),
        ("Fairness", fairness.fairness(inputs)),
        ("Explainability", results.explainability(inputs, image_folder)),
        ("Decision policy", results.policy(inputs, image_folder)),
        ("Gate", gate(inputs.gate)),
        ("Unseen kinds of fraud", unseen.unseen_kinds(unseen.measured())),
        ("Limits", about.limits(inputs)),
        ("How to reproduce", about.reproduce(inputs)),
    ]
    title = "card-fraud detection" if inputs.declared is None else f"fraud in {text(inputs.declared.name)}"
    banner = SIMULATED_BANNER if inputs.declared is None else MADE_UP_BANNER
    return write_card(f"Model card: {title}", banner if inputs.simulated else None, sections)


_FUSED = "gradient-boosted trees and an autoencoder, fused and calibrated by one logistic layer"
_ALONE = "gradient-boosted trees, calibrated by a logistic layer; the autoencoder did not rank better beside them and is not used"
_NO_OTHER = "gradient-boosted trees, calibrated by a logistic layer; the data has too few measured numbers for an autoencoder"


def _glance(inputs: FraudCardInputs) -> str:
    report, test, definition = inputs.evaluation, inputs.evaluation.test, inputs.features.definition
    hours = "" if test.days is None else f", {test.days * 24:.1f} hours"
    rows = [
        ("model", _FUSED if inputs.uses_autoencoder else _ALONE if Inputs.of(definition).enough else _NO_OTHER),
        ("data", f"{inputs.provenance.description} ({inputs.provenance.origin})"),
        *delivered_row(inputs.refitted_rows, "rows"),
        ("test window", f"{count(test.rows)} rows, {count(test.frauds)} frauds{hours}"),
        ("average precision", report.metrics[AVERAGE_PRECISION].text()),
        ("savings against accept-all", report.metrics[SAVINGS].text()),
    ]
    return glance(rows, inputs.gate, inputs.bundle_sha256)
