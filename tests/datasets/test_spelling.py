"""A category is the same however its cell comes: as a CSV's text, a number, a truth value, in a table of types or over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from fusionguard.datasets.cells import Spelling, as_category, spelled
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_rows
from fusionguard.datasets.table_rows import open_rows
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily

HEAD = "version: 1\nname: t\nproblem: fraud\nlabel: y\nnumeric: {n: null}\ncategorical: {c: "


def described(cells: list[Any], settings: str = "{missing: allow}") -> ResolvedDataset:
    rows = len(cells)
    table = pa.table({"n": list(range(rows)), "y": [1, *[0] * (rows - 1)], "c": cells})
    return resolve(parse_declaration(f"{HEAD}{settings}}}\n"), table)


def family(described: ResolvedDataset) -> ModelFamily:
    return model_family("fraud").on(described)


def prepared(described: ResolvedDataset, cells: Any) -> list[Any]:
    raw = pa.table({"n": [7] * len(cells), "c": cells})
    return list(prepare_rows(described, raw)["c"].to_pylist())


def sent(described: ResolvedDataset, cells: list[Any]) -> list[Any]:
    (field,) = (each for each in family(described).request_fields.all if each.name == "c")
    return [field.read(json.loads(json.dumps(cell))) for cell in cells]


TRUTHS = ["True", "False", "False", None]
CODES = ["101.0", "103.0", "103.0", ""]
ZEROS = ["007", "012", "012", None]


@pytest.mark.parametrize(
    ("learned", "known", "told", "expected"),
    [
        (TRUTHS, ("false", "true"), ["True", "false", " TRUE "], ["true", "false", "true"]),
        (TRUTHS, ("false", "true"), [True, False, None], ["true", "false", None]),
        (TRUTHS, ("false", "true"), [1, 0, 2], ["true", "false", "(other)"]),
        ([True, False, False, None], ("false", "true"), ["True", "FALSE", "no"], ["true", "false", "(other)"]),
        (CODES, ("103", "101"), ["101.0", "103", " 103.00"], ["101", "103", "103"]),
        (CODES, ("103", "101"), [101, 103, 102], ["101", "103", "(other)"]),
        (CODES, ("103", "101"), [101.0, 103.0, 101.5], ["101", "103", "(other)"]),
        ([101, 103, 103, None], ("103", "101"), ["101.0", "103", "0103"], ["101", "103", "(other)"]),
        ([1, 0, 0, None], ("0", "1"), [True, False, True], ["1", "0", "1"]),
        (ZEROS, ("012", "007"), ["007", "12", "012"], ["007", "(other)", "012"]),
        (["1.0", "1.10", "1.10", None], ("1.10", "1.0"), ["1.0", "1", "1.10"], ["1.0", "(other)", "1.10"]),
        (["True", "maybe", "maybe", None], ("maybe", "True"), ["True", "true", "maybe"], ["True", "(other)", "maybe"]),
    ],
)
def test_a_category_is_found_however_it_comes(
    learned: list[Any], known: tuple[str, ...], told: list[Any], expected: list[Any]
) -> None:
    found = described(learned)
    assert found.categories["c"].values == known
    assert prepared(found, told) == expected
    assert sent(found, told) == expected


def test_declared_values_are_spelled_as_the_cells_are() -> None:
    found = described(["TRUE", "FALSE", "?", None], "{values: [true, false], missing: allow}")
    assert found.categories["c"].values == ("true", "false") and found.categories["c"].rows == (1, 1)
    assert prepared(found, ["True", "?"]) == sent(found, ["True", "?"]) == ["true", "(other)"]
    found = described(["7.0", "8.0", "8.0", None], "{values: ['7.0', 8], unseen: refuse, missing: allow}")
    assert (found.categories["c"].values, found.categories["c"].rows) == (("7", "8"), (1, 2))
    assert prepared(found, ["8.0", "7"]) == sent(found, ["8.0", "7"]) == ["8", "7"]


ODD = [
    *("101.0", "-0", "-0.00", "0", "-12.", "+5", "007", "1e2", "1.5", " 7 ", "\t7", "999999999999999.0", "1000000000000000.0"),
    *("true", " False", "TRUE ", "t", "truſe", "1", "0.0", "yes", "Ünknown", "nan", "12345678901234567890", "٣", ".", "-"),
]


@pytest.mark.parametrize("spelling", ["text", "whole", "truth"])
def test_the_sql_spells_as_one_value_is_spelled(spelling: Spelling) -> None:
    for cells in (pa.array(ODD), pa.array([1, 0, -3, 2**53]), pa.array([1.0, -0.0, 7.25, 1e14]), pa.array([True, False])):
        with open_rows(pa.table({"c": cells}), {}) as rows:
            made = [text for (text,) in rows.fetch(f"SELECT {rows.category('c', spelling)} FROM given ORDER BY _row")]
        assert made == [as_category(cell, spelling) for cell in cells.to_pylist()]
    assert [spelled(each, "truth") for each in ("1.0", "False", "2")] == ["true", "false", "2"]


def test_what_was_resolved_before_scores_as_before() -> None:
    text = described(["NO", "SE", "SE", None]).to_json()
    assert "spelling" not in text  # as older versions wrote it, and what they made stays what it is
    older = json.loads(described(TRUTHS).to_json())
    older["categories"]["c"] = {"values": ["False", "True"], "rows": [2, 1], "distinct": 2}
    found = ResolvedDataset.from_json(json.dumps(older))
    assert prepared(found, ["True", "true"]) == sent(found, ["True", "true"]) == ["True", "(other)"]
    assert ResolvedDataset.from_json(described(CODES).to_json()) == described(CODES)
