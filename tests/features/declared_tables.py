"""Invented tables with their declarations, whose cells are those that go wrong; and the way from a declaration to features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.table import Table
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_rows, scored_columns
from fusionguard.features.declared import declared_features
from fusionguard.features.definition import FeatureDefinition

EPOCHS = (
    *(0, -1, 86_399, 86_400, 951_782_399, 951_782_400, 951_868_800, 1_709_164_800, 1_709_251_199, 4_107_542_400, -2_203_891_200),
)
"""Seconds around days, leap days and centuries."""
SMALL = (0.0, -0.0, 5e-324, 0.285, -0.285, 1.005, 4.35, -2.675, 1 / 3, 0.994999999999, 1e-300)

PAYMENTS = """\
version: 1
name: payments
problem: fraud
time: {column: booked at, unit: seconds}
amount: {column: Betrag in €, currency: EUR, range: [-1000000, 1000000]}
label: {column: chargeback, positive: [1], known: {after: 90m}}
entities: {card: card}
numeric:
  distance_km: {range: [0, 20000], missing: allow}
  order: {range: [0, 9007199254740992]}
categorical:
  mcc: {values: [grocer, it's, Öl, "R\\\\D", "${x}"], missing: allow}
  group: {values: [GB, FR], unseen: missing}
  Select: {values: [1, 2.0], unseen: refuse}
calendar: [hour_of_day, day_of_week, day_of_month, month, weekend, night]
derived:
  amount_a_km: {formula: '"Betrag in €" / distance_km'}
  per_order: {formula: '"Betrag in €" / (order + 1)'}
  cents: {formula: 'floor(abs("Betrag in €") * 100 + 0.5) % 100'}
bands:
  amount_band: {column: Betrag in €, edges: [0, 4.35]}
protected: [age group]
sql:
  rows: more.sql
  features: {minute: minute of the hour, km_amount: null, grocers: null, flags: how many signs, odd: null, drift: null}
"""
PAYMENTS_SQL = """\
-- what a formula cannot say
SELECT
    Betrag_in / distance_km AS km_amount,
    CASE WHEN mcc = 'grocer' OR group_2 IN ('FR', 'it''s') THEN Betrag_in ELSE -0.5 END AS grocers,
    CAST(mcc IS NULL AS INT) + 2 * CAST(Select_2 = '2' AS INT) AS flags, -- an integer
    FLOOR(clock_seconds / 60) % 60 AS minute,
    COALESCE(order_2 % distance_km, NULLIF(Betrag_in, 1.005)) AS odd,
    Betrag_in - 0.1 - Betrag_in * 3 / 7 * order_2 + FLOOR(-Betrag_in) AS drift
FROM raw
"""
LOANS = """\
version: 1
name: 2-loans
problem: churn
label: {column: defaulted, positive: [true]}
numeric:
  income: {range: [0, 1000000000], missing: allow}
  debt: {range: [-1.0e+300, 1.0e+300]}
  age: {range: [16, 120], missing: allow, missing_values: [-9, unknown]}
categorical:
  purpose: {values: [car, home], unseen: refuse}
derived:
  debt_to_income: {formula: debt / income}
  remainder: {formula: debt % 0.1}
  decade: {formula: floor(age / 10)}
  rich: {formula: income > abs(debt) * 2}
  same: {formula: age = floor(age)}
  not_thirty: {formula: age != 30}
  negative: {formula: -debt - -age}
  floored: {formula: floor(debt)}
types: {age: integer}
"""
READINGS = """\
version: 1
name: readings
problem: fraud
time: {column: t, unit: milliseconds, since: start}
label: failed
numeric: {volts: {range: [-10, 10]}, amps: {range: [-10, 10]}}
calendar: [night, hour_of_day]
derived: {watts: volts * amps, ohms: volts / amps, steps: floor(volts * 3) - floor(amps)}
"""


@dataclass(frozen=True)
class Made:
    """A table as it was declared, found and prepared, and its features."""

    described: ResolvedDataset
    raw: pa.Table
    prepared: Table
    definition: FeatureDefinition

    def for_scoring(self) -> pa.Table:
        """What is prepared where no label is read."""
        return prepare_rows(self.described, self.raw.select(scored_columns(self.described, self.raw.column_names)))


def made(text: str, raw: pa.Table, folder: Path, sql: str | None = None) -> Made:
    """Hold a declaration, with its own SQL, against a table, prepare its rows for training, and read its features."""
    declared = parse_declaration(text, sql=sql)
    described = resolve(declared, raw)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(raw, folder / "source.parquet")
    prepared = prepare_training(described, Table(folder / "source.parquet"), folder / "raw.parquet")
    return Made(described, raw, prepared, declared_features(described))


def cells(values: Sequence[Any], rows: int, kind: pa.DataType) -> pa.Array:
    """Values over and over again."""
    return pa.array(list(islice(cycle(values), rows)), kind)


def payments() -> pa.Table:
    """Amounts that are hard to round, at times of two centuries."""
    rows = 11 * 13 * 2
    return pa.table(
        {
            "booked at": cells(EPOCHS, rows, pa.int64()),
            "Betrag in €": cells((*SMALL, 1e6, 999_999.995), rows, pa.float64()),
            "distance_km": cells((None, 0.0, -0.0, 5e-324, 1000.5, 20_000.0, None), rows, pa.float64()),
            "order": cells((0, 1, 2, 2**31, 2**53), rows, pa.int64()),
            "mcc": cells(("grocer", "it's", "Öl", "", "unheard", None, "R\\D", "${x}"), rows, pa.string()),
            "group": cells(("GB", "FR", "XX", "gb"), rows, pa.string()),
            "Select": cells((1, 2), rows, pa.int64()),
            "card": cells(("b", "a", "c", "a", "d"), rows, pa.string()),
            "age group": cells(("old", None, "young"), rows, pa.string()),
            "chargeback": cells((0, 0, 1), rows, pa.int64()),
        }
    )


def loans() -> pa.Table:
    """Numbers near the ends of what doubles hold, and no time."""
    rows = 9 * 7 * 4
    return pa.table(
        {
            "income": cells((None, 0.0, -0.0, 1e9, 0.1, 30_000.0, float("nan"), 5e-324), rows, pa.float64()),
            "debt": cells((*SMALL[:6], 1e300, -1e300, 12.3), rows, pa.float64()),
            "age": cells(("16", "19", "20", "29", "30", "unknown", "-9", "120", ""), rows, pa.string()),
            "purpose": cells(("car", "home"), rows, pa.string()),
            "defaulted": cells((False, True), rows, pa.bool_()),
        }
    )


def readings() -> pa.Table:
    """A clock without a date, in fractions of a second."""
    rows = 11 * 10
    times = tuple(float(each) * 1000 + part for each in EPOCHS if each >= 0 for part in (0.0, 999.999))
    return pa.table(
        {
            "t": cells(times, rows, pa.float64()),
            "volts": cells((*SMALL[:-1], 10.0, -10.0), rows, pa.float64()),
            "amps": cells((1.5, 0.0, -0.0, -3.0, 5e-324, 1 / 3, 7.0), rows, pa.float64()),
            "failed": cells((0, 1, 0), rows, pa.int64()),
        }
    )


def wide() -> pa.Table:
    """300 columns, one of them with 10,000 categories."""
    rows = 10_050
    random = np.random.default_rng(8)
    kinds = cycle((np.float64, np.float32))
    numbers = {
        f"Zahl Nr. {at}": random.normal(at, 1 + at, rows).astype(kind) for at, kind in zip(range(297), kinds, strict=False)
    }
    names = cells([f"Laden {at}" for at in range(10_000)], rows, pa.string())
    label = cells((1.0, 0.0), rows, pa.float64())
    return pa.table({**numbers, "shop": names, "x": cells((1, 0, 0), rows, pa.int8()), "y": label})


WIDE = (
    "version: 1\nname: wide\nproblem: churn\nlabel: y\nnumeric: {"
    + ", ".join(f"Zahl Nr. {at}: null" for at in range(297))
    + ", x: null}\ncategorical: {shop: null}\n"
)
