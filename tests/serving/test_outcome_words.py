"""Outcomes are told in 0 and 1, and in the words of a declared data set's own table."""

from __future__ import annotations

import html
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.monitoring.outcome_file import read_outcome_file
from fusionguard.serving.docs_page import render_docs
from fusionguard.serving.openapi import describe_service
from fusionguard.serving.outcome_words import OutcomeWords


def words(positive: tuple[Any, ...], negative: tuple[Any, ...]) -> OutcomeWords:
    label = SimpleNamespace(positive=positive, negative=negative)
    return OutcomeWords.of(cast(ModelFamily, SimpleNamespace(declared=SimpleNamespace(label=label))))


SHIPPED = OutcomeWords.of(cast(ModelFamily, SimpleNamespace(declared=None)))
TEXTS = words(("Y", "maybe"), ("N",))
ZERO_MEANS_YES = words((0,), (1, 2))


@pytest.mark.parametrize(
    ("of", "told", "label"),
    [
        (SHIPPED, 1, 1),
        (SHIPPED, 0, 0),
        (SHIPPED, "1", None),
        (SHIPPED, True, None),
        (SHIPPED, 1.0, None),
        (TEXTS, "maybe", 1),
        (TEXTS, "N", 0),
        (TEXTS, 1, 1),
        (TEXTS, 0, 0),
        (TEXTS, "1", None),
        (TEXTS, "y", None),
        (TEXTS, 2, None),
        (TEXTS, None, None),
        (TEXTS, ["N"], None),
        (words((True,), (False,)), True, 1),
        (words((True,), (False,)), "false", 0),
        (TEXTS, True, None),
        (TEXTS, 1.0, 1),
        (words((False,), (True,)), "1", None),
        (ZERO_MEANS_YES, True, None),
        (words((1.0,), (-1,)), "1", 1),
        (words((1.0,), (-1,)), -1, 0),
        (words((1.0,), (-1,)), 0, 0),
        (ZERO_MEANS_YES, "0", 1),
        (ZERO_MEANS_YES, "1", 0),
        (ZERO_MEANS_YES, 2, 0),
        (ZERO_MEANS_YES, 0, None),
        (ZERO_MEANS_YES, 1, None),
        (ZERO_MEANS_YES, 1.0, None),
    ],
)
def test_a_value_tells_what_its_table_means_by_it(of: OutcomeWords, told: Any, label: int | None) -> None:
    assert of.read(told) == label


FORMS: dict[str, tuple[Any, str, list[tuple[Any, int]], list[str], list[str]]] = {
    "1.0 and 0.0": (
        ["0.0", "1.0", "0.0", ""],
        "missing: leave_out",
        [(1, 1), (1.0, 1), ("1.0", 1), ("1", 1), (True, 1), (0, 0), ("0.0", 0), (False, 0)],
        ["1.0", "1", "True"],
        ["0.0", " 0", "false"],
    ),
    "padded": (
        ["N  ", "Y  ", "N  "],
        "positive: [Y]",
        [("Y", 1), ("Y  ", 1), (1, 1), (1.0, 1), ("N", 0), (" N", 0), (0, 0)],
        ["Y", "Y  ", "1"],
        ["N", "0.0"],
    ),
    "True and False": (
        ["False", "True", "False"],
        "positive: ['True']",
        [(True, 1), ("True", 1), ("TRUE", 1), (1, 1), ("1", 1), (False, 0), ("false", 0), (0, 0)],
        ["True", "true", "1.0"],
        ["False", "0"],
    ),
    "truth values of a typed file": (
        [False, True, False],
        "positive: [true]",
        [(True, 1), ("True", 1), (1, 1), (1.0, 1), (False, 0), ("False", 0), (0, 0)],
        ["True", "1"],
        ["False", "0.0"],
    ),
    "truth values that are read as numbers": (
        [0, 1, 0],
        "positive: [1]",
        [(True, 1), ("True", 1), ("true", 1), (1, 1), ("1.0", 1), (False, 0), ("FALSE", 0), (0.0, 0)],
        ["True", "1.0"],
        ["False", "0"],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_table_request_and_file_take_the_same_words(form: str, tmp_path: Path) -> None:
    cells, settings, told, yes, no = FORMS[form]
    table = pa.table({"n": list(range(len(cells))), "out": cells})
    text = f"version: 1\nname: t\nproblem: fraud\nlabel: {{column: out, {settings}}}\nnumeric: {{n: null}}\n"
    described = resolve(parse_declaration(text), table)
    assert (described.label.positive_rows, described.label.negative_rows) == (1, 2)
    family = model_family("fraud").on(described)
    assert [OutcomeWords.of(family).read(value) for value, _ in told] == [label for _, label in told]
    file = tmp_path / "outcomes.csv"
    file.write_text("request_id,out\n" + "".join(f"a-{place},{cell}\n" for place, cell in enumerate([*yes, *no])))
    assert [each.label for each in read_outcome_file(file, family).labels] == [1] * len(yes) + [0] * len(no)
    values, truth = ", ".join(map(json.dumps, OutcomeWords.of(family).values)), any(value is True for value, _ in told)
    page = html.unescape(render_docs(describe_service(100, [family])))
    assert f"label: one of {values}{' or boolean' if truth else ''}; " in page


def test_what_is_expected_names_all_values_but_not_hundreds() -> None:
    assert (SHIPPED.expected, SHIPPED.positive) == ("0 or 1", 1)
    assert (TEXTS.expected, TEXTS.positive) == ('0, 1, "Y", "maybe" or "N"', "Y")
    assert ZERO_MEANS_YES.expected == '"0", "1" or "2"'
    assert words((True,), (False,)).expected == '0, 1, "true", "false", true or false'
    many = words(("Y",), tuple(f"n{number}" for number in range(1_500)))
    assert many.expected.endswith('"n7", "n8" or one of 1,491 others') and len(many.values) == 1_503
