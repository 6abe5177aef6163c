"""Small tables of one kind of trouble each: what inspecting them finds, hides and drafts, and that the draft holds for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import Inspection, inspect_table, to_json
from fusionguard.datasets.inspection.text import inspection_text
from fusionguard.datasets.reading import read_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve

ROWS = 600
Inspect = Callable[..., Inspection]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Inspect a table of some columns beside a number and, unless told otherwise, a label of churn."""

    def call(
        columns: dict[str, list[Any]], *, label: bool = True, named_label: str | None = None, problem: str | None = None
    ) -> Inspection:
        random = np.random.default_rng(41)
        table = {**columns, "size": np.round(random.normal(50, 9, ROWS), 3).tolist()}
        if label:
            table["churned"] = (random.random(ROWS) < 0.3).astype(int).tolist()
        with (tmp_path / "t.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(table)
            writer.writerows(zip(*table.values(), strict=True))
        return inspect_table([tmp_path / "t.csv"], problems(), label=named_label, problem=problem)

    return call


def resolved(found: Inspection, file: Path) -> ResolvedDataset:
    """Return what the draft comes to on the very table it was drafted from."""
    draft = file.with_name("draft.yaml")
    draft.write_text(draft_declaration(found))
    declared = read_declaration(draft, ["fraud", "churn"])
    return resolve(declared, read_declared(declared, file, file.with_name("read.parquet")))


def kinds(found: Inspection) -> list[tuple[str, str]]:
    return [(finding.kind, finding.weight) for finding in found.findings]


def numbers(low: int, high: int, seed: int = 42) -> list[int]:
    return [int(each) for each in np.random.default_rng(seed).integers(low, high, ROWS)]


def test_json_has_no_statistics_of_what_names_somebody(inspect: Inspect) -> None:
    columns = {
        "contact_ref": [f"+4479{each}" for each in numbers(10**7, 10**8)],
        "card": numbers(4 * 10**15, 5 * 10**15),
        "acct": [20_000_000 + 7 * each for each in range(ROWS)],
        "line": numbers(10**8, 10**9),
        "months": numbers(3, 71),
    }
    told = {column["name"]: column for column in to_json(inspect(columns))["columns"]}
    assert [name for name in told if "smallest" in told[name]] == ["months", "size", "churned"]
    assert [told[name]["private"] for name in ("contact_ref", "card", "acct")] == [True, True, True]
    assert (told["months"]["smallest"], told["months"]["largest"]) == (3, 70)


def test_free_text_is_private_and_the_id_too(inspect: Inspect) -> None:
    columns = {
        "loan": [f"L{each}" for each in range(ROWS)],
        "loan_id": [f"A{each}" for each in range(ROWS)],
        "comments": [f"spoke to Mx Qrtl{each} at length" for each in range(ROWS)],
        "col4": [f"wants to speak with Vzk{each % 400}" for each in range(ROWS)],
        "shop_note": [("wants a much better price", "is not to be called again")[each % 2] for each in range(ROWS)],
    }
    found = inspect(columns, problem="fraud")
    assert {name: (role.name, role.private) for name, role in list(found.roles.items())[:5]} == {
        "loan": ("ignored", False),
        "loan_id": ("id", True),
        "comments": ("private", True),
        "col4": ("private", True),
        "shop_note": ("categorical", False),
    }
    assert "  - loan_id  " in draft_declaration(found).partition("private:")[2]


def test_words_for_missing_numbers_are_told_and_declared(inspect: Inspect, tmp_path: Path) -> None:
    words = ["unknown"] * 7 + ["N/A"] * 5 + ["?"] * 3 + ["-"] * 2 + [""] * 4
    columns = {
        "limit": words + numbers(100, 999)[len(words) :],
        "score": [-999] * 9 + numbers(300, 850)[9:],
        "other": ["n.v."] * 6 + numbers(5, 95)[6:],
    }
    found = inspect({"limit": columns["limit"], "score": columns["score"]})
    assert kinds(found) == [("stand_in", "stop"), ("missing_words", "look")]
    assert "'-', '?', 'N/A', 'unknown' in 17 rows" in found.findings[1].what
    told = to_json(found)["columns"][0]
    assert (told["missing"], told["missing_words"]) == (21, {"-": 2, "?": 3, "N/A": 5, "unknown": 7})
    assert '  limit: {missing: allow, missing_values: ["-", "?", "N/A", unknown]}' in draft_declaration(found)
    read = resolved(found, tmp_path / "t.csv").columns
    assert (read["limit"].missing_rows, read["score"].missing_rows) == (21, 9)
    assert read["score"].range is not None and read["score"].range[0] >= 300
    assert to_json(inspect({"other": columns["other"]}))["columns"][0]["misfits"] == 6


def test_a_time_with_words_is_a_stop(inspect: Inspect) -> None:
    days = [f"2024-0{1 + each % 9}-1{each % 7}" for each in range(ROWS - 4)]
    found = inspect({"event_date": ["NULL"] * 4 + days})
    assert ("missing_words", "stop") in kinds(found)


def test_the_draft_of_typed_columns_holds_for_the_very_file(tmp_path: Path) -> None:
    random = np.random.default_rng(43)
    table = {
        "order_id": np.arange(ROWS) + 500,
        "amount": [Decimal(f"{each:.2f}") for each in random.lognormal(3, 1, ROWS)],
        "mcc": random.choice([5411, 5812, 7995], ROWS),
        "abroad": random.random(ROWS) < 0.4,
        "is_fraud": np.arange(ROWS) % 5 == 0,
    }
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    found = inspect_table([tmp_path / "t.parquet"], problems())
    label = resolved(found, tmp_path / "t.parquet").label
    assert (label.positive_rows, label.negative_rows) == (120, 480)


def test_sort_codes_are_no_times_and_not_shown(inspect: Inspect) -> None:
    codes = [f"20-{one}-{two}" for one, two in zip(numbers(10, 99), numbers(10, 99, 5), strict=True)]
    found = inspect({"col1": codes, "sort_code": codes[::-1]})
    assert found.roles["col1"].name != "time"
    assert found.roles["sort_code"].name == "private"
    assert codes[0] not in draft_declaration(found) + json.dumps(to_json(found))


@pytest.mark.parametrize(
    ("name", "values", "positive", "problem"),
    [
        ("is_lapsed", ("0", "1"), "1", "churn"),
        ("lapse_flag", ("N", "Y"), "Y", "churn"),
        ("account_closed", ("0", "1"), "1", "churn"),
        ("gekuendigt", ("nein", "ja"), "ja", "churn"),
        ("Abwanderung", ("0", "1"), "1", "churn"),
        ("renewed", ("1", "0"), "0", "churn"),
        ("is_active", ("Y", "N"), "N", "churn"),
        ("status_retained", ("True", "False"), "False", "churn"),
        ("fraude", ("0", "1"), "1", "fraud"),
        ("fraud_flag", ("G", "F"), "F", "fraud"),
        ("is_fraud", ("F", "T"), "T", "fraud"),
        ("loan_status", ("0", "1"), "1", None),
        ("is_bad", ("0", "1"), "1", None),
        ("defaulted", ("no", "yes"), "yes", None),
    ],
)
def test_names_of_labels(inspect: Inspect, name: str, values: tuple[str, str], positive: str, problem: str | None) -> None:
    found = inspect({name: [values[each % 4 == 0] for each in range(ROWS)]}, label=False)
    assert found.label is not None
    assert (found.label.column.name, found.label.positive, found.label.positives) == (name, (positive,), 150)
    assert to_json(found)["problem"] == problem
    assert ("problem:                      # FILL IN: " in draft_declaration(found)) == (problem is None)


def test_without_a_label_what_may_be_one_is_listed(inspect: Inspect) -> None:
    columns = {"state": [("genuine", "fraud", "disputed", "pending")[each % 9 % 4] for each in range(ROWS)], "n": numbers(0, 3)}
    found = inspect(columns, label=False)
    assert to_json(found)["label_candidates"] == ["state", "n"]
    assert "No label, so nothing was searched for leaks." in inspection_text(found).splitlines()
    assert "Nothing was found" not in inspection_text(found)


def test_values_of_a_label_that_say_nothing_are_undecided(inspect: Inspect) -> None:
    columns = {"state": [("genuine", "fraud", "disputed", "pending")[each % 9 % 4] for each in range(ROWS)]}
    found = inspect(columns, label=False, named_label="state", problem="fraud")
    assert found.label is not None
    assert (found.label.positives, found.label.negatives, found.label.undecided) == (267, 200, ("pending",))
    assert ("undecided_label", "stop") in kinds(found)
    assert "  negative: [genuine]" in draft_declaration(found).splitlines()


def test_known_leaks_are_out_or_marked_where_they_are_drafted(inspect: Inspect) -> None:
    left = [each % 3 == 0 for each in range(ROWS)]
    noise = np.random.default_rng(44).normal(0, 0.2, ROWS)
    columns = {
        "end_kind": [("none", "moved")[each] for each in left],
        "fee": np.round(np.where(left, 1, 0) + noise, 4).tolist(),
        "exited": [int(each) for each in left],
    }
    found = inspect(columns, label=False)
    assert (found.roles["end_kind"].name, found.roles["fee"].name) == ("ignored", "numeric")
    (line,) = [line for line in draft_declaration(found).splitlines() if line.startswith("  fee:")]
    assert "# STOP: 'fee' alone tells the label" in line
