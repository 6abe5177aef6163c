"""The churn model's card as Markdown: its sections in the order a reader needs them."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count
from fusionguard.evaluation.card.sections import delivered_row, gate, glance, write_card
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.families.churn.card import about, decisions, fairness, results
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.readings import CAMPAIGN_PROFIT
from fusionguard.families.churn.report import ChurnReport

SIMULATED_BANNER = (
    "> **SIMULATED DATA.** This model was trained and tested on customers that were made up.\n"
    "> Its numbers show that the pipeline works; they say nothing about real customers,"
    " and the model must not decide about real people."
)


def churn_model_card(inputs: ChurnCardInputs, *, image_folder: str | None = None) -> str:
    """Write the card.

    Parameters
    ----------
    inputs
        The facts of the run.
    image_folder
        Where the plots lie, relative to the card (``"churn_model_card"``); without it the text has no images, and
        :func:`~fusionguard.evaluation.card.card_html` puts them at its end.
    """
    sections = [
        ("At a glance", _glance(inputs)),
        ("Intended use", about.intended_use(inputs.texts)),
        ("Data and origin", about.data(inputs)),
        ("Protocol", about.protocol(inputs)),
        ("Cross-validation", results.cross_validation(inputs, image_folder)),
        ("Results on the test slice", results.test(inputs, image_folder)),
        ("Why the two differ", results.differences(inputs)),
        ("Segments", results.segments(inputs.evaluation)),
        ("Explainability", results.explainability(inputs, image_folder)),
        ("Retention policy", decisions.policy(inputs, image_folder)),
        ("Risk bands", decisions.bands(inputs.evaluation, image_folder)),
        ("Lift", decisions.lift(inputs.evaluation, image_folder)),
        ("Fairness", fairness.fairness(inputs, image_folder)),
        ("Gate", gate(inputs.gate)),
        ("Limits", about.limits(inputs)),
        ("How to reproduce", about.reproduce(inputs)),
    ]
    return write_card(f"Model card: {inputs.texts.title}", SIMULATED_BANNER if inputs.simulated else None, sections)


def _glance(inputs: ChurnCardInputs) -> str:
    report = inputs.evaluation
    folds = report.cross_validation
    own = folds.models[folds.chosen]
    rows = [
        ("model", f"gradient-boosted trees by LightGBM and CatBoost (chosen: {folds.chosen}), calibrated by Platt's method"),
        ("data", f"{inputs.provenance.description} ({inputs.provenance.origin})"),
        *delivered_row(inputs.refitted_rows, "customers"),
        ("test slice", f"{count(report.test.rows)} customers, {count(report.test.churners)} of whom left, read once"),
        ("ROC AUC, cross-validated", own[ROC_AUC].text()),
        ("ROC AUC, test slice", report.metrics[ROC_AUC].text()),
        ("average precision, cross-validated", own[AVERAGE_PRECISION].text()),
        ("average precision, test slice", report.metrics[AVERAGE_PRECISION].text()),
        (report.metric_labels[CAMPAIGN_PROFIT], decisions.money(report.campaign.profit_per_1000)),
        ("fairness", _fairness_in_brief(report)),
    ]
    return glance(rows, inputs.gate, inputs.bundle_sha256)


def _fairness_in_brief(report: ChurnReport) -> str:
    verdicts = [gap.verdict for gap in report.fairness.gaps]
    if not verdicts:
        return "not read: the data set declares no protected columns"
    broken, watched = verdicts.count("broken"), verdicts.count("watch")
    brief = "no limit broken" if broken == 0 else f"{broken} limit{'s' if broken > 1 else ''} broken"
    return brief + (f", {watched} gap{'s' if watched > 1 else ''} to be watched" if watched else "")
