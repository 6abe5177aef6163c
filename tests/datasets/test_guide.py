"""The declarations that docs/your_data.md shows are ones."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from fusionguard.datasets.declaration import Known, Validation
from fusionguard.datasets.reading import parse_declaration

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "your_data.md"


def shown(heading: str) -> dict[str, object]:
    """Return the first YAML below a heading of the guide."""
    found = re.search(rf"^#+ {heading}\n.*?^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    content: dict[str, object] = yaml.safe_load(found[1])
    return content


def test_the_folds_in_time_are_those_that_nobody_need_say() -> None:
    block = shown("Folds in time")
    timed = shown("The declaration")
    told = parse_declaration(yaml.safe_dump(timed | block)).declaration.validation
    assert told == Validation(wait="14d", by="card", blocked="7d")
    assert Validation().blocked_days(Known(after="14d")) == told.blocked_days(None) == 7


def test_the_whole_declaration_is_one_also_with_how_a_file_is_written() -> None:
    whole, more = shown("The declaration"), shown("How the file is written")
    plain = parse_declaration(yaml.safe_dump(whole)).declaration
    assert plain.csv.decimal == "." and plain.optional == ()
    numeric = {**whole["numeric"], **more.pop("numeric")}  # type: ignore[dict-item]
    read = parse_declaration(yaml.safe_dump(whole | more | {"numeric": numeric})).declaration
    assert (read.csv.separator, read.csv.decimal, read.csv.thousands) == (";", ",", ".")
    assert read.numeric["attempts"].missing_values == (-1, "n/a")
    assert read.bands["amount_band"].names == ("small", "medium", "large")
    assert read.optional == ("distance_km",)
