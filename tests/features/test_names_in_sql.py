"""A column may be called as something in our SQL is: nothing of what is made of it or counted by it is another's."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.segments import cut_rows
from fusionguard.families.churn.facts import facts_of
from fusionguard.families.churn.population import Population, read_population
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.families.churn.what_ifs import _rates_sql
from fusionguard.features.definition import Segmentation
from fusionguard.features.duckdb_engine import DuckDBEngine, score_table
from fusionguard.monitoring.counting import ROWS as WINDOW
from fusionguard.monitoring.counting import Counting
from fusionguard.monitoring.distributions import NumberReference

from .declared_tables import Made, made

ALIASES = (
    *("minute", "data_row", "segment", "value", "part", "side", "place", "n", "span", "cut_0", "cell_0", "churned", "rate"),
    *("customers", "churners", "micros", "time_micros", "learned", "e0", "n0", "w0", "least", "first", "second", "code", "back"),
    *("row", "held", "given", "raw", "file_row_number", "rows", "id", "worth"),
)
"""What parts of a query are called, or were."""
_ROWS = 120
POLICY = RetentionPolicy(base_value=7, balance_margin=0.5, offer_cost=1, contact_cost=0.1, acceptance=0.3)


def _table(names: tuple[str, ...]) -> pa.Table:
    """Times two hours apart, a number by each of these names, another in each row, and who has left."""
    times = pa.array([1_700_000_000 + 7_200 * row for row in range(_ROWS)])
    columns = {name: [((row + 3) * (at + 7)) % (31 + at) + at / 64 for row in range(_ROWS)] for at, name in enumerate(names)}
    left = [row % 5 // 3 for row in range(_ROWS)]
    return pa.table({"t": times, **columns, "group": ["a" if row % 3 else "b" for row in range(_ROWS)], "left": left})


def _made(names: tuple[str, ...], folder: Path) -> Made:
    numeric = ", ".join(f"{name}: {{range: [-1, 1000]}}" for name in names)
    text = "version: 1\nname: names\nproblem: churn\ntime: {column: t, unit: seconds}\nlabel: left\n"
    text += f"amount: {names[3]}\nnumeric: {{{numeric.replace(f'{names[3]}: {{range: [-1, 1000]}}, ', '')}}}\n"
    return made(f"{text}categorical: {{group: {{}}}}\nprotected: [group]\n", _table(names), folder)


OTHERS = tuple(f"x{at}x" for at in range(len(ALIASES)))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Made]:
    """The same table with columns of these names, and of others."""
    folder = tmp_path_factory.mktemp("names")
    return _made(ALIASES, folder / "aliases"), _made(OTHERS, folder / "others")


def test_features_are_built_in_spans(both: tuple[Made, Made], tmp_path: Path) -> None:
    built = [DuckDBEngine(each.definition, span_rows=50).build(each.prepared, tmp_path / str(at)) for at, each in enumerate(both)]
    assert [len(each.files) for each in built] == [3, 3]
    one, other = (each.read() for each in built)
    assert one.rename_columns(other.column_names).equals(other)
    assert len(built[0].columns) == len(ALIASES) + 4


def test_a_row_that_cannot_be_scored_is_named(both: tuple[Made, Made]) -> None:
    rows = both[0].for_scoring()
    place = rows.column_names.index("data_row")
    rows = rows.set_column(place, "data_row", pa.array([1001.0 if row == 17 else 2.0 for row in range(_ROWS)]))
    with pytest.raises(DataError, match=r"'data_row' has 1 cell .* \(rows 17\)"):
        score_table(both[0].definition, rows)


def test_customers_are_counted(both: tuple[Made, Made], tmp_path: Path) -> None:
    def read(each: Made, folder: Path) -> Population:
        features = DuckDBEngine(each.definition).build(each.prepared, folder)
        names = dict.fromkeys(each.definition.model_features, 1.0)
        facts = facts_of(features, each.definition, [(name, names[name]) for name in list(names)[:6]])
        assert len(facts) == 7
        return read_population(features, each.definition, facts, POLICY)

    one, other = (read(each, tmp_path / str(at)) for at, each in enumerate(both))
    assert one.value == other.value and one.value_lost == other.value_lost and one.churners == _ROWS // 5 * 2
    assert [cut.groups for cut in one.cuts] == [cut.groups for cut in other.cuts]


def test_rows_are_cut(both: tuple[Made, Made]) -> None:
    values = both[0].raw["cut_0"].to_pylist()
    cuts = [Segmentation("one", "CAST(value >= 9 AS INT)", {}), Segmentation("two", "CAST(cut_0 >= 9 AS INT)", {})]
    found = cut_rows(both[0].raw, cuts)[1]
    assert [found.names[place] for place in found.place] == [str(int(value >= 9)) for value in values]


def test_cells_of_a_rule_of_thumb_hold_all_customers(both: tuple[Made, Made]) -> None:
    with duckdb.connect() as database:
        database.register("test_places", pa.table({"number": [4, 2], "place": [0, 1]}))
        left = both[0].raw["left"]
        database.register("features", both[0].raw.append_column("number", pa.array(range(_ROWS))).append_column("_churned", left))
        rates = database.execute(_rates_sql("number", ["CAST(cell_0 >= 20 AS INT)", "churned >= 0"])).fetchall()
    rest = [row for row in range(_ROWS) if row not in (2, 4)]
    high = [each >= 20 for each in both[0].raw["cell_0"].to_pylist()]
    usual = sum(left[row].as_py() for row in rest) / len(rest)
    same = [[left[row].as_py() for row in rest if high[row] == high[place]] for place in (4, 2)]
    assert [rate for (rate,) in rates] == pytest.approx([(sum(each) + 10 * usual) / (len(each) + 10) for each in same])


def test_a_window_is_counted_by_spans(both: tuple[Made, Made]) -> None:
    numbers = tuple(NumberReference(name, np.array([9.0]), np.zeros(2), 0.0, np.zeros(1)) for name in ("span", "cut_0", "place"))
    counting = Counting(numbers, (), (Segmentation("s", "CAST(value >= 9 AS INT)", {1: "high"}),), "review", 86_400_000_000, 0, 3)
    micros = pa.array([row * 7_200_000_000 for row in range(30)])
    rows = both[0].raw.slice(0, 30).append_column("_time_micros", micros).append_column("decision", pa.array(["review"] * 30))
    with duckdb.connect() as database:
        database.register(WINDOW, rows)
        batch = database.sql(counting.sql).to_arrow_table()
    assert batch.column_names == [*counting.groupings, "span", "cut_0", "place", "decision"]
    assert batch["span"].to_pylist() == rows["span"].to_pylist()
    assert batch[counting.groupings[0]].to_pylist() == [row // 12 for row in range(30)]
