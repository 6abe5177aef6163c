"""Whose rows are kept together: those of the first entity, which a draft chooses and a run says where there are several."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table

DRAFTED = "# Without a time, rows of one value of the first are kept together."
SAID = (
    "Rows of one customer stay together; those of one card or merchant may be learned from and judged by. "
    "The first of entities decides."
)


def _rows(folder: Path, *entities: str) -> Path:
    """Write 600 rows with 40 merchants, 150 cards and 75 customers, in columns of this order."""
    values = {"merchant_id": lambda row: f"m{row * 7 % 40}", "card_token": lambda row: f"c{row * 11 % 150}"}
    values["customer_id"] = lambda row: f"u{row * 11 % 75}"
    lines = [",".join((*entities, "size", "is_fraud"))]
    for row in range(600):
        lines.append(",".join((*(values[name](row) for name in entities), str(row * 37 % 101 / 8), str(int(row % 9 == 4)))))
    file = folder / "rows.csv"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return file


@pytest.mark.parametrize("merchant_first", [True, False])
def test_a_draft_puts_people_first_wherever_their_column_is(merchant_first: bool, tmp_path: Path) -> None:
    columns = ["merchant_id", "card_token", "customer_id"]
    file = _rows(tmp_path, *(columns if merchant_first else reversed(columns)))
    lines = draft_declaration(inspect_table([file], problems())).splitlines()
    at = lines.index("entities:")
    assert lines[at + 1] == DRAFTED
    kept = [line.split("#")[0].strip() for line in lines[at + 2 :] if line.startswith("  ") and line.strip()[0] != "#"]
    assert kept[:3] == ["customer: customer_id", "card: card_token", "merchant: merchant_id"]


def test_a_draft_says_nothing_of_one_entity(tmp_path: Path) -> None:
    draft = draft_declaration(inspect_table([_rows(tmp_path, "card_token")], problems()))
    assert "  card: card_token" in draft and DRAFTED not in draft


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        ("{customer: customer_id, card: card_token, merchant: merchant_id}", [SAID]),
        ("{customer: customer_id}\nignored: [card_token, merchant_id]", []),
    ],
)
def test_a_run_says_whose_rows_are_parted(
    entities: str, said: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _rows(tmp_path, "merchant_id", "card_token", "customer_id")
    declaration = tmp_path / "declaration.yaml"
    text = "version: 1\nname: t\nproblem: fraud\nrows: rows.csv\nlabel: is_fraud\nnumeric: {size: }\n"
    declaration.write_text(f"{text}entities: {entities}\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "fusionguard.source"):
        read_described(find_dataset(str(declaration)), "auto", tmp_path / "read", rows=0, seed=1, earliest=0.6)
    assert [record.getMessage() for record in caplog.records if "same as an earlier" not in record.getMessage()] == said
