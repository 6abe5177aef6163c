"""A table may hold the very words by which prepared rows say that a category is another one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_rows
from fusionguard.families.catalog import model_family
from fusionguard.families.fraud.rows import Encoding

TABLE = pa.table({"n": [1, 2, 3, 4], "y": [1, 0, 0, 0], "c": ["NO", "(other)", "(other)", None]})


@pytest.mark.parametrize(
    ("unseen", "known", "codes"),
    [
        ("other", ("NO", "(other)"), {"NO": 0.0, "(other)": 1.0, "SE": 1.0, None: None}),
        ("missing", ("(other)", "NO"), {"NO": 1.0, "(other)": 0.0, "SE": None, None: None}),
    ],
)
def test_a_category_has_one_code_in_tables_and_in_single_rows(
    unseen: str, known: tuple[str, ...], codes: dict[str | None, float | None]
) -> None:
    head = "version: 1\nname: t\nproblem: fraud\nlabel: y\nnumeric: {n: null}\n"
    text = f"{head}categorical: {{c: {{unseen: {unseen}, missing: allow}}}}\n"
    described = resolve(parse_declaration(text), TABLE)
    family = model_family("fraud").on(described)
    encoding = Encoding.of(family.features)
    assert encoding.categories["c"] == known
    rows = prepare_rows(described, pa.table({"n": [5] * len(codes), "c": list(codes)}))
    assert _plain(encoding.matrix(rows)[:, encoding.names.index("c")]) == list(codes.values())
    (field,) = (each for each in family.request_fields.all if each.name == "c")
    ones = [encoding.one([5.0, field.read(value)])[0, 1] for value in codes]
    assert _plain(ones) == list(codes.values())


def _plain(found: Any) -> list[float | None]:
    return [None if value != value else float(value) for value in found]
