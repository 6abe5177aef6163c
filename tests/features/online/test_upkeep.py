"""A state gives the same answer to the same event, counts an outcome once, stays small, and forgets what nobody sees."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fusionguard.datasets.history import LARGEST_HUNDREDTHS, MOST_OTHERS, memories
from fusionguard.errors import DataError
from fusionguard.features.online.entity import MOST_RECENT_OTHERS, MOST_SECONDS, EntityMemory
from fusionguard.features.online.layout import layouts_of
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.features.online.state import Event, Keeping, Newest, OnlineState, Outcome
from tests.datasets.test_history import computed, declare, draw
from tests.features.online.states import Build
from tests.features.online.streams import in_order

PLAN = memories(
    declare(windows={"card": {"spans": ["5m", "1h"], "of": ["count", "mean", "label_count", "label_rate", "new(shop)"]}})
)


def event(name: str, second: int, **changed: object) -> Event:
    """Return an event of one card."""
    base = Event(name, second, {"card": "C", "shop": "S"}, {"amount": 250, "km far": 0})
    return replace(base, **changed)  # type: ignore[arg-type]


@pytest.fixture
def state(build: Build) -> OnlineState:
    """An empty state."""
    return build(PLAN)


def test_the_same_event_sees_what_it_saw_and_is_not_recorded_again(state: OnlineState) -> None:
    first = state.observe(event("a", 10))
    state.observe(event("b", 12))
    third = state.observe(event("c", 15, numbers={"amount": None, "km far": 0}))
    assert (third.values["past_card_rows_1h"], third.values["past_card_hundredths_amount_1h"]) == (2, 500)
    assert state.observe(event("a", 10)) == first
    assert state.observe(event("c", 99)) == third == state.peek(event("c", 99))
    assert state.observe_all([event("d", 20), event("d", 20)])[1].values["past_card_rows_1h"] == 3
    assert state.observe(event("e", 30)).values["past_card_rows_1h"] == 4
    assert state.check().events == 5


def test_a_history_that_breaks_off_is_loaded_again_and_a_state_appears_when_it_is_whole(tmp_path: Path) -> None:
    def history(until: int) -> Iterator[Event | Outcome]:
        for place in range(until):
            yield event(f"e{place}", place)
            yield Outcome(f"e{place}", place % 2, place + 40)
        if until < 1_500:
            raise OSError("the source is gone")

    with pytest.raises(OSError, match="the source is gone"):
        SqliteState.build(tmp_path / "state", PLAN, history(1_400))
    assert list(tmp_path.iterdir()) == []
    state = SqliteState.build(tmp_path / "state", PLAN)
    with pytest.raises(OSError, match="the source is gone"):
        state.load(history(1_400))
    assert 0 < state.check().events < 1_400
    state.load(history(1_500))
    seen = state.peek(event("last", 2_000)).values
    assert (seen["past_card_rows_1h"], seen["past_card_known_1h"], seen["past_card_positive_1h"]) == (1_500, 1_500, 750)
    assert [each.name for each in tmp_path.iterdir() if not each.name.startswith("state")] == []


def test_an_outcome_is_told_by_the_id_or_by_any_alias_of_its_event(state: OnlineState) -> None:
    state.observe(event("a", 0, alias="first"))
    state.observe(event("a", 0, alias="again"))
    state.observe(event("b", 1, alias="first"))  # an alias stays with whom it was given
    assert [state.tell(Outcome(name, 1, 200)) for name in ("again", "first", "a", "other")] == ["new", "same", "same", "unknown"]
    assert state.tell(Outcome("b", 0, 200)) == "new"
    seen = state.peek(event("c", 300)).values
    assert (seen["past_card_known_5m"], seen["past_card_positive_5m"]) == (2, 1)


def test_aliases_go_with_their_events(tmp_path: Path) -> None:
    day, state = 86_400, SqliteState.build(tmp_path / "state", PLAN)
    state.observe_all([event("old", 0, alias="x"), event("new", 150 * day, alias="y")])
    state.prune(200 * day)
    assert [state.tell(Outcome(name, 1, 200 * day)) for name in ("x", "y")] == ["unknown", "new"]
    with closing(sqlite3.connect(tmp_path / "state")) as database:
        assert database.execute("SELECT second FROM aliases").fetchall() == [(150 * day,)]


def test_peeking_leaves_nothing_behind(state: OnlineState) -> None:
    state.observe(event("a", 10))
    before = state.check()
    assert state.peek(event("b", 20)).values["past_card_rows_5m"] == 1
    assert state.peek(event("b", 20)).values["past_card_rows_5m"] == 1
    assert state.check() == before


def test_an_outcome_counts_once_however_often_it_is_told_and_corrected(state: OnlineState) -> None:
    state.observe_all([event("a", 0), event("b", 1)])

    def rate() -> tuple[int | None, int | None]:
        seen = state.peek(event("later", 700)).values
        return seen["past_card_known_1h"], seen["past_card_positive_1h"]

    told = [("a", 1, 300), ("a", 1, 400), ("a", 0, 500), ("b", 0, 310), ("a", 1, 520), ("a", 1, 530)]
    found = []
    for name, positive, second in told:
        found.append((state.tell(Outcome(name, positive, second)), *rate()))
    assert found == [("new", 1, 1), ("same", 1, 1), ("new", 1, 0), ("new", 2, 0), ("new", 2, 1), ("same", 2, 1)]
    assert state.tell(Outcome("never seen", 1, 300)) == "unknown"
    assert state.check().unknown_outcomes == 1


def test_an_outcome_that_is_told_after_it_counted_is_counted_as_late(state: OnlineState) -> None:
    state.observe(event("a", 0, known=240))
    assert state.tell(Outcome("a", 0, 500)) == "same"
    assert state.peek(event("later", 700)).values["past_card_positive_1h"] == 0
    assert state.tell(Outcome("a", 1, 500)) == "new"
    seen = state.peek(event("later", 700)).values
    assert (seen["past_card_known_1h"], seen["past_card_positive_1h"]) == (1, 1)
    assert state.check().late_outcomes == 1


def test_pruning_changes_no_later_answer(build: Build) -> None:
    declaration, drawn = declare(), draw(12, rows=700)
    events = [replace(each, second=8 * each.second, known=None if each.known is None else 8 * each.known) for each in drawn]
    found, stream = computed(declaration, events), list(in_order(events))
    state = build(memories(declaration), keeping=Keeping(3_000, 9_000, 500))
    sizes, pruned = [], 0
    for place, each in enumerate(stream):
        if isinstance(each, Outcome):
            state.tell(each)
            continue
        seen = state.observe(each)
        assert seen.values == {name: values[int(each.id[1:])] for name, values in found.items()}
        assert seen.exact
        if place % 100 == 0:
            before = state.check()
            state.prune(pruned := each.second)
            sizes.append((before, state.check()))
    assert sizes[-1][1].events < sizes[-1][0].events
    late = Event("late", pruned - 501, {"card": "C0", "shop": None}, events[0].numbers)
    assert not state.observe(late).exact
    state.prune(10**9)
    left = state.check()
    assert (left.entities, left.outcome_spans, left.events, left.late) == (0, 0, 0, 1)


def test_a_few_rows_that_are_years_ahead_do_not_say_what_time_it_is(state: OnlineState) -> None:
    assert state.newest() is None
    state.observe_all([event(f"ahead {place}", 2_000_000_000 + place) for place in range(10)])
    assert state.newest() == Newest(None, 2_000_000_009, 10)
    state.observe_all([event(f"e{place}", 100 + place) for place in range(300)])
    assert state.newest() == Newest(399, 2_000_000_009, 10)
    state.observe(event("eleventh", 3_000_000_000))
    assert state.newest() == Newest(2_000_000_000, 3_000_000_000, 10)


def test_of_many_rows_one_in_a_thousand_does_not_say_what_time_it_is() -> None:
    seconds = [*range(20_000), *[10**9] * 21]
    assert Newest.of(len(seconds), seconds) == Newest(19_999, 10**9, 21), "21 of 20,021"
    assert Newest.of(len(seconds) + 1, [*seconds, 10**9]) == Newest(10**9, 10**9, 0)
    assert Newest.of(len(seconds), sorted(seconds)[-22:]) == Newest(19_999, 10**9, 21), "of the newest alone"


def test_the_first_second_that_is_not_late_after_pruning_sees_its_whole_window(build: Build) -> None:
    plan = memories(declare(windows={"card": {"spans": ["5m"], "of": ["count", "new(shop)", "label_count"]}}))  # tiles of 10 s
    state = build(plan, keeping=Keeping(late_seconds=50))
    state.observe_all([event("a", 699), event("b", 700, known=700), event("c", 999, known=999)])
    state.prune(1_055)  # from 1,005 on, whose window begins at 700
    late, first = state.peek(event("late", 1_004)), state.peek(event("first", 1_005))
    assert (late.exact, first.exact) == (False, True)
    assert [first.values[name] for name in ("past_card_rows_5m", "past_card_met_shop_5m", "past_card_known_5m")] == [2, 1, 2]
    state.prune(1_065)
    assert state.peek(event("next", 1_015)).values["past_card_rows_5m"] == 1
    state.prune(500)
    assert not state.peek(event("still late", 1_014)).exact


def test_an_event_whose_answer_is_forgotten_is_still_recorded_once(build: Build) -> None:
    state = build(PLAN, keeping=Keeping(100, 5_000, 50))
    state.observe_all([event("a", 0), event("b", 900)])
    state.prune(1_000)
    again = state.observe(event("a", 0))
    assert not again.exact
    assert state.peek(event("c", 960)).values["past_card_rows_1h"] == 2
    assert state.tell(Outcome("a", 1, 961)) == "new"
    state.prune(10_000)
    assert state.tell(Outcome("a", 0, 962)) == "unknown"


def test_traffic_does_not_make_an_entity_larger(tmp_path: Path) -> None:
    declared = declare(windows={"shop": {"spans": ["1h", "1d", "7d"], "of": ["count", "mean", "maximum", "label_rate"]}})
    path = tmp_path / "state"
    of = {"card": None, "shop": "S"}
    history = (
        Event(f"P{place}", 3 * place, of, {"amount": place % 997, "km far": 0}, 3 * place + 600) for place in range(15_000)
    )
    state = SqliteState.build(path, memories(declared), history)
    seen = state.peek(Event("last", 45_000, of, {"amount": 0, "km far": 0}))
    assert (seen.values["past_shop_rows_1h"], seen.values["past_shop_rows_7d"]) == (1_200, 15_000)
    with closing(sqlite3.connect(path)) as database:
        (memory,) = database.execute("SELECT LENGTH(memory) FROM entities").fetchone()
        (tiles,) = database.execute("SELECT SUM(LENGTH(tiles)) FROM outcomes").fetchone()
    assert memory < 1_500
    assert tiles < 4_000


def test_a_crowd_at_one_place_stays_within_bounds() -> None:
    (layout,) = layouts_of(memories(declare(windows={"shop": {"spans": ["1h"], "of": ["distinct(card)", "new(card)"]}})))
    memory, cuts = EntityMemory(layout), 0
    for place in range(12_000):
        cuts += len(memory.add(place // 300, [], [place]))
    content = memory.to_bytes()
    assert len(content) < 12 * (MOST_RECENT_OTHERS + MOST_OTHERS + 300) + 500
    assert EntityMemory(layout, content).to_bytes() == content
    assert 12_000 - (MOST_RECENT_OTHERS + MOST_OTHERS + 300) <= cuts <= 12_000 - MOST_RECENT_OTHERS - MOST_OTHERS + 300


def test_ten_thousand_events_of_one_second_do_not_see_each_other(tmp_path: Path) -> None:
    declared = declare(windows={"card": {"spans": ["1h"], "of": ["count", "sum", "maximum", "since_last", "distinct(shop)"]}})
    path = tmp_path / "state"
    events = [
        Event(f"P{place}", 50, {"card": "C", "shop": f"S{place % 7}"}, {"amount": place, "km far": 0}) for place in range(10_000)
    ]
    state = SqliteState.build(path, memories(declared), events)
    unseen = state.peek(replace(events[0], id="x"))
    assert set(unseen.values.values()) == {0, None}
    assert state.peek(replace(events[0], id="x", second=51)).values == {
        "past_card_rows_1h": 10_000,
        "past_card_hundredths_amount_1h": 49_995_000,
        "past_card_largest_amount_1h": 9_999,
        "past_card_last_1h": 1,
        "past_card_others_shop_1h": 7,
    }
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT LENGTH(memory) FROM entities").fetchone()[0] < 200


def test_a_clock_that_is_years_ahead_takes_nothing_from_others(state: OnlineState) -> None:
    state.observe_all([event("a", 0), event("ahead", 2_000_000_000), event("b", 5)])
    seen = state.observe(event("c", 9))
    assert (seen.values["past_card_rows_1h"], seen.exact) == (2, True)
    back = state.observe(event("back", -2_000_000_000))
    assert (back.values["past_card_rows_1h"], back.exact) == (0, True)
    for place in range(MOST_SECONDS):
        assert state.observe(event(f"n{place}", 10 + place)).values["past_card_rows_1h"] == 3 + place


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"id": ""}, "An event's id must be a text that is not empty."),
        ({"second": 1_700_000_000_000}, "Event 'x': second must be whole seconds."),
        ({"second": 1.5}, "Event 'x': second must be whole seconds."),
        (
            {"numbers": {"amount": LARGEST_HUNDREDTHS + 1, "km far": 0}},
            "Event 'x': the number of 'amount' must be whole hundredths",
        ),
        ({"numbers": {"amount": 1.0, "km far": 0}}, "Event 'x': the number of 'amount' must be whole hundredths"),
        ({"numbers": {"km far": 0}}, "Event 'x' lacks the number 'amount'."),
        ({"keys": {"card": "C"}}, "Event 'x' lacks the entity 'shop'."),
    ],
)
def test_what_cannot_be_an_event_is_refused_and_leaves_nothing(
    state: OnlineState, changed: dict[str, object], words: str
) -> None:
    state.observe(event("before", 0))
    with pytest.raises(DataError) as refused:
        state.observe_all([event("fine", 1), replace(event("x", 2), **changed)])  # type: ignore[arg-type]
    assert refused.value.what.startswith(words)
    assert state.check().events == 1
    assert state.observe(event("after", 2)).values["past_card_rows_1h"] == 1


def test_negative_and_zero_amounts_and_nobody_are_events_like_others(state: OnlineState) -> None:
    amounts = [-500, 0, 20, None]
    state.observe_all([event(f"a{place}", place, numbers={"amount": each, "km far": 0}) for place, each in enumerate(amounts)])
    assert set(state.observe(event("nobody", 50, keys={"card": None, "shop": "S"})).values.values()) == {None}
    seen = state.observe(event("last", 51, keys={"card": "C", "shop": None})).values
    assert (seen["past_card_hundredths_amount_5m"], seen["past_card_values_amount_5m"], seen["past_card_rows_5m"]) == (-480, 3, 4)
    assert seen["past_card_met_shop_5m"] is None
    with pytest.raises(DataError, match="must be 1 or 0"):
        state.tell(Outcome("last", 2, 60))
