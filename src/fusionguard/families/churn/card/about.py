"""The sections on what a churn model is for, what it was made from, and where its use ends."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count, percent, table
from fusionguard.evaluation.card.past import reads_of_the_past
from fusionguard.evaluation.card.sections import origin, paragraphs, reproduction, search, training
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.features.told import Texts

_SIMULATED = "SIMULATED customers"


def intended_use(texts: Texts) -> str:
    """Say what the model is for, and what it is not for."""
    sensitive = f": {texts.sensitive}" if texts.sensitive else ""
    return (
        f"The model puts a calibrated probability of leaving on each customer{texts.of_whom}. With the retention policy below it"
        " proposes whom to contact with an offer to stay. An offer is a benefit: the list is for people who work it, who can"
        " leave customers out or add others.\n\n"
        "It is **not** meant to price, to lend, to limit or to deny any service, nor to judge how a customer is treated"
        f" otherwise{sensitive}. Nor does it say what would keep a customer."
    )


def data(inputs: ChurnCardInputs) -> str:
    """Say where the customers come from and what was done to them."""
    plan = inputs.plan
    left = f"{count(plan.positives)} ({percent(plan.positives / plan.rows)})"
    return paragraphs(
        inputs.texts.rows + ("" if _dated(inputs) else " No time of the rows is declared."),
        origin(
            inputs.provenance,
            inputs.features,
            _origin(inputs),
            [("customers", count(plan.rows)), ("of whom left", left)],
        ),
        "Nothing was sampled or weighted: shares and probabilities are those of this file.",
    )


def protocol(inputs: ChurnCardInputs) -> str:
    """Say which customers were used for what."""
    plan = inputs.plan
    development = plan.development_positives
    rows = [
        (
            "development",
            count(plan.development_rows),
            count(development),
            "folds choose the model, the calibration and the policy; the evaluated model is fitted on all of it",
        ),
        (
            "test",
            count(plan.test_rows),
            count(plan.test_positives),
            "one final reading" + (", then the delivered model's fit" if inputs.refitted_rows else ""),
        ),
    ]
    return paragraphs(
        _in_order_of_time(plan) if plan.timed else _drawn(plan),
        table(("part", "customers", "left", "used for"), rows, left=(0, 3)),
        "\n".join(f"- {choice}" for choice in _choices(inputs)),
        training(inputs.training),
    )


def _drawn(plan: HoldoutPlan) -> str:
    return (
        f"Without dates there is no past to learn from and no future to be judged on. {percent(plan.test_share, 0)} of the"
        f" customers, drawn by seed {plan.seed} so that leavers keep their share, are held out as the test slice and read once,"
        f" at the end. Everything is chosen on the rest by {plan.repeats} times {plan.folds} stratified folds: each customer is"
        " scored by models that have not seen them."
    )


def _in_order_of_time(plan: HoldoutPlan) -> str:
    unknown = (
        f" {count(plan.unknown_rows)} rows are in neither part: their outcome was not known in time." if plan.unknown_rows else ""
    )
    return (
        f"Rows are in order of time. The latest {percent(plan.test_share, 0)} are held out as the test slice and read once, at"
        f" the end. Everything is chosen on the earlier rest by {plan.folds} folds that go forward: models are fitted on what was"
        f" known when the judged rows begin.{unknown}"
    )


def _choices(inputs: ChurnCardInputs) -> list[str]:
    return [
        *_sampled(inputs.plan),
        f"**Hyperparameters.** {_tuning(inputs)}",
        "**Model.** CatBoost, LightGBM and the average of their log-odds, in this order of simplicity, are compared by mean"
        " average precision over the folds. A tie goes to the simpler one: the best is used only where the 95 % interval of its"
        " gain over every simpler one, pair by pair on the same folds, lies above 0.",
        "**Calibration.** One line from log-odds to log-odds (Platt's method) is fitted on the out-of-fold scores. Where it is"
        " judged in cross-validation, it is fitted on the other folds only.",
        "**Policy.** The bar of an offer, and bars by group where mitigation is on, are learned on out-of-fold probabilities.",
        _delivered(inputs),
        "**Nothing is resampled.** Classes keep their shares in every fit; copies or mixtures of customers would leak from a fold"
        " into the next, and probabilities would have to be bent back.",
    ]


def _sampled(plan: HoldoutPlan) -> list[str]:
    if plan.most_folded_rows is None:
        return []
    return [
        f"**Sample.** Folds are of {count(plan.most_folded_rows)} drawn customers of the development part, and references are"
        " fitted on these; the model itself is fitted on the whole part."
    ]


def _delivered(inputs: ChurnCardInputs) -> str:
    if inputs.refitted_rows is None:
        return (
            "**Delivered model.** The model that the test slice was read with; it was not fitted on those customers afterwards."
        )
    return (
        f"**Delivered model.** After the reading the trees were fitted anew on all {count(inputs.refitted_rows)} customers, with"
        " the same settings and seed; calibration and bars are kept. Every number on this card, the contact list and what"
        " monitoring compares with are of the evaluated model, fitted without the test slice. The bundle holds it, too, and the"
        " gate compares it, never the delivered one, which has seen those customers' answers."
    )


def _tuning(inputs: ChurnCardInputs) -> str:
    if inputs.searched:
        return search(inputs.searched, "folds of the development part that are not those of the evaluation")
    if inputs.preset:
        return inputs.preset
    default = ChurnConfig()
    parts = ("lightgbm", "catboost")
    if any(getattr(inputs.config, part) != getattr(default, part) for part in parts):
        return "Set by hand for this run; no search was made."
    return inputs.texts.defaults


def _origin(inputs: ChurnCardInputs) -> str:
    if inputs.simulated:
        return _SIMULATED
    return "real customers, downloaded from Kaggle" if inputs.provenance.origin == "kaggle" else inputs.texts.local_file


def _dated(inputs: ChurnCardInputs) -> bool:
    return inputs.definition.time_column is not None


def limits(inputs: ChurnCardInputs) -> str:
    """Say what the numbers cannot tell."""
    report, texts, described = inputs.evaluation, inputs.texts, inputs.features.described
    past = "" if described is None else reads_of_the_past(described.declaration)
    undated = (
        "**No time.** No time of the rows is declared: nothing is claimed about customers of a later year, about seasons, or"
        " about how long before leaving a customer is recognised. Expect the model to age without the data showing when."
    )
    points = [
        *([] if _dated(inputs) else [undated]),
        *([past] if past else []),
        texts.one_file,
        texts.no_causes,
        f"**Values are assumptions.** What a customer is worth, what an offer costs and that"
        f" {percent(report.policy.acceptance, 0)} of leavers accept were set, not measured. Profits are right if these are; no"
        " offer was tried on anybody. A trial with a control group that gets none would tell.",
        f"**Few leavers.** The test slice holds {count(report.test.churners)} of them. Intervals cover chance in the customers,"
        " not a change of the world; those of small groups are wide.",
        texts.hindsight,
    ]
    if inputs.simulated:
        points.insert(
            0, "**Simulated data.** These customers were made up after what real ones are like; real ones are less tidy."
        )
    return "\n".join(f"- {point}" for point in points)


def reproduce(inputs: ChurnCardInputs) -> str:
    """Say which command makes this model again, and what must be the same for that."""
    return reproduction("churn", inputs.provenance, inputs.config, inputs.versions)
