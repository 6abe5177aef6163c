"""The sections on what a churn model is for, what it was made from, and where its use ends."""

from __future__ import annotations

from fusionguard.evaluation.card.markdown import count, percent, table
from fusionguard.evaluation.card.sections import origin, paragraphs, reproduction, search, training
from fusionguard.families.churn.card.inputs import ChurnCardInputs
from fusionguard.families.churn.config import ChurnConfig

_ORIGINS = {
    "kaggle": "real bank customers, downloaded from Kaggle",
    "local": "a local file in Kaggle's layout",
    "simulated": "SIMULATED customers",
}


def intended_use() -> str:
    """Say what the model is for, and what it is not for."""
    return (
        "The model puts a calibrated probability of leaving on each customer of a bank. With the retention policy below it"
        " proposes whom to contact with an offer to stay. An offer is a benefit: the list is for people who work it, who can"
        " leave customers out or add others.\n\n"
        "It is **not** meant to price, to lend, to limit or to deny any service, nor to judge how a customer is treated"
        " otherwise: it reads age, gender and country, and its limits of fairness were set for offers alone. Nor does it say what"
        " would keep a customer."
    )


def data(inputs: ChurnCardInputs) -> str:
    """Say where the customers come from and what was done to them."""
    plan = inputs.plan
    left = f"{count(plan.positives)} ({percent(plan.positives / plan.rows)})"
    return paragraphs(
        "Each row is one customer: credit score, country, gender, age, years with the bank, balance, number of products, whether"
        " there is a credit card, whether the customer is active, and an estimated salary, with a label that says whether the"
        " customer left. Surname and customer number are dropped before anything is computed. There is no date in the data.",
        origin(
            inputs.provenance,
            inputs.features,
            _ORIGINS[inputs.provenance.origin],
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
        f"Without dates there is no past to learn from and no future to be judged on. {percent(plan.test_share, 0)} of the"
        f" customers, drawn by seed {plan.seed} so that leavers keep their share, are held out as the test slice and read once,"
        f" at the end. Everything is chosen on the rest by {plan.repeats} times {plan.folds} stratified folds: each customer is"
        " scored by models that have not seen them.",
        table(("part", "customers", "left", "used for"), rows, left=(0, 3)),
        "\n".join(f"- {choice}" for choice in _choices(inputs)),
        training(inputs.training),
    )


def _choices(inputs: ChurnCardInputs) -> list[str]:
    return [
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
    default = ChurnConfig()
    parts = ("lightgbm", "catboost")
    if any(getattr(inputs.config, part) != getattr(default, part) for part in parts):
        return "Set by hand for this run; no search was made."
    return (
        "The defaults. LightGBM's are few small trees, since what searches in nested folds find ties with them. CatBoost's were"
        " found by a search on the development part (seed 7) of 8,000 of the 10,000 rows of Kaggle's public file: on the whole"
        " file, or with another seed or share of test rows, the test slice holds customers whom the search has seen, and leans to"
        " the good side."
    )


def limits(inputs: ChurnCardInputs) -> str:
    """Say what the numbers cannot tell."""
    report = inputs.evaluation
    points = [
        "**No time.** The data has no dates: nothing is claimed about customers of a later year, about seasons, or about how long"
        " before leaving a customer is recognised. Expect the model to age without the data showing when.",
        "**One file.** The customers are those of one bank's file in three countries; who was chosen for it, when, and what"
        " counts as leaving is not recorded. Another bank must train on its own.",
        "**No causes.** The model finds who leaves, not why. Its reasons are what raised a probability, not levers: making"
        " customers active or selling them a second product need not keep anybody.",
        f"**Values are assumptions.** What a customer is worth, what an offer costs and that"
        f" {percent(report.policy.acceptance, 0)} of leavers accept were set, not measured. Profits are right if these are; no"
        " offer was tried on anybody. A trial with a control group that gets none would tell.",
        f"**Few leavers.** The test slice holds {count(report.test.churners)} of them. Intervals cover chance in the customers,"
        " not a change of the world; those of small groups are wide.",
        "**Customers of today.** An active member or a holder of a product is one on the day the file was made. If that was after"
        " the customer left, the model knows too much; the file does not say.",
    ]
    if inputs.simulated:
        points.insert(
            0, "**Simulated data.** The simulator imitates published statistics of real customers; real ones are less tidy."
        )
    return "\n".join(f"- {point}" for point in points)


def reproduce(inputs: ChurnCardInputs) -> str:
    """Say which command makes this model again, and what must be the same for that."""
    return reproduction("churn", inputs.provenance, inputs.config, inputs.versions)
