"""The assistant understands a family that it was not written for, by what that family says of itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from fusionguard.assistant.followups import mentioned_family, stand_alone
from fusionguard.assistant.given_values import given_values
from fusionguard.assistant.routing import route
from fusionguard.assistant.tools.metrics import MetricsArguments
from fusionguard.assistant.tools.toolbox import ToolCall
from fusionguard.assistant.vocabulary import documents_words
from tests.families.third import NAME, install


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(monkeypatch)
    _forget()
    yield
    _forget()


def _forget() -> None:
    """Let the assistant ask again which families there are, which it does once in a process."""
    for name, module in [*sys.modules.items()]:
        if name.startswith("fusionguard.assistant"):
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()


@pytest.mark.usefixtures("third")
def test_it_is_asked_for_by_its_own_words() -> None:
    assert mentioned_family("How many shipments were flagged?") == NAME
    assert mentioned_family("Compare late shipments with fraud.") is None
    assert (
        stand_alone("and for lateness?", ["What does monitoring say about churn?"]) == "What does monitoring say about lateness?"
    )
    asked = route("How good is the latest lateness model?")
    assert asked == (ToolCall("model_metrics", {"family": NAME, "version": "latest"}),)
    assert [call.arguments["family"] for call in route("What is the average precision of the champions?")] == [
        "fraud",
        "churn",
        NAME,
    ]
    assert MetricsArguments.model_validate({"family": NAME}).family == NAME
    assert "shipment" in documents_words("Where is my parcel?")


@pytest.mark.usefixtures("third")
def test_its_fields_are_read_and_others_are_not() -> None:
    given = given_values("What if a shipment has 7 stops and a distance of 812.5?", NAME)
    assert given.values == {"stops": 7, "distance_km": 812.5} and isinstance(given.values["stops"], int)
    assert not given.unclear and not given.leftover
    (call,) = route("What if a parcel, a shipment with 7 stops, goes 90 km at noon?")
    assert call.arguments == {"family": NAME, "values": {"stops": 7, "distance_km": 90.0}}
    assert given_values("a shipment with Balance 30", NAME).leftover == ["'30'"]


def test_nobody_knows_it_where_it_is_not() -> None:
    assert mentioned_family("How many shipments were flagged?") is None
    with pytest.raises(ValueError, match="Input should be 'fraud' or 'churn'"):
        MetricsArguments.model_validate({"family": NAME})
