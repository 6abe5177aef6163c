"""The card as Markdown: its sections in the order a reader needs them."""

from __future__ import annotations

from fusionguard.evaluation.card import about, results
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.card.markdown import count, table
from fusionguard.evaluation.readings import AVERAGE_PRECISION, SAVINGS

SIMULATED_BANNER = (
    "> **SIMULATED DATA.** This model was trained and tested on transactions made by FusionGuard's simulator.\n"
    "> Its numbers show that the pipeline works; they say nothing about real fraud,"
    " and the model must not decide about real payments."
)


def model_card(inputs: CardInputs, *, image_folder: str | None = None) -> str:
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
        ("Data and origin", about.data(inputs)),
        ("Protocol", about.protocol(inputs)),
        ("Results", results.readings(inputs, image_folder)),
        ("Slices", results.slices(inputs)),
        ("Explainability", results.explainability(inputs, image_folder)),
        ("Decision policy", results.policy(inputs, image_folder)),
        ("Gate", results.gate(inputs)),
        ("Limits", about.limits(inputs)),
        ("How to reproduce", about.reproduce(inputs)),
    ]
    head = ["# Model card: card-fraud detection"]
    if inputs.evaluation.simulated or inputs.provenance.simulated:
        head.append(SIMULATED_BANNER)
    body = [f"## {title}\n\n{content}" for title, content in sections if content]
    return "\n\n".join([*head, *body]) + "\n"


def _glance(inputs: CardInputs) -> str:
    report = inputs.evaluation
    rows = [
        ("model", "gradient-boosted trees and an autoencoder, fused and calibrated by one logistic layer"),
        ("data", f"{inputs.provenance.description} ({inputs.provenance.origin})"),
        ("test window", f"{count(report.test.rows)} rows, {count(report.test.frauds)} frauds, {report.test.days * 24:.1f} hours"),
        ("average precision", report.metrics[AVERAGE_PRECISION].text()),
        ("savings against accept-all", report.metrics[SAVINGS].text()),
    ]
    if inputs.gate is not None:
        rows.append(("gate", "promoted to champion" if inputs.gate.promoted else "not promoted"))
    if inputs.bundle_sha256:
        rows.append(("bundle", f"`{inputs.bundle_sha256}` (SHA-256)"))
    return table(("", "this model"), rows, left=(0, 1))
