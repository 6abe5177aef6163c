"""The simulator of card transactions: kinds of fraud, seasons and delays are those of its settings, and follow from the seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusionguard.datasets.card_transactions.payments import HONEST, NEVER, ONLINE, SECONDS_PER_DAY, STRIPE
from fusionguard.datasets.card_transactions.population import Merchants
from fusionguard.datasets.card_transactions.seasons import amount_factor, day_factor, easter
from fusionguard.datasets.card_transactions.settings import CATEGORIES, KINDS, Seasons, Settings
from fusionguard.datasets.card_transactions.simulator import Simulation, customers_for, simulate_transactions
from fusionguard.datasets.shipped import Wanted
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.files import sha256_file

NAME = "card_transactions"
ROWS = 150_000
DAYS = 3_600 * 24


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_transactions(ROWS, 3, Settings())


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of 20,000 rows, and what is true of them."""
    return _written(tmp_path_factory.mktemp("simulated"), Wanted(20_000, 5))


def _written(folder: Path, wanted: Wanted) -> tuple[pd.DataFrame, pd.DataFrame]:
    simulate_declared(NAME, wanted, folder / "rows.parquet", folder / "truth.parquet")
    return pd.read_parquet(folder / "rows.parquet"), pd.read_parquet(folder / "truth.parquet")


def _of(simulation: Simulation, kind: str) -> np.ndarray:
    return np.asarray(simulation.payments.kind == KINDS.index(kind))


def test_shares_add_up_and_every_kind_of_fraud_is_there(simulation: Simulation) -> None:
    assert sum(each.merchants for each in CATEGORIES) == pytest.approx(1.0)
    assert sum(Settings().population.age_groups) == pytest.approx(1.0)
    assert len(simulation.payments) == ROWS
    assert 0.003 < np.mean(simulation.payments.kind != HONEST) < 0.01
    assert 0.003 < simulation.labelled.mean() < 0.01
    assert {kind: int(_of(simulation, kind).sum()) > 20 for kind in KINDS} == dict.fromkeys(KINDS, True)


def test_cases_come_as_often_as_the_settings_say() -> None:
    settings = Settings()
    made = simulate_transactions(600_000, 11, settings)
    months = made.payments.second.max() / SECONDS_PER_DAY / 30
    thousands = len(made.society.customers) / 1_000
    placed = (np.repeat(made.society.merchants.town >= 0, np.diff(made.society.merchants.first_terminal))).sum() / 1_000
    for kind, of in zip(KINDS, (thousands, placed, thousands, thousands, thousands), strict=True):
        cases = np.unique(made.payments.case[_of(made, kind)]).size
        expected = getattr(settings.frauds, kind).cases * of * months
        assert abs(cases - expected) < 4 * np.sqrt(expected), kind


def test_each_kind_is_what_its_settings_say(simulation: Simulation) -> None:
    rows, merchants = simulation.payments, simulation.society.merchants
    stolen, testing, takeover, refunds, terminal = (
        rows[_of(simulation, kind)]
        for kind in ("stolen_card", "card_testing", "account_takeover", "refund_abuse", "compromised_terminal")
    )
    assert (merchants.town[stolen.merchant] >= 0).all()
    assert (stolen.cents[stolen.entry != STRIPE] <= 5_000).all() and (stolen.cents[stolen.entry == STRIPE] > 5_000).any()
    assert {*takeover.entry.tolist(), *testing.entry.tolist()} == {ONLINE}
    assert (refunds.cents < 0).all() and (rows.cents[rows.kind == HONEST] < 0).mean() < 0.03
    tiny = testing.cents <= 300
    assert 0.7 < tiny.mean() < 0.95 and np.median(testing.cents[~tiny]) > 1_500
    for part, of in ((stolen, "card"), (takeover, "card"), (terminal, "terminal"), (refunds, "merchant")):
        whose = pd.DataFrame({"case": part.case, "of": getattr(part, of)}).groupby("case")["of"].nunique()
        assert (whose == 1).all(), of
    assert pd.DataFrame({"case": terminal.case, "card": terminal.card}).groupby("case")["card"].nunique().mean() > 5
    first = pd.Series(testing.second[tiny]).groupby(testing.case[tiny]).agg(["min", "max"])
    assert (first["max"] - first["min"]).max() <= 3_600


