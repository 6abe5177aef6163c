"""The measure of faithfulness finds what does not stand in its source."""

from __future__ import annotations

from benchmarks.assistant.answers import judge
from fusionguard.assistant.answers import Answer, Citation

SOURCE = Citation(
    number=1,
    passage="docs/coffee",
    file="docs/coffee.md",
    heading="Coffee",
    source="commit 0",
    text="Coffee is brewed at 92 degrees for 4 minutes.\n\n| roast | degrees |\n|---|---|\n| light | 94 |\n",
)


def _judge(text: str) -> list[bool]:
    return judge(Answer(kind="answer", text=text, citations=(SOURCE,), written_by="model"))


def test_what_stands_there_is_supported() -> None:
    assert _judge("Coffee is brewed at 92 degrees. [1]\n\n- light: 94 [1]") == [True, True]


def test_a_wrong_number_other_words_and_no_citation_are_not() -> None:
    assert _judge("Coffee is brewed at 93 degrees. [1]") == [False]
    assert _judge("Tea is grown on high mountains in Ceylon. [1]") == [False]
    assert _judge("Coffee is brewed at 92 degrees.") == [False]
    assert _judge("Coffee is brewed at 92 degrees. [2]") == [False]
    assert _judge("Coffee is brewed at 92 degrees. [1] It costs 3 dollars. [1]") == [True, False]
