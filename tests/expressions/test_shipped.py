"""What is generated from the SQL of the shipped data sets agrees with DuckDB, on values that are made to break it."""

from __future__ import annotations

import math
from itertools import cycle, islice
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.datasets.bank_churn.contract import GENDERS, GEOGRAPHIES
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.fraud import FRAUD_FEATURES, V_COLUMNS

from .engines import assert_agree

ODD = (0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 1e22, -0.5, 1 / 3)
AMOUNTS = (
    *(0.285, 1.005, 2.675, 0.615, 1.115, 8.345, 0.005, 0.015, 0.994999999999, 0.995, 99.995, 999_999_999.99, 1e9),
    *(-0.005, 4.35, 4.349999999999999, 4503599627370496.5, 92233720368547756.0, 92233720368547760.0, 1e300, 21474836.47),
)
EDGES = tuple(edge + step for edge in (0.0, 3_600.0, 86_400.0, 172_800.0) for step in (-1.0, -1e-9, 0.0, 1e-9, 3_599.0, 3_600.0))
TIMES = (*EDGES, math.nextafter(86_400.0, 0), math.nextafter(3_600.0, 0), 0.1, 316_224_000.0, 9.3e18, -9.3e18)
AGES = (17, 18, 29, 30, 31, 39, 40, 49, 50, 59, 60, 61, 110, 0, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1)


def _column(values: tuple[Any, ...], rows: int, kind: pa.DataType) -> pa.Array:
    return pa.array(list(islice(cycle(values), rows)), kind)


def transactions() -> pa.Table:
    rows = 11 * 23
    columns = {"Time": _column(TIMES, rows, pa.float64())}
    columns |= {name: _column((*ODD[place % 7 :], *ODD), rows, pa.float64()) for place, name in enumerate(V_COLUMNS)}
    columns |= {"Amount": _column((*AMOUNTS, *ODD[:5]), rows, pa.float64()), "Class": _column((0, 1), rows, pa.int64())}
    return pa.table(columns)


def customers() -> pa.Table:
    rows = 19 * 13
    whole = pa.int64()
    return pa.table(
        {
            "row_number": pa.array(range(rows), whole),
            "CreditScore": _column((300, 850, 2**31 - 1, 2**31), rows, whole),
            "Geography": _column((*GEOGRAPHIES, "", "it's", "Österreich", "a, b"), rows, pa.string()),
            "Gender": _column(GENDERS, rows, pa.string()),
            "Age": _column(AGES, rows, whole),
            "Tenure": _column((0, 1, 2, 3, 5, 7, 10), rows, whole),
            "Balance": _column((*ODD, 50_500.25, -1e3), rows, pa.float64()),
            "NumOfProducts": _column((1, 2, 3, 4, -7), rows, whole),
            "HasCrCard": _column((0, 1), rows, whole),
            "IsActiveMember": _column((0, 1, 2), rows, whole),
            "EstimatedSalary": _column((*ODD[:5], 1e9, 11.58, -1_000.0, 100_000.0), rows, pa.float64()),
            "Exited": _column((0, 1), rows, whole),
        }
    )


@pytest.mark.parametrize(
    ("definition", "raw"), [(FRAUD_FEATURES, transactions()), (CHURN_FEATURES, customers())], ids=["fraud", "churn"]
)
def test_hostile_rows_become_what_duckdb_makes_of_them(definition: FeatureDefinition, raw: pa.Table) -> None:
    refused = assert_agree(definition.rows_text, definition.parsed_rows, raw)
    assert 0 < refused < raw.num_rows / 2  # some leave BIGINT or INT, or divide by zero; most do not


def test_halves_of_cents_are_the_floats_that_they_are() -> None:
    make = FRAUD_FEATURES.parsed_rows.row_function(["Amount"], ["amount_cents", "amount_fraction_cents"])
    assert [make([amount]) for amount in (0.285, 1.005, 4.35, 22, 1e9)] == [[28, 28], [100, 0], [435, 35], [2200, 0], [10**11, 0]]


@pytest.mark.parametrize(("age", "band"), [(18, 0), (29, 0), (30, 1), (39, 1), (40, 2), (49, 2), (50, 3), (59, 3), (60, 4)])
def test_ages_at_the_edges_of_bands(age: int, band: int) -> None:
    assert CHURN_FEATURES.parsed_rows.row_function(["Age"], ["age_band"])([age]) == [band]
    assert CHURN_FEATURES.parsed_rows.table({"Age": np.array([float(age)])}, ["age_band"])["age_band"].to_pylist() == [band]
