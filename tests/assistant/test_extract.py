"""What is quoted of passages."""

from __future__ import annotations

import pytest

from fusionguard.assistant.answers import Persona
from fusionguard.assistant.extract import extract
from fusionguard.assistant.passages import Passage

CARD = Passage(
    id="card",
    kind="card",
    file="card.md",
    heading="Model card > Results",
    text="Average precision is 0.220 above that of the reference. The average precision of the bundle is read on the test slice.",
    source="s",
)
GLOSSARY = Passage(
    id="glossary",
    kind="document",
    file="glossary.md",
    heading="Glossary > Models",
    text="- **Average precision** is the area under the precision-recall curve.\n"
    "- **Bundle**: the folder that is a model. **Champion, challenger**: the model in use, and the one that wants its place.\n",
    source="s",
)


@pytest.mark.parametrize(
    ("question", "definition"),
    [
        ("What is average precision?", "Average precision is the area under the precision-recall curve."),
        ("what's a bundle", "Bundle: the folder that is a model."),
        ("Define champion.", "Champion, challenger: the model in use, and the one that wants its place."),
    ],
)
def test_who_asks_what_something_is_gets_its_definition(question: str, definition: str) -> None:
    assert extract(question, (CARD, GLOSSARY), Persona.EXECUTIVE)[0].text == definition


def test_who_asks_for_a_value_does_not() -> None:
    told = extract("How high is average precision against the reference?", (CARD, GLOSSARY), Persona.EXECUTIVE)
    assert told[0].text == "Average precision is 0.220 above that of the reference."
