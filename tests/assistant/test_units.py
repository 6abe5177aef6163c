"""Passages come apart into pieces that can be quoted alone."""

from __future__ import annotations

from fusionguard.assistant.units import split_sentences, split_units
from tests.assistant.conftest import BREWING


def test_sentences_items_rows_and_commands_are_units() -> None:
    units = {unit.text: unit.kind for unit in split_units(BREWING)}
    assert units["It never boils more than 15 litres at once."] == "sentence"
    assert units["Descale the kettle every 30 days with citric acid."] == "item"
    assert units["light roast: water, degrees: 94; minutes: 3.5"] == "row"
    assert units["`make coffee STRENGTH=3`: brew a strong pot"] == "code"


def test_links_lose_their_targets_and_pictures_and_diagrams_go() -> None:
    text = "See [the **card**](card.md) now.\n\n![a picture](x.png)\n\n```mermaid\nflowchart LR\n  a --> b\n```\n"
    assert [unit.text for unit in split_units(text)] == ["See the card now."]


def test_a_dot_is_not_always_an_end() -> None:
    text = "Use e.g. Parquet, vs. CSV. It took 0.5 s. Run `a. B` then."
    assert split_sentences(text) == ("Use e.g. Parquet, vs. CSV.", "It took 0.5 s.", "Run `a. B` then.")
