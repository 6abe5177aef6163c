"""The form of a declared data set: an input for each field, of its kind and by its label, and the row that they hold."""

from __future__ import annotations

from typing import Any

import pytest

from fusionguard.assistant.console.score_form import MISSING, ScoreForm
from fusionguard.assistant.tools.rows import checked_row
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.errors import UsageError
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from tests.registry.conftest import declared

__all__ = ["declared"]


@pytest.fixture(scope="module")
def payments(declared: dict[str, ResolvedDataset]) -> ModelFamily:
    return model_family("fraud").on(declared["card-payments"])


def test_each_field_has_an_input_of_its_kind(payments: ModelFamily) -> None:
    form = ScoreForm(payments)
    inputs: dict[str, Any] = {made.label: made for made in map(form.input, payments.request_fields.all)}
    assert [(label, type(made).__name__) for label, made in inputs.items()] == [
        ("booked at", "Textbox"),
        ("distance from home", "Number"),
        ("attempts in the last hour", "Number"),
        ("amount paid", "Number"),
        ("merchant's trade", "Dropdown"),
        ("country of the merchant", "Dropdown"),
        ("currency", "Textbox"),
        ("rate", "Number"),
    ]
    assert inputs["country of the merchant"].choices[-1] == (MISSING, "")  # the text itself may be a category
    trade, country = ([value for value, _ in inputs[label].choices] for label in ("merchant's trade", "country of the merchant"))
    assert sorted(trade) == ["(other)", "4829", "5411", "5812", "6051"]
    assert country[-2:] == ["(other)", MISSING] and "FR" in country
    assert inputs["distance from home"].info == "may be empty" and inputs["amount paid"].info is None
    assert inputs["booked at"].info == "a time written as %d.%m.%Y %H:%M, such as '15.01.2026 12:30'"
    assert inputs["distance from home"].elem_id == "field-card-payments-distance-km"


def test_the_row_is_checked_as_the_service_does(payments: ModelFamily) -> None:
    form = ScoreForm(payments)
    example = form.values()
    place = {field.name: at for at, field in enumerate(payments.request_fields.all)}
    changed = [*example]
    changed[place["country"]], changed[place["distance km"]], changed[place["mcc"]] = "", None, "(other)"
    changed[place["betrag"]], changed[place["currency"]], changed[place["rate"]] = 200.0, "EUR", 0.85
    row = form.row(changed)
    assert (row["country"], row["distance km"]) == (None, None)
    values = dict(zip(payments.request_fields.prepared, checked_row(payments, row).values, strict=True))
    assert (values["betrag"], values["mcc"], values["country"], values["distance_km"]) == (170.0, "(other)", None, None)
    changed[place["betrag"]], changed[place["booked at"]] = None, "soon"
    with pytest.raises(UsageError) as caught:
        checked_row(payments, form.row(changed))
    assert "betrag must be a finite number." in caught.value.what and "booked at must be a time written as" in caught.value.what
    assert "soon" not in str(caught.value)
    with pytest.raises(UsageError, match="A transaction has no field 'card token'"):
        checked_row(payments, {**row, "card token": "tok-1"})
