"""Each drift does what it says, by as much as it says, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.shipped import dataset_schema
from fusionguard.errors import UsageError
from fusionguard.families.catalog import model_family
from fusionguard.families.request_fields import Number
from fusionguard.monitoring.traffic import Drift, Traffic, drift_rows, traffic_rows, usual_size
from fusionguard.monitoring.traffic.drifts import CHOSEN, simulated_family

ROWS = 6_000
IMPOSSIBLE = ("churn", Drift.ABSENT_HOURS)


@pytest.fixture(scope="module")
def pools() -> dict[str, pd.DataFrame]:
    """Undrifted rows of both data sets."""
    made = {name: traffic_rows(name, 2 * ROWS, drift=Drift.NONE, size=0, onset=0, seed=5) for name in ("fraud", "churn")}
    return made


def drifted(pools: dict[str, pd.DataFrame], schema: DatasetSchema, drift: Drift, size: float) -> pd.DataFrame:
    return drift_rows(pools[schema.name], model_family(schema.name), drift, size, ROWS, seed=3)


def same_but(pool: pd.DataFrame, rows: pd.DataFrame, *changed: str) -> bool:
    """Whether every other column's mean lies within five standard errors of the pool's."""
    others = [name for name in pool.select_dtypes("number") if name not in changed]
    errors = pool[others].std() / np.sqrt(len(rows))
    return bool(((rows[others].mean() - pool[others].mean()).abs() <= 5 * errors + 1e-12).all())


@pytest.mark.parametrize(("schema", "name"), [(FRAUD, "V4"), (CHURN, "Age")])
def test_a_covariate_shift_moves_a_mean_and_keeps_outcomes_as_they_follow_from_rows(
    pools: dict[str, pd.DataFrame], schema: DatasetSchema, name: str
) -> None:
    pool, rows = pools[schema.name], drifted(pools, schema, Drift.COVARIATE_SHIFT, 0.5)
    assert (rows[name].mean() - pool[name].mean()) / pool[name].std() == pytest.approx(0.5, abs=0.15)
    known = pool.round(6).astype(str).agg("|".join, axis=1)
    assert set(rows.round(6).astype(str).agg("|".join, axis=1)) <= set(known)  # rows with their own outcomes, only more of some


@pytest.mark.parametrize(("schema", "name"), [(FRAUD, "Amount"), (CHURN, "EstimatedSalary")])
def test_amounts_are_stretched_or_come_in_another_unit(pools: dict[str, pd.DataFrame], schema: DatasetSchema, name: str) -> None:
    pool, tail, unit = (
        pools[schema.name],
        drifted(pools, schema, Drift.HEAVIER_TAIL, 3.0),
        drifted(pools, schema, Drift.UNIT_ERROR, 100.0),
    )
    middle = pool[name].median()
    assert tail[name].quantile(0.9) - middle == pytest.approx(3 * (pool[name].quantile(0.9) - middle), rel=0.15)
    assert tail[name].quantile(0.25) == pytest.approx(pool[name].quantile(0.25), rel=0.15)
    assert unit[name].median() == pytest.approx(100 * middle, rel=0.15)
    assert same_but(pool, tail, name)
    assert same_but(pool, unit, name)


@pytest.mark.parametrize(("schema", "name"), [(FRAUD, "V14"), (CHURN, "Tenure")])
def test_a_missing_feature_is_zero_in_the_share_that_was_asked_for(
    pools: dict[str, pd.DataFrame], schema: DatasetSchema, name: str
) -> None:
    pool, rows = pools[schema.name], drifted(pools, schema, Drift.MISSING_FEATURE, 0.4)
    before = (pool[name] == 0).mean()
    assert (rows[name] == 0).mean() == pytest.approx(before + 0.4 * (1 - before), abs=0.03)
    assert same_but(pool, rows, name)


@pytest.mark.parametrize(("schema", "size"), [(FRAUD, 0.02), (CHURN, 0.15)])
def test_a_new_pattern_changes_outcomes_alone(pools: dict[str, pd.DataFrame], schema: DatasetSchema, size: float) -> None:
    pool, rows = pools[schema.name], drifted(pools, schema, Drift.NEW_PATTERN, size)
    assert rows[schema.label].mean() - pool[schema.label].mean() == pytest.approx(size, abs=0.02)
    assert same_but(pool, rows, schema.label)


@pytest.mark.parametrize(
    ("model", "drift"), [(name, drift) for name in ("fraud", "churn") for drift in Drift if (name, drift) != IMPOSSIBLE]
)
def test_the_stream_is_calm_until_the_onset_and_always_what_a_service_takes(model: str, drift: Drift) -> None:
    size = usual_size(model, drift)
    calm = traffic_rows(model, 2_000, drift=Drift.NONE, size=0, onset=0.5, seed=9)
    rows = traffic_rows(model, 2_000, drift=drift, size=size, onset=0.5, seed=9)
    assert len(rows) == 2_000
    if drift not in (Drift.NONE, Drift.LABEL_DELAY, *CHOSEN):
        assert rows.iloc[:1_000].equals(calm.iloc[:1_000])
        assert not rows.iloc[1_000:].equals(calm.iloc[1_000:])
    again = traffic_rows(model, 2_000, drift=drift, size=size, onset=0.5, seed=9)
    assert rows.equals(again)
    assert dataset_schema(model).label in rows
    for field in model_family(model).request_fields.all:
        if isinstance(field, Number):
            assert rows[field.name].between(field.low, field.high).all(), field.name
            assert not field.whole or (rows[field.name] % 1 == 0).all(), field.name


@pytest.mark.parametrize(
    ("drift", "size", "onset"),
    [("new-pattern", 1.5, 0.3), ("covariate-shift", 3, 0.3), ("unit-error", -1, 0.3), ("none", None, 1.0)],
)
def test_what_means_nothing_is_refused(drift: str, size: float | None, onset: float) -> None:
    with pytest.raises(UsageError):
        Traffic("fraud", drift=Drift(drift), size=size, onset=onset)


def test_a_drift_that_rows_cannot_have_is_refused_with_the_models_that_can() -> None:
    with pytest.raises(UsageError) as refused:
        Traffic("churn", drift=Drift.ABSENT_HOURS)
    assert refused.value.what == "Customers tell no hour of the day, so that none can be absent."
    assert refused.value.remedy == "Choose another drift, or model fraud or card_transactions."


@pytest.mark.parametrize(
    "drift", [Drift.NONE, Drift.COVARIATE_SHIFT, Drift.UNIT_ERROR, Drift.NEW_PATTERN, Drift.BURST, Drift.ABSENT_HOURS]
)
def test_rows_whose_past_is_read_come_in_order_of_time_after_those_of_the_training(drift: Drift) -> None:
    model, size = "card_transactions", usual_size("card_transactions", drift)
    family = simulated_family(model)
    assert (family.model, family.schema.label) == (model, "fraud")
    given = {"seed": 4, "after": 5_000}
    calm = traffic_rows(model, 600, drift=Drift.NONE, size=0, onset=0.5, **given)
    rows = traffic_rows(model, 600, drift=drift, size=size, onset=0.5, **given)
    assert rows["booked_at"].is_monotonic_increasing and rows["transaction_id"].is_unique and len(rows) == 600
    assert rows.iloc[:300].equals(calm.iloc[:300]) and rows["transaction_id"].iloc[0] == "P000005000"
    assert (drift is Drift.NONE) == rows.iloc[300:].equals(calm.iloc[300:])
    assert {field.name for field in family.request_fields.all} <= {*rows.columns}
    if drift is Drift.ABSENT_HOURS:
        assert not pd.to_datetime(rows["booked_at"].iloc[300:]).dt.hour.between(1, 6).any()
        assert pd.to_datetime(calm["booked_at"]).dt.hour.between(1, 6).any()
    if drift is Drift.UNIT_ERROR:
        assert rows["amount"].iloc[300:].median() > 20 * calm["amount"].median()


def test_traffic_goes_on_where_the_usual_table_ends() -> None:
    rows = Traffic("card_transactions", rows=150).make_rows()
    assert rows["transaction_id"].iloc[0] == "P000300000"
    assert Traffic("card_transactions", rows=150, seed=4, after=5_000).make_rows()["transaction_id"].iloc[-1] == "P000005149"
    with pytest.raises(UsageError, match=r"^Transactions have no swapped-features\."):
        Traffic("card_transactions", drift=Drift.SWAPPED_FEATURES)
    with pytest.raises(UsageError, match=r"^Rows of churn come after no others\. Leave out --after"):
        Traffic("churn", after=5_000)