def test_reports_come_as_late_as_the_settings_say_and_some_never(simulation: Simulation) -> None:
    rows = simulation.payments
    for kind in KINDS:
        how = getattr(simulation.settings.frauds, kind).reporting
        mine = rows[_of(simulation, kind)]
        told = mine.reported != NEVER
        assert abs((~told).mean() - how.unreported) < 4 * np.sqrt(how.unreported * (1 - how.unreported) / len(mine)), kind
        days = (mine.reported - mine.second)[told] / DAYS
        assert days.min() > 0
        if not how.together:
            assert how.median_days * 0.8 < np.median(days) < how.median_days * 1.25, kind
        else:
            moments = pd.Series(mine.reported[told]).groupby(mine.case[told]).nunique()
            assert moments.max() == 1
    assert (rows.reported[rows.kind == HONEST] == NEVER).all()


def test_the_table_shows_what_was_reported_in_time(simulation: Simulation) -> None:
    rows = simulation.payments
    until = rows.second.max() + 30 * DAYS
    late = (rows.reported != NEVER) & (rows.reported > until)
    assert not simulation.labelled[late].any()
    assert (simulation.labelled == ((rows.reported != NEVER) & ~late)).all()
    hasty = replace(simulation, settings=replace(simulation.settings, settled_days=0))
    assert hasty.labelled.sum() < simulation.labelled.sum()
    assert (rows.reported[hasty.labelled] <= rows.second.max()).all()


