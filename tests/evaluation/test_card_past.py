"""What a card says of the past that a model reads."""

from __future__ import annotations

from pathlib import Path

from fusionguard.datasets.reading import parse_declaration
from fusionguard.evaluation.card.past import reads_of_the_past
from tests.foreign import write_payments

WINDOWS = """
windows:
  card: {spans: [1h, 30d], of: [count, mean]}
  shop: {spans: [400d], of: [count]}
  both: {spans: [1d], of: [count]}
"""


def test_it_names_entities_spans_and_tiles_and_that_scoring_needs_the_history(tmp_path: Path) -> None:
    text = (
        write_payments(tmp_path, 50)
        .read_text()
        .replace("entities: {card: card token}", "entities: {card: card token, shop: mcc, both: [card token, mcc]}")
    )
    told = reads_of_the_past(parse_declaration(text + WINDOWS).declaration)
    assert "of the same card (card token) over 1h (tiles of 2 min), 30d (tiles of 1 d);" in told
    assert "of the same shop (mcc) over 400d (tiles of 13.3 d);" in told
    assert "; of the same both (card token, mcc) over 1d (tiles of 48 min)." in told
    assert "a 30th of its span" in told and "`fusionguard score --history`" in told and "`fusionguard state build`" in told
    assert "*usual* is what the entity's own longest span makes of a shorter one" in told
    assert reads_of_the_past(parse_declaration(text).declaration) == ""
