"""The section on the data: where the rows come from, what they hold, and what was done to them."""

from __future__ import annotations

from collections.abc import Iterator

from fusionguard.datasets.declaration import Declaration
from fusionguard.evaluation.card.markdown import count, percent, text
from fusionguard.evaluation.card.sections import origin, paragraphs
from fusionguard.families.fraud.card import shipped
from fusionguard.families.fraud.card.inputs import FraudCardInputs

_ORIGINS = {
    "kaggle": "real card transactions, downloaded from Kaggle",
    "local": "a local file in Kaggle's layout",
    "simulated": "SIMULATED transactions",
}
_ORIGINS_DECLARED = {"kaggle": "downloaded from Kaggle", "local": "a local file", "simulated": "SIMULATED rows"}


def data(inputs: FraudCardInputs) -> str:
    """Say where the rows come from and what was done to them."""
    manifest, declared, days = inputs.features, inputs.declared, inputs.time_span_days
    more = [("rows that are used", count(manifest.rows))]
    if declared is None:
        more = [("exact duplicates dropped", count(manifest.duplicates_dropped)), ("rows after that", count(manifest.rows))]
    more += [] if days is None else [("time spanned", f"{days:.2f} days")]
    origins = _ORIGINS if declared is None else _ORIGINS_DECLARED
    return paragraphs(
        shipped.DATA if declared is None else _declared(inputs, declared),
        origin(inputs.provenance, manifest, origins[inputs.provenance.origin], more),
        _prior(inputs),
    )


def _declared(inputs: FraudCardInputs, declared: Declaration) -> str:
    return f"The data set `{text(declared.name)}` as its declaration describes it. {' '.join(_sentences(inputs, declared))}"


def _sentences(inputs: FraudCardInputs, declared: Declaration) -> Iterator[str]:
    definition, described = inputs.features.definition, inputs.features.described
    known = [name for name in definition.model_features if name in definition.known]
    numbers = len(definition.model_features) - len(known)
    yield f"The model reads {count(numbers)} numbers and {count(len(known))} categories of each row."
    if declared.time is None:
        together = f", and those of one {text(next(iter(declared.entities)))} stay together" if declared.entities else ""
        yield f"Rows have no time: they are cut at random{together}."
    if definition.amount is None:
        loss = inputs.evaluation.policy.loss_without_amount
        yield f"Rows have no amount: each fraud counts as a loss of {loss:g} (`policy.loss_without_amount`)."
    elif described is not None and described.currency:
        yield f"Amounts are in {text(described.currency)}."
    if definition.known_column is not None:
        yield "It is recorded when each label was known, and a label that was not known in time is not learned from."
    if declared.private:
        private = count(len(declared.private))
        yield f"Private columns ({private}) are neither learned from nor shown."


def _prior(inputs: FraudCardInputs) -> str:
    test, provenance = inputs.evaluation.test, inputs.provenance
    rate = percent(test.fraud_rate, 3)
    if provenance.negative_sampling_rate >= 1:
        return f"Nothing was sampled: in the test window {rate} of the transactions are fraud."
    return (
        f"The source kept {percent(provenance.negative_sampling_rate, 2)} of the legitimate transactions and every fraud."
        f" Each legitimate row is therefore counted {provenance.negative_weight:.1f} times in every metric, and"
        f" probabilities are those of the real prior: in the test window {rate} of {count(test.transactions)} transactions"
        " are fraud."
    )
