"""The contact list: who would get an offer, those who earn most first, each with the drivers of their risk in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.data.table import CARRIED, Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.model import OFFER, ChurnModel
from fusionguard.families.family import REASONS
from fusionguard.families.of_bundle import family_of

TOLD = 3
"""How many reasons a customer has at most."""


def contact_list(model: ChurnModel, features: Table, plan: HoldoutPlan, raw: Table | None = None) -> pa.Table:
    """List the test slice's customers with an offer, first the column that the ``raw`` table carries for its owner, if any.

    Customers are named by their row in the source, from 0 as pandas counts; whoever holds the source knows who they are, and
    nobody else. In a declared data set they are named by its id, where it has one. It is a sample of what the policy does: for
    the customers of today, score them.

    Returns
    -------
    A table of row, probability, risk_band, expected_profit, bar (what an offer to this customer had to exceed) and
    reasons, by falling expected profit.
    """
    definition = model.features
    number = str(definition.row_column)
    rows = features.read([number, *definition.model_features])
    _, test = plan.places(plan.planned(features))
    rows = rows.take(test)
    answers = model.answer_features(rows, reasons=TOLD)
    places = np.flatnonzero(np.asarray(answers["decision"].to_numpy(zero_copy_only=False) == OFFER))
    profit = answers["expected_profit"].to_numpy()[places]
    places = places[np.argsort(-profit, kind="stable")]
    listed = {"row": rows[number]} | {name: answers[name] for name in ("probability", "risk_band", "expected_profit")}
    listed |= {"bar": model.bar(rows), REASONS: answers[REASONS]}
    contacts = pa.table(listed).take(pa.array(places))
    if raw is None or raw.carried_name is None:
        return contacts
    ids = raw.read([CARRIED])[CARRIED].take(contacts["row"])
    family = family_of(model.bundle)
    if family.model != family.name:  # the rows of a declared data set are prepared in another order than the source's
        contacts = contacts.drop_columns(["row"])
    if raw.carried_name in contacts.column_names:
        contacts = contacts.drop_columns([raw.carried_name])
    return contacts.add_column(0, raw.carried_name, ids)
