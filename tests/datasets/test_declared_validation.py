"""``validation`` of a declaration: what is usual, what is wrong with which line, and whose rows belong together by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.cli.datasets import problems
from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Declaration, Known, Validation
from fusionguard.datasets.described import read_described
from fusionguard.datasets.faults import DeclarationError
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table
from fusionguard.datasets.prepared_names import GROUP
from fusionguard.datasets.reading import parse_declaration, read_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from tests.foreign import write_payments

TIMED = """\
version: 1
name: payments
problem: fraud
time: booked_at
amount: {column: amount}
label: {column: chargeback, known: {after: 14d}}
entities: {card: card_token, shop: merchant_id}
"""


def declared(block: str, text: str = TIMED) -> Declaration:
    return parse_declaration(text + block).declaration


def test_what_is_usual_need_not_be_said() -> None:
    assert declared("").validation is None and declared("").owner == "card"
    usual = declared("validation: {}\n").validation
    assert usual == Validation() and usual is not None
    assert (usual.folds, usual.learned_days, usual.test, usual.wait, usual.k, usual.until) == (4, 7, "7d", None, 100, "test")
    more = declared("validation: {folds: 2, train: all, wait: 3w, test: 1d, blocked: 48h, k: 30, by: shop, until: end}\n")
    dated, delayed = Known(column="told"), Known(after="14d")
    assert [usual.blocked_days(each) for each in (dated, delayed, None)] == [None, 7, 7]
    assert more.validation is not None and [more.validation.blocked_days(each) for each in (dated, delayed)] == [2, 2]
    all_days = declared("validation: {blocked: all}\n").validation
    assert all_days is not None and all_days.blocked_days(delayed) is None
    assert more.owner == "shop" and more.validation is not None and more.validation.learned_days is None


@pytest.mark.parametrize(
    ("block", "line", "told"),
    [
        ("validation:\n", 8, "validation is empty; write {} for what is usual, or remove it"),
        ("validation: 4\n", 8, "validation is 4; it must hold keys and values"),
        ("validation:\n  folds: 2\n  trian: 7d\n", 10, "'validation.trian' is no known key. Did you mean 'train'?"),
        ("validation:\n  folds: 0\n", 9, "validation.folds is 0; it must be a whole number from 1 to 1,000,000"),
        ("validation:\n  folds: true\n", 9, "validation.folds is true; it must be a whole number from 1 to 1,000,000"),
        ("validation:\n  k: 2.5\n", 9, "validation.k is 2.5; it must be a whole number from 1 to 1,000,000"),
        ("validation:\n  train: 36h\n", 9, 'validation.train is "36h"; it must be whole days, such as 7d or 2w, or all'),
        ("validation:\n  test: 0d\n", 9, 'validation.test is "0d"; it must be at least 1d'),
        ("validation:\n  blocked: 36h\n", 9, 'validation.blocked is "36h"; it must be whole days, such as 7d or 2w, or all'),
        ("validation:\n  wait: 7\n", 9, "validation.wait is 7; it must be a duration, such as 90s, 30m, 6h, 14d or 2w"),
        ("validation:\n  until: test_slice\n", 9, 'validation.until is "test_slice"; it must be one of test, end'),
        ("validation:\n  by: crad\n", 9, "validation.by: 'crad' is no entity; there are card, shop. Did you mean 'card'?"),
        (
            "validation:\n  wait: 13d\n",
            9,
            "validation.wait is 13d, and label.known says that outcomes are known after 14d;"
            " wait at least as long, or leave it out",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(block: str, line: int, told: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(block)
    assert [(fault.line, fault.what) for fault in caught.value.faults] == [(line, told)]


def test_it_needs_a_time_and_somebody() -> None:
    with pytest.raises(DeclarationError, match=r"line 7: validation goes by days and needs a time, and there is none"):
        declared("validation: {}\n", TIMED.replace("time: booked_at\n", "").replace(", known: {after: 14d}", ""))
    with pytest.raises(DeclarationError, match=r"line 7: validation counts whom somebody looks at and needs entities"):
        declared("validation: {}\n", "\n".join(TIMED.splitlines()[:-1]) + "\n")


def test_a_bundle_keeps_it_and_rows_belong_together_by_it(tmp_path: Path) -> None:
    file = write_payments(tmp_path / "source", 60)
    groups = []
    for number, block in enumerate(("", "validation: {}\n", "validation: {by: country}\n")):
        text = file.read_text().replace("entities: {card: card token}", "entities: {card: card token, country: country}")
        changed = file.with_name(f"changed_{number}.yaml")
        changed.write_text(text + block)
        read, described = read_described(read_declaration(changed), "auto", tmp_path / str(number), rows=0, seed=1, earliest=0.6)
        assert ResolvedDataset.from_json(described.to_json()) == described
        assert ResolvedDataset.model_validate_json(described.model_dump_json()) == described
        assert ("validation" in described.to_json()) == bool(block)
        groups.append(Table(read.table.path).read([GROUP])[GROUP].to_numpy())
    assert groups[0].tolist() == groups[1].tolist() and len(set(groups[0].tolist())) > 5
    countries = [line.split(",")[9] for line in (tmp_path / "source" / "rows.csv").read_text().splitlines()[1:]]
    nobody = countries.count("")
    assert nobody > 1 and len(set(groups[2].tolist())) == len({*countries} - {""}) + nobody, "a row of nobody is one of its own"


def test_a_draft_names_it_where_rows_have_a_time_and_owners(tmp_path: Path) -> None:
    write_payments(tmp_path, 400)
    assert "# validation: {}" in draft_declaration(inspect_table([tmp_path / "rows.csv"], problems()))
