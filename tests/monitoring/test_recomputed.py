"""A sample of logged rows is recomputed from a history: what differs is a finding, and what cannot be compared is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import DataError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.features.online.state import declared_event
from fusionguard.monitoring.recomputed import RecomputedFeatures, check_recomputable, recompute_features
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.serving.prediction_log.events import event_digest
from tests.foreign import write_payments
from tests.monitoring.declared import declared_family, logged_window

WINDOWS = """
windows:
  card: {spans: [1d, 30d], of: [count, mean, ratio, since_last, label_rate]}
  place: {spans: [7d], of: [count, distinct(card), new(card)]}
"""
ROWS = 400
COUNT = "card_count_30d"


@dataclass(frozen=True)
class Logged:
    """The last forty payments as a service logs them, and the table of all as its owner has it."""

    family: ModelFamily
    window: pa.Table
    owned: pd.DataFrame
    folder: Path

    def recompute(self, window: pa.Table | None = None, owned: pd.DataFrame | None = None, rows: int = 100) -> RecomputedFeatures:
        """Recompute rows of a window, from a table."""
        pq.write_table(self.window if window is None else window, self.folder / "window.parquet")
        (self.owned if owned is None else owned).to_csv(self.folder / "owned.csv", index=False)
        return recompute_features(
            Table(self.folder / "window.parquet"),
            self.family,
            self.folder / "owned.csv",
            rows=rows,
            thresholds=MonitoringThresholds(),
            scratch=self.folder,
        )

    def changed(self, column: str, places: list[int], change: Callable[[Any], Any]) -> pa.Table:
        """Return the window with a column changed at some places."""
        values = self.window[column].to_pylist()
        values = [change(value) if place in places else value for place, value in enumerate(values)]
        place = self.window.column_names.index(column)
        return self.window.set_column(place, column, pa.array(values, self.window.schema.field(column).type))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("recomputed")
    file = write_payments(folder / "source", ROWS)
    text = file.read_text().replace("entities: {card: card token}", "entities: {card: card token, place: country}")
    file.write_text(text + WINDOWS)
    family, prepared = declared_family(file, folder)
    owned = pd.read_csv(folder / "source" / "rows.csv", dtype=str, keep_default_na=False)
    features = DuckDBEngine(family.features).build(prepared, folder / "features").read().slice(ROWS - 40)
    ids = owned["payment id"].to_numpy()[features["row_number"].to_numpy()]
    rows = logged_window(features.select(list(family.features.model_features)))
    told = {
        "request_id": pa.array([f"r-{place}" for place in range(40)]),
        "row": pa.array([0] * 40, pa.int32()),
        "past_event": pa.array([event_digest(declared_event(each)) for each in ids]),
        "past_exact": pa.array([True] * 40),
    }
    for name, column in told.items():
        rows = rows.append_column(name, column)
    return Logged(family, rows, owned, folder)


def test_rows_as_the_history_makes_them_give_no_finding(made: Logged) -> None:
    found = made.recompute()
    assert (found.rows, found.compared, found.differing, found.incomparable, found.findings) == (40, 40, 0, {}, ())
    assert found.remarks == ("40 of 40 rows were recomputed from owned.csv: none differs",)
    assert made.recompute(rows=12) == made.recompute(rows=12) and made.recompute(rows=12).compared == 12


def test_a_wrong_feature_in_one_row_of_three_is_one_finding(made: Logged) -> None:
    wrong = list(range(1, 40, 3))
    found = made.recompute(made.changed(COUNT, wrong, lambda value: value + 1))
    (finding,) = found.findings
    assert (found.compared, found.differing) == (40, len(wrong)) == (40, 13)
    assert (finding.kind, finding.subject, finding.level, finding.effect) == ("skew", COUNT, "act", 13 / 40)
    assert finding.sentence == "payments in 30 d: not what the history makes of it in 13 of 40 recomputed rows"
    assert finding.since == made.window["time"][1].as_py() and finding.chance == 0
    assert found.remarks == ("40 of 40 rows were recomputed from owned.csv: 13 differ",)
    missing = made.recompute(made.changed("card_mean_30d", [7], lambda value: None if value is not None else 1.0))
    assert [(each.subject, each.effect) for each in missing.findings] == [("card_mean_30d", 1 / 40)]


def test_one_row_of_many_is_watched(made: Logged) -> None:
    limits = MonitoringThresholds(skew_act=0.1)
    window = made.changed(COUNT, [5], lambda value: value + 1)
    pq.write_table(window, made.folder / "few.parquet")
    made.owned.to_csv(made.folder / "few.csv", index=False)
    given = Table(made.folder / "few.parquet"), made.family, made.folder / "few.csv"
    (finding,) = recompute_features(*given, rows=100, thresholds=limits, scratch=made.folder).findings
    assert (finding.level, finding.effect) == ("watch", 1 / 40)


def test_rows_that_the_history_lacks_are_counted_and_so_is_what_came_after_them(made: Logged) -> None:
    ends = made.owned.iloc[: ROWS - 15]
    found = made.recompute(owned=ends)
    assert (found.compared, found.incomparable, found.findings) == (25, {"absent": 15}, ())
    lacking = made.owned.drop(index=[ROWS - 30, ROWS - 28])  # the window's rows 10 and 12
    found = made.recompute(made.changed(COUNT, [3], lambda value: value + 1), owned=lacking)
    assert found.incomparable["absent"] == 2 and found.incomparable["lacking"] >= 2
    (finding,) = found.findings
    assert (finding.subject, found.differing) == (COUNT, 1), "the third row came before any that is not there"
    assert f"{found.incomparable['lacking']} differ, and may be of whom the rows are that the history lacks" in found.remarks[0]
    nothing = made.recompute(owned=made.owned.iloc[:200])
    assert (nothing.compared, nothing.findings) == (0, ())
    assert (
        nothing.remarks[0] == "no row could be compared with what owned.csv makes of it; not compared: 40 are not in the history"
    )


def test_a_row_that_the_history_lacks_excuses_one_card_alone(made: Logged) -> None:
    later = range(5, 40)
    cards = made.owned["card token"].to_numpy()[ROWS - 35 :]
    most = max(np.unique(cards[cards != ""], return_counts=True)[1])
    found = made.recompute(made.changed(COUNT, [*later], lambda value: value + 1), owned=made.owned.drop(index=[ROWS - 36]))
    assert found.incomparable == {"absent": 1, "lacking": most} and most < 15
    assert [(each.subject, each.effect) for each in found.findings] == [(COUNT, (35 - most) / (39 - most))]


def test_a_row_that_the_history_lacks_excuses_nothing_of_a_window_that_it_is_not_in(made: Logged) -> None:
    booked = pd.to_datetime(made.owned["booked at"][ROWS - 40 :], dayfirst=True).dt.tz_localize("Europe/London")
    assert booked.iloc[39] - booked.iloc[0] > pd.Timedelta("2d")
    window = made.changed("card_count_1d", [39], lambda value: value + 1)
    field = window.schema.field("time")
    window = window.set_column(window.column_names.index("time"), field, pa.array(booked, field.type))
    found = made.recompute(window, owned=made.owned.drop(index=[ROWS - 40]))
    assert [each.subject for each in found.findings] == ["card_count_1d"]


def test_what_began_before_the_history_is_counted(made: Logged) -> None:
    found = made.recompute(owned=made.owned.iloc[ROWS - 60 :])
    assert found.findings == () and found.incomparable["early"] > 0
    assert found.compared + found.incomparable["early"] == 40
    wrong = made.recompute(made.changed("card_count_1d", [39], lambda value: value + 2), owned=made.owned.iloc[ROWS - 60 :])
    assert [each.subject for each in wrong.findings] == ["card_count_1d"], "a day lies within the history"


def test_rows_that_came_late_are_counted_and_so_are_those_that_they_passed(made: Logged) -> None:
    late = [2, 5, 9]
    window = made.changed(COUNT, [*late, 30], lambda value: value + 1)
    exact = pa.array([place not in late for place in range(40)])
    found = made.recompute(window.set_column(window.column_names.index("past_exact"), "past_exact", exact))
    assert (found.compared, found.differing, found.incomparable) == (37, 1, {"late": 3})
    assert (
        "3 came too late to see exactly what was before them, or had it not looked up, as the service counted" in found.remarks[0]
    )

    keys = made.owned["country"].to_numpy()[ROWS - 40 :]
    first, second = next((one, two) for two in range(40) for one in range(two) if keys[one] == keys[two] != "")
    times = made.window["time"].to_pylist()
    times[first] = times[second] + (times[1] - times[0])  # it happened before the other and was told after it
    window = made.changed("place_count_7d", [second], lambda value: value - 1)
    window = window.set_column(window.column_names.index("time"), "time", pa.array(times, window.schema.field("time").type))
    found = made.recompute(window)
    assert (found.findings, found.incomparable) == ((), {"overtaken": 1})
    found = made.recompute(made.changed("place_count_7d", [second], lambda value: value - 1))
    assert (len(found.findings), found.incomparable) == (1, {}), "none passed it"


def test_rows_without_an_id_are_counted(made: Logged) -> None:
    events = [None if place < 4 else each for place, each in enumerate(made.window["past_event"].to_pylist())]
    window = made.window.set_column(made.window.column_names.index("past_event"), "past_event", pa.array(events))
    found = made.recompute(window)
    assert (found.compared, found.incomparable) == (36, {"nameless": 4})


def test_a_feature_that_is_nan_is_a_missing_one(made: Logged) -> None:
    nothing = [place for place, value in enumerate(made.window["card_since_last"].to_pylist()) if value is None]
    assert nothing, "some cards are new"
    window = made.changed("card_since_last", nothing, lambda _: np.nan)
    assert made.recompute(window).findings == ()


def test_what_cannot_be_recomputed_is_refused(made: Logged, payments_family: ModelFamily) -> None:
    with pytest.raises(UsageError, match=r"read nothing of earlier rows\. Leave history\.file out"):
        check_recomputable(payments_family, made.folder / "owned.csv")
    with pytest.raises(UsageError, match=r"There is no file '.*absent\.csv'"):
        check_recomputable(made.family, made.folder / "absent.csv")
    with pytest.raises(DataError, match=r"has no column 'payment id', by which logged rows are found in it"):
        made.recompute(owned=made.owned.drop(columns="payment id"))
    described = made.family.declared
    assert described is not None
    nameless = described.model_copy(update={"declaration": described.declaration.model_copy(update={"id": None})})
    with pytest.raises(UsageError, match="declares no id"):
        check_recomputable(replace(made.family, described=nameless), made.folder / "owned.csv")


@pytest.fixture(scope="module")
def payments_family(tmp_path_factory: pytest.TempPathFactory) -> ModelFamily:
    folder = tmp_path_factory.mktemp("plain")
    return declared_family(write_payments(folder / "source", 300), folder)[0]
