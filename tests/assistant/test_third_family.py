"""The assistant understands a family that it was not written for, by what that family says of itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionguard.assistant.asked import AskedModel, mentioned_models, shipped_models
from fusionguard.assistant.followups import stand_alone
from fusionguard.assistant.given_values import given_values
from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.routing import route
from fusionguard.assistant.tools.metrics import MetricsArguments
from fusionguard.assistant.tools.toolbox import ToolCall
from fusionguard.assistant.vocabulary import documents_words
from fusionguard.errors import UnknownChoiceError
from fusionguard.home import Home
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
    assert _meant("How many shipments were flagged?") == [NAME]
    assert _meant("Compare late shipments with fraud.") == []
    before = ["What does monitoring say about churn?"]
    assert stand_alone("and for lateness?", before, shipped_models()) == "What does monitoring say about lateness?"
    asked = route("How good is the latest lateness model?", shipped_models())
    assert asked == (ToolCall("model_metrics", {"model": NAME, "version": "latest"}),)
    assert [call.arguments["model"] for call in route("What is the average precision of the champions?", shipped_models())] == [
        "fraud",
        "churn",
        NAME,
    ]
    assert MetricsArguments.model_validate({"model": NAME}).model == NAME
    assert "shipment" in documents_words("Where is my parcel?")


@pytest.mark.usefixtures("third")
def test_its_fields_are_read_and_others_are_not() -> None:
    given = given_values("What if a shipment has 7 stops and a distance of 812.5?", _third())
    assert given.values == {"stops": 7, "distance_km": 812.5} and isinstance(given.values["stops"], int)
    assert not given.unclear and not given.leftover
    (call,) = route("What if a parcel, a shipment with 7 stops, goes 90 km at noon?", shipped_models())
    assert call.arguments == {"model": NAME, "values": {"stops": 7, "distance_km": 90.0}}
    assert given_values("a shipment with Balance 30", _third()).leftover == ["'30'"]


def test_nobody_knows_it_where_it_is_not(tmp_path: Path) -> None:
    assert _meant("How many shipments were flagged?") == []
    with pytest.raises(UnknownChoiceError, match="Unknown model 'lateness'"):
        KnownModels(Home(tmp_path), tmp_path / "release").find(NAME)


def _meant(question: str) -> list[str]:
    return [model.name for model in mentioned_models(question, shipped_models())]


def _third() -> AskedModel:
    return next(model for model in shipped_models() if model.name == NAME)