def test_truth_and_table_say_the_same(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, truth = tables
    assert len(table) == 20_000 and table["transaction_id"].is_unique and table["booked_at"].is_monotonic_increasing
    assert set(table["category"]) == {each.name for each in CATEGORIES}
    joined = table.merge(truth, on="transaction_id", suffixes=("", "_true"))
    assert len(joined) == len(truth) and (joined["booked_at"] == joined["booked_at_true"]).all()
    assert (joined["fraud"] == joined["labelled"]).all() and table["fraud"].sum() == truth["labelled"].sum()
    known = joined[joined["fraud"] == 1]
    assert (known["reported_at"] == known["reported_at_true"]).all() and (known["reported_at"] > known["booked_at"]).all()
    assert table.loc[table["fraud"] == 0, "reported_at"].isna().all()
    hidden = joined[joined["fraud"] == 0]
    assert hidden["reported_at_true"].isna().mean() > 0.5 and len(hidden) > 5
    assert not {"kind", "case", "labelled"} & {*table.columns}


def test_the_internet_has_no_place(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, _ = tables
    assert (table["distance_km"].isna() == (table["entry"] == "online")).all()
    assert 0 < table["distance_km"].median() < 12 and table["distance_km"].max() > 100


def test_without_kinds_all_other_rows_stay_as_they_are(
    simulation: Simulation, tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    for kind in KINDS:
        left = simulation.payments[simulation.wanted([kind])]
        assert len(left) == ROWS - _of(simulation, kind).sum() and not (left.kind == KINDS.index(kind)).any()
    table, truth = tables
    without = ("account_takeover", "card_testing")
    fewer, fewer_true = _written(tmp_path, Wanted(20_000, 5, without=without))
    gone = truth.loc[truth["kind"].isin(without), "transaction_id"]
    assert 0 < len(gone) < len(truth)
    pd.testing.assert_frame_equal(fewer, table[~table["transaction_id"].isin(gone)].reset_index(drop=True))
    pd.testing.assert_frame_equal(fewer_true, truth[~truth["kind"].isin(without)].reset_index(drop=True))


def test_days_are_cut_out_of_the_same_rows(tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    table, truth = tables
    cut, cut_true = _written(tmp_path, Wanted(20_000, 5, since=date(2024, 3, 1), until=date(2024, 4, 2)))
    for whole, part in ((table, cut), (truth, cut_true)):
        inside = (whole["booked_at"] >= "2024-03-01") & (whole["booked_at"] < "2024-04-02")
        assert 0 < inside.sum() < len(whole)
        pd.testing.assert_frame_equal(part, whole[inside].reset_index(drop=True))


def test_what_comes_after_a_table_is_what_its_customers_do_next(
    tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    table, _ = tables
    later, _ = _written(tmp_path, Wanted(1_500, 5, after=20_000))
    assert later["transaction_id"].tolist() == [f"P{number:09d}" for number in range(20_000, 21_500)]
    assert later["booked_at"].min() >= table["booked_at"].max()
    assert later["card"].isin(table["card"]).mean() > 0.99
    overlapping, _ = _written(tmp_path, Wanted(1_500, 5, after=19_000))
    assert set(overlapping["card"]) != set(later["card"]), "another table has other customers"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    made = {
        name: sha256_file(simulate_declared(NAME, Wanted(3_000, seed), tmp_path / name).path)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    }
    assert made["a"] == made["b"] != made["c"]


def test_a_longer_table_of_the_same_customers_begins_alike() -> None:
    settings = Settings()
    longer = replace(settings, days=round(settings.days * 1.5))
    assert customers_for(30_000, longer) == customers_for(20_000, settings)
    one, other = simulate_transactions(20_000, 4, settings), simulate_transactions(30_000, 4, longer)
    assert (one.payments.second == other.payments.second[:20_000]).all()
    assert (one.payments.cents == other.payments.cents[:20_000]).all() and len(other.payments) == 30_000


def test_seasons_are_seen_in_the_rows(simulation: Simulation) -> None:
    seasons = simulation.settings.seasons
    days = np.bincount(simulation.payments.second // SECONDS_PER_DAY)[:-1]
    expected = np.array([day_factor(simulation.settings.start + timedelta(day), seasons) for day in range(len(days))])
    assert np.corrcoef(days, expected)[0, 1] > 0.9
    assert days[expected < 0.6].mean() < 0.75 * days.mean(), "Easter and Labour Day are quiet"


@pytest.mark.parametrize(
    ("day", "factor"),
    [
        (date(2024, 3, 29), 1.18 * 0.99 * 1.15 * 0.55),
        (date(2024, 4, 1), 0.92 * 1.0 * 1.15 * 0.55),
        (date(2024, 11, 29), 1.18 * 1.04 * 1.15 * 1.6),
        (date(2024, 12, 25), 0.96 * 1.22 * 0.92 * 0.3),
        (date(2024, 6, 12), 0.96 * 1.02),
    ],
)
def test_days_are_as_busy_as_the_settings_say(day: date, factor: float) -> None:
    assert day_factor(day, Seasons()) == pytest.approx(factor)
    assert amount_factor(day, Seasons()) == (1.15 if day == date(2024, 12, 24) else 1.0)
    assert amount_factor(date(2024, 12, 3), Seasons()) == 1.15


@pytest.mark.parametrize(("year", "month", "day"), [(2024, 3, 31), (2025, 4, 20), (2000, 4, 23), (1961, 4, 2), (2038, 4, 25)])
def test_easter(year: int, month: int, day: int) -> None:
    assert easter(year) == date(year, month, day)


def test_customers_have_habits(simulation: Simulation) -> None:
    rows, customers = simulation.payments, simulation.society.customers
    honest = rows[(rows.kind == HONEST) & (rows.cents > 0)]
    whose = customers.of_card[honest.card]
    known = (customers.nearby[whose] == honest.merchant[:, None]).any(axis=1)
    known |= (customers.distant[whose] == honest.merchant[:, None]).any(axis=1)
    assert 0.65 < known.mean() < 0.9
    frauds = rows[_of(simulation, "account_takeover")]
    of = customers.of_card[frauds.card]
    assert (customers.distant[of] == frauds.merchant[:, None]).any(axis=1).mean() < 0.6
    count = np.bincount(whose, minlength=len(customers))
    assert np.corrcoef(count, customers.per_day)[0, 1] > 0.95


def test_every_town_and_the_internet_have_merchants(simulation: Simulation) -> None:
    merchants: Merchants = simulation.society.merchants
    for part in range(merchants.internet + 1):
        own = merchants.category[merchants.begins[part] : merchants.begins[part + 1]]
        assert {CATEGORIES[each].online for each in own} == {part == merchants.internet}
        assert len({*own.tolist()}) == sum(each.online == (part == merchants.internet) for each in CATEGORIES)
    picked = merchants.pick(np.full(500, merchants.internet), np.linspace(0, 1, 500, endpoint=False))
    assert (merchants.town[picked] == -1).all()


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match=r"Unknown kind 'stolencard'\. Did you mean 'stolen_card'\?"):
        simulate_declared(NAME, Wanted(1_000, 1, without=("stolencard",)), tmp_path / "a")
    with pytest.raises(UsageError, match="No row is left of what is simulated"):
        simulate_declared(NAME, Wanted(1_000, 1, since=date(2031, 1, 1)), tmp_path / "a")
    with pytest.raises(UsageError, match="Cannot simulate 99 rows"):
        simulate_declared(NAME, Wanted(99, 1), tmp_path / "a")
    with pytest.raises(UsageError, match="There is no simulator for the data set 'weather'"):
        simulate_declared("weather", Wanted(100, 1), tmp_path / "a")
    assert not any(tmp_path.iterdir())
