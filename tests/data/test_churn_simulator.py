"""Simulated customers: their statistics are the published ones within stated tolerances, and their bytes follow from the seed."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fusionguard.data.export import write_table
from fusionguard.data.ingest import arrow_schema, read_raw
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import Table
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.bank_churn.simulator import (
    LeavingLaw,
    draw_customers,
    load_churn_statistics,
    parse_churn_statistics,
    simulate_customers,
)
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.simulated import SimulatedSource, simulate
from fusionguard.errors import UsageError
from fusionguard.files import sha256_file

PUBLISHED_ROWS = 10_000
SAMPLE = 300_000


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """As many rows as the published file."""
    return simulate(CHURN, PUBLISHED_ROWS, 7, tmp_path_factory.mktemp("simulated") / "raw.parquet")


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """So many that the noise of a share is far below every tolerance."""
    return pd.DataFrame(draw_customers(SAMPLE, np.random.default_rng(3), load_churn_statistics()))


def _left(customers: pd.DataFrame, *by: str) -> dict[object, float]:
    return {kind: float(share) for kind, share in customers.groupby(list(by) if len(by) > 1 else by[0])["Exited"].mean().items()}


def test_the_layout_is_kaggles_and_the_contract_holds(table: Table) -> None:
    assert table.schema.equals(arrow_schema(CHURN))
    frame = table.read().to_pandas()
    assert frame["RowNumber"].tolist() == list(range(1, PUBLISHED_ROWS + 1))
    provenance = Provenance(dataset="churn", origin="simulated", description="", sha256="0" * 64, rows=table.rows)
    report = check_raw(table, provenance)
    assert report.broken == report.warnings == ()


@pytest.mark.parametrize("rows", [100, 101, 1_000, 65_536, 65_537, 150_000])
def test_each_customer_has_a_number_of_his_own(rows: int) -> None:
    batches = list(simulate_customers(rows, 1, load_churn_statistics(), arrow_schema(CHURN)))
    ids = np.concatenate([batch.column("CustomerId").to_numpy() for batch in batches])
    assert len(ids) == rows == len(np.unique(ids))
    assert ids.min() >= 15_565_701 and ids.max() < 15_565_701 + 25 * rows
    assert max(batch.num_rows for batch in batches) <= 65_536
    # Neither the row nor the outcome can be told from the number.
    assert abs(np.corrcoef(ids, np.arange(rows))[0, 1]) < 0.2


def test_numbers_of_customers_cover_the_published_range(table: Table) -> None:
    ids = table.read(["CustomerId"])["CustomerId"].to_numpy()
    assert (ids.min(), ids.max()) == (pytest.approx(15_565_701, abs=500), pytest.approx(15_815_690, abs=500))


def test_surnames_are_nobodys(table: Table, real_data: Path) -> None:
    real = set(pd.read_csv(real_data / "bank_churn" / CHURN.file_name)["Surname"].str.lower())
    invented = set(table.read(["Surname"])["Surname"].to_pylist())
    assert len(invented) > 2_500
    assert not real & {name.lower() for name in invented}


@pytest.mark.parametrize(
    ("column", "published"),
    [
        # Leavers of customers in the 10,000 published rows.
        ("Geography", {"France": 810 / 5014, "Germany": 814 / 2509, "Spain": 413 / 2477}),
        ("Gender", {"Female": 1139 / 4543, "Male": 898 / 5457}),
        ("IsActiveMember", {0: 1302 / 4849, 1: 735 / 5151}),
        ("NumOfProducts", {1: 1409 / 5084, 2: 348 / 4590, 3: 220 / 266, 4: 1.0}),
        ("HasCrCard", {0: 613 / 2945, 1: 1424 / 7055}),
    ],
)
def test_each_group_leaves_as_published(column: str, published: dict[object, float], customers: pd.DataFrame) -> None:
    assert _left(customers, column) == pytest.approx(published, abs=0.025)


def test_as_many_leave_as_published(customers: pd.DataFrame) -> None:
    assert customers["Exited"].mean() == pytest.approx(0.2037, abs=0.004)


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("Geography", {"France": 0.5014, "Germany": 0.2509, "Spain": 0.2477}),
        ("Gender", {"Male": 0.5457, "Female": 0.4543}),
        ("NumOfProducts", {1: 0.5084, 2: 0.4590, 3: 0.0266, 4: 0.0060}),
        ("HasCrCard", {1: 0.7055, 0: 0.2945}),
        ("IsActiveMember", {1: 0.5151, 0: 0.4849}),
    ],
)
def test_each_group_is_as_large_as_published(column: str, shares: dict[object, float], customers: pd.DataFrame) -> None:
    assert customers[column].value_counts(normalize=True).to_dict() == pytest.approx(shares, abs=0.006)


@pytest.mark.parametrize(
    ("column", "mean", "deviation", "low", "quartiles", "high"),
    [
        ("CreditScore", 650.53, 96.65, 350, [584, 652, 718], 850),
        ("Age", 38.92, 10.49, 18, [32, 37, 44], 92),
        ("Tenure", 5.013, 2.892, 0, [3, 5, 7], 10),
        ("Balance", 76_485.89, 62_397.41, 0, [0, 97_198.54, 127_644.24], 260_000),
        ("EstimatedSalary", 100_090.24, 57_510.49, 10, [51_002.11, 100_193.92, 149_388.25], 200_000),
    ],
)
def test_each_number_spreads_as_published(
    column: str, mean: float, deviation: float, low: float, quartiles: list[float], high: float, customers: pd.DataFrame
) -> None:
    values = customers[column].to_numpy(dtype=float)
    assert values.mean() == pytest.approx(mean, abs=0.02 * deviation)
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx(quartiles, abs=max(0.03 * deviation, 1.0))
    assert low <= values.min() and values.max() <= high
    assert np.array_equal(values, np.round(values * 100) / 100)


def test_balances_are_zero_outside_germany_as_often_as_published(customers: pd.DataFrame) -> None:
    zero = (customers["Balance"] == 0).groupby(customers["Geography"]).mean().to_dict()
    assert zero == pytest.approx({"France": 2418 / 5014, "Germany": 0.0, "Spain": 1199 / 2477}, abs=0.01)


def test_age_and_activity_act_together(customers: pd.DataFrame) -> None:
    """Inactive customers leave the more the older they are; active ones leave most in their fifties and seldom as pensioners."""
    bands = pd.cut(customers["Age"], [0, 30, 40, 50, 60, 200], right=False, labels=False)
    left = _left(customers.assign(band=bands), "IsActiveMember", "band")
    inactive, active = ([left[side, band] for band in range(5)] for side in (0, 1))
    assert inactive == sorted(inactive) and inactive[4] > 0.7
    assert np.argmax(active) == 3 and active[4] < 0.2


def test_country_balance_and_products_act_together(customers: pd.DataFrame) -> None:
    left = _left(customers.assign(held=customers["Balance"] > 0), "NumOfProducts", "Geography", "held")
    assert left[1, "Germany", True] > 2 * left[1, "France", True]
    assert left[2, "Germany", True] < 1.3 * left[2, "France", True]
    # With one product a balance keeps customers, with two it is the other way round.
    assert left[1, "France", False] > 1.5 * left[1, "France", True]
    assert left[2, "France", True] > 2 * left[2, "France", False]


def test_groups_leave_as_in_the_real_sample(customers: pd.DataFrame, real_data: Path) -> None:
    """The law was fitted to it; what the simulator draws independently may move a group by a few points."""
    real = pd.read_csv(real_data / "bank_churn" / CHURN.file_name)
    both = []
    for frame in (real, customers):
        bands = pd.cut(frame["Age"], [0, 30, 40, 50, 60, 200], right=False, labels=False)
        part = frame.assign(band=bands, held=frame["Balance"] > 0, several=frame["NumOfProducts"].clip(upper=3))
        both.append([_left(part, *by) for by in (("band", "IsActiveMember"), ("band", "Gender"), ("held", "several"))])
    for expected, found in zip(*both, strict=True):
        assert found == pytest.approx(expected, abs=0.08)


def _inputs(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(frame.drop(columns=["RowNumber", "CustomerId", "Surname", "Exited"])).astype(float)


def test_customers_are_as_hard_to_tell_apart_as_real_ones(table: Table, tmp_path: Path) -> None:
    """On 10,000 real customers trees reach a ROC AUC of about 0.866, logistic regression 0.763: it cannot see interactions."""
    import lightgbm
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = table.read().to_pandas()
    test = simulate(CHURN, 40_000, 8, tmp_path / "raw.parquet").read().to_pandas()
    trees = lightgbm.LGBMClassifier(
        n_estimators=200, learning_rate=0.05, num_leaves=12, colsample_bytree=0.7, n_jobs=1, random_state=0, verbose=-1
    )
    found = [
        roc_auc_score(test["Exited"], model.fit(_inputs(train), train["Exited"]).predict_proba(_inputs(test))[:, 1])
        for model in (trees, make_pipeline(StandardScaler(), LogisticRegression()))
    ]
    assert 0.855 < found[0] < 0.885
    assert 0.72 < found[1] < found[0] - 0.09


def test_the_law_is_a_sum_of_tables() -> None:
    products = np.arange(24, dtype=float).reshape(3, 2, 4)
    law = LeavingLaw(np.array([20.0, 40.0]), np.array([[0.0, 2.0], [10.0, 10.0]]), products, 0.5, 405, 100.0)
    two = np.array([1, 1])
    # At 30 halfway between the nodes if inactive; country 2, held, 3 products: 2 * 8 + 1 * 4 + 2.
    found = law.log_odds(2 * two, np.array([0, 1]), np.array([404, 405]), 30 * two, two, 3 * two, np.array([0, 1]))
    assert found.tolist() == [1 + 22 + 100, 10 + 22 + 0.5]


@pytest.mark.parametrize("rows", [1_000, 70_000])
def test_the_same_seed_gives_the_same_bytes(rows: int, tmp_path: Path) -> None:
    first, again, other = (
        sha256_file(simulate(CHURN, rows, seed, tmp_path / name).path) for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again != other


def test_chunks_differ_from_each_other() -> None:
    first, second, third = simulate_customers(150_000, 1, load_churn_statistics(), arrow_schema(CHURN))
    assert [first.num_rows, second.num_rows, third.num_rows] == [65_536, 65_536, 18_928]
    salaries: list[NDArray[np.float64]] = [batch.column("EstimatedSalary").to_numpy() for batch in (first, second)]
    assert np.mean(salaries[0] == salaries[1]) < 0.01


@pytest.mark.parametrize(("rows", "seed"), [(0, 1), (99, 1), (1_000, -1)])
def test_what_cannot_be_simulated(rows: int, seed: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 100 rows"):
        simulate(CHURN, rows, seed, tmp_path / "raw.parquet")
    assert list(tmp_path.iterdir()) == []


def test_another_data_set_has_no_simulator(tmp_path: Path) -> None:
    weather = DatasetSchema("weather", {"Rain": "float"}, "Rain", "nobody/weather", "weather.csv")
    with pytest.raises(UsageError, match="'fraud', 'churn', 'card_transactions'"):
        simulate(weather, 1_000, 1, tmp_path / "raw.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Churn_Modelling.csv", "a.csv.gz", "a.parquet"])
def test_written_customers_read_back_exactly(name: str, table: Table, tmp_path: Path) -> None:
    written = write_table(table, tmp_path / "out" / name)
    assert read_raw(written, CHURN, tmp_path / "again.parquet").read().equals(table.read())


def test_the_csv_has_the_real_files_header(table: Table, real_data: Path, tmp_path: Path) -> None:
    written = write_table(table, tmp_path / CHURN.file_name).read_text().splitlines()
    real = (real_data / "bank_churn" / CHURN.file_name).read_text().splitlines()
    assert written[0] == real[0]
    assert len(written) == PUBLISHED_ROWS + 1


def test_the_source_says_what_it_is(tmp_path: Path) -> None:
    source = SimulatedSource(CHURN, 1_000, 5)
    raw = source.fetch(tmp_path)
    assert (raw.provenance.dataset, raw.provenance.origin, raw.provenance.rows) == ("churn", "simulated", 1_000)
    assert raw.provenance.sha256 == sha256_file(raw.table.path)
    others = [SimulatedSource(CHURN, 1_000, 6), SimulatedSource(CHURN, 1_001, 5), SimulatedSource(FRAUD, 1_000, 5)]
    assert source.fingerprint not in {other.fingerprint for other in others}
    assert source.fingerprint == SimulatedSource(CHURN, 1_000, 5).fingerprint


def test_the_statistics_that_ship_follow_from_the_real_sample(real_data: Path, tmp_path: Path) -> None:
    from benchmarks.derive_churn_statistics import derive

    real = read_raw(real_data / "bank_churn" / CHURN.file_name, CHURN, tmp_path / "raw.parquet").read().to_pandas()
    shipped = json.loads(resources.files("fusionguard.datasets.bank_churn").joinpath("statistics.json").read_text("utf-8"))
    derived = derive(real)
    assert derived.keys() == shipped.keys()
    ours, theirs = parse_churn_statistics(shipped), parse_churn_statistics(derived)
    assert ours.law.by_age == pytest.approx(theirs.law.by_age, abs=0.005)
    assert ours.law.by_products == pytest.approx(theirs.law.by_products, abs=0.005)
    assert {key: value for key, value in shipped.items() if key != "law"} == {
        key: value for key, value in derived.items() if key != "law"
    }
