"""The sentences of a churn model's card and insights that are about its data set: written ones, or those of its labels."""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.families.churn.wording import protected_features, word_of
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.told import Texts

_NAMED = 30


def texts_of(definition: FeatureDefinition) -> Texts:
    """Return what card and insights say of a data set."""
    return _of_labels(definition) if definition.told is None else definition.told.texts


def worth_in_words(amount: str | None, base: float, margin: float) -> str:
    """Say what a customer who stays is worth: ``100.00 plus 0.0013 of the balance``."""
    return f"{base:,.2f}" if amount is None else f"{base:,.2f} plus {margin:g} of the {amount}"


def currency_in_words(amount: str | None) -> str:
    """Say which currency profits are in where none is declared: that of an amount, or that of the settings."""
    return "the currency of the settings" if amount is None else f"the currency of the {amount}"


def _of_labels(definition: FeatureDefinition) -> Texts:
    features = [word_of(definition, name) for name in definition.model_features]
    attributes = [cut.name for cut in definition.attributes]
    hidden = sorted(word_of(definition, name) for name in protected_features(definition))
    read = [cut.name for cut in definition.attributes if (cut.column or cut.expression) in definition.model_features]
    many = len(features) - _NAMED
    more = f" and {many} more" if many > 0 else ""
    return Texts(
        title=f"customer churn, {definition.dataset}",
        of_whom="",
        leaves="leaves",
        rows=(
            "Each row is one customer with a label that says whether the customer left. The model reads"
            f" {_listed(features[:_NAMED])}{more}. What is private, or not declared as a feature, is no part of it."
        ),
        sensitive=f"it reads {_listed(read)}" if read else "",
        local_file="a local file",
        defaults=(
            "The defaults, which were found on customers of a bank and not on this data. A search on this data's own development"
            " part (`--set tuning.trials=40`) may find better ones."
        ),
        one_file=(
            "**One file.** The customers are those of one file; who was chosen for it, when, and what counts as leaving is known"
            " to whoever made it. Other customers need a model of their own."
        ),
        no_causes=(
            "**No causes.** The model finds who leaves, not why. Its reasons are what raised a probability, not levers: changing"
            " what they name need not keep anybody."
        ),
        hindsight=(
            "**Known in time.** Each column is taken to be known before the customer left. If one was written afterwards, the"
            " model knows too much; the file does not say."
        ),
        published="",
        untold=(
            f"Protected columns are never told as a reason ({_listed(hidden)}): it would invite unequal treatment. What they"
            " weigh is shown here."
            if hidden
            else ""
        ),
        fairness=(
            (
                f"**Inputs.** The model reads {_listed(read)}. Whether customers may be treated differently by that is a question"
                " of law: ask counsel before using the model on real people.",
            )
            if read
            else ()
        ),
        expected={},
        not_causes=(
            "**Not causes.** Who leaves is not why. That customers who have something in common leave more often does not say"
            " that changing it keeps anybody."
        ),
        not_treatment=(
            "**Not a reason to treat people differently.** "
            + (
                f"What is protected ({_listed(attributes)}) is shown so that unequal treatment can be seen. "
                if attributes
                else "The data set declares nothing as protected, so that unequal treatment cannot be seen here. "
            )
            + "The model card reads fairness, and `docs/responsible_ai.md` says who decides."
        ),
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
