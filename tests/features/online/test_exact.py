"""What events see of a state is what the SQL finds in the history, to the last digit, in whatever order they come."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from fusionguard.datasets.history import MOST_OTHERS, memories
from fusionguard.features.online import entity
from fusionguard.features.online.entity import FOLDED_AT_ONCE, MOST_SECONDS
from fusionguard.features.online.state import Event, Keeping, Outcome
from tests.datasets import slow_history
from tests.datasets.test_history import LATE, computed, declare, draw, late
from tests.features.online.states import Build
from tests.features.online.streams import expected, in_order, online


@pytest.mark.parametrize("seed", [2, 23])
def test_events_in_order_see_what_the_sql_finds(build: Build, seed: int) -> None:
    declaration, events = declare(), draw(seed, rows=900)
    found = computed(declaration, events)
    with_folds = [sum(each.of["card"] == card for each in events) for card in ("C0", "C1")]
    assert min(with_folds) > 2 * MOST_SECONDS
    state = build(memories(declaration))
    for each in in_order(events):
        if isinstance(each, Outcome):
            assert state.tell(each) == "new"
        else:
            peeked, seen = state.peek(each), state.observe(each)
            assert seen.values == {name: values[int(each.id[1:])] for name, values in found.items()}
            assert seen.exact
            assert peeked == seen
    assert state.check().late == 0
    state.close()


def test_a_history_that_was_loaded_is_seen_as_one_that_was_observed(build: Build) -> None:
    declaration, events = declare(), draw(4, rows=500)
    found, stream = computed(declaration, events), list(in_order(events))
    state = build(memories(declaration), stream[:700])
    for each in stream[700:]:
        if isinstance(each, Event):
            assert state.observe(each).values == {name: values[int(each.id[1:])] for name, values in found.items()}
        else:
            state.tell(each)
    state.close()


@pytest.mark.parametrize("seed", [6, 31])
def test_late_events_see_all_that_were_recorded_of_earlier_seconds(build: Build, seed: int) -> None:
    generator = np.random.default_rng(seed)
    drawn = [
        replace(each, positive=None, known=None, second=int(second))
        for each, second in zip(draw(seed, rows=400), generator.integers(0, 500, size=400), strict=True)
    ]
    order = np.argsort([each.second + generator.integers(0, 61) for each in drawn], kind="stable")
    arrived = [drawn[place] for place in order]
    assert any(later.second < earlier.second - 40 for earlier, later in itertools.pairwise(arrived))
    plan = memories(declare())
    state = build(plan)
    for place, each in enumerate(arrived):
        seen = state.observe(online(place, each))
        assert seen.values == expected(plan, arrived[:place], each), each
        assert seen.exact
    state.close()


def test_late_events_see_what_the_sql_finds_where_it_is_declared_when_rows_arrived(build: Build) -> None:
    declaration = declare(**LATE)
    events = [replace(each, positive=None, known=None) for each in late(draw(37, rows=400), 37)]
    found = computed(declaration, events)
    state = build(memories(declaration), keeping=Keeping(late_seconds=9_000))
    for place, each in enumerate(events):
        seen = state.observe(online(place, each))
        assert seen.exact
        assert seen.values == {name: values[place] for name, values in found.items()}, each
    state.close()


@pytest.mark.parametrize("after", [None, 70])
def test_outcomes_of_late_events_are_those_that_the_sql_finds(build: Build, after: int | None) -> None:
    known = {"column": "told_at"} if after is None else {"after": f"{after}s"}
    declaration = declare(**LATE, label={"column": "fraud", "known": known})
    events = late(draw(41, rows=400), 41)
    if after is not None:
        events = [replace(each, positive=each.positive or 0, known=each.second + after) for each in events]
    assert sum(each.known is not None and each.arrived > each.known for each in events) > 40
    found = computed(declaration, events)
    stream: list[tuple[int, int, int, bool]] = [(each.arrived, 1, place, False) for place, each in enumerate(events)]
    for place, each in enumerate(events):
        if each.known is not None and (after is None or each.positive):
            when = each.arrived if after is not None else max(each.known, each.arrived)
            stream.append((when, int(when == each.arrived), place, True))
    state = build(memories(declaration), keeping=Keeping(late_seconds=9_000))
    for _, _, place, is_outcome in sorted(stream):
        event = events[place]
        if is_outcome:
            assert state.tell(Outcome(f"P{place}", event.positive or 0, event.known or 0)) == "new"
        else:
            seen = state.observe(online(place, event, delayed=after is not None))
            assert seen.exact
            assert seen.values == {name: values[place] for name, values in found.items()}, event
    state.close()


def test_an_event_that_is_too_late_says_so_and_later_ones_see_it(build: Build) -> None:
    plan = memories(declare(windows={"card": {"spans": ["1h"], "of": ["count", "maximum", "distinct(shop)", "since_last"]}}))
    state = build(plan)
    of = {"card": "C", "shop": "S"}
    rows = [
        slow_history.Event(3 * second, of, {"amount": second, "km far": 0}) for second in range(MOST_SECONDS + FOLDED_AT_ONCE + 1)
    ]
    for place, each in enumerate(rows):
        assert state.observe(online(place, each)).exact
    last_folded = 3 * FOLDED_AT_ONCE
    late = slow_history.Event(last_folded, {"card": "C", "shop": "late"}, {"amount": 7_777, "km far": 0})
    assert not state.observe(online(500, late)).exact
    years_ago = slow_history.Event(-(10**9), of, {"amount": 8_888, "km far": 0})
    assert not state.observe(online(501, years_ago)).exact
    for event in (slow_history.Event(last_folded + 1, of, {"amount": 1, "km far": 0}), replace(rows[-1], second=1_000)):
        seen = state.observe(online(event.second + 10_000, event))
        assert seen.values == expected(plan, [*rows, late, years_ago], event)
        assert seen.exact
        rows.append(event)
    assert state.check().late == 2
    state.close()


@pytest.mark.parametrize("seed", [7])
def test_outcomes_that_are_known_after_a_delay_are_negative_unless_told(build: Build, seed: int) -> None:
    declaration = declare(label={"column": "fraud", "known": {"after": "70s"}})
    drawn = draw(seed, rows=400)
    assert sum(each.positive is None for each in drawn) > 30, "of some, nobody ever tells the outcome"
    events = [replace(each, known=each.second + 70) for each in drawn]
    found = computed(declaration, drawn)
    state = build(memories(declaration))
    for place in sorted(range(len(events)), key=lambda place: events[place].second):
        event = events[place]
        seen = state.observe(online(place, event, delayed=True))
        assert seen.values == {name: values[place] for name, values in found.items()}
        if event.positive:
            assert state.tell(Outcome(f"P{place}", 1, event.second + 11)) == "new"
    assert state.check().late_outcomes == 0
    state.close()


@pytest.mark.parametrize("step", [0, 1])
def test_of_many_others_all_are_recognized_and_the_count_ends_at_its_limit(build: Build, step: int) -> None:
    windows = {"shop": {"spans": ["2h"], "of": ["new(card)", "distinct(card)", "count"]}}
    declaration = declare(windows=windows)
    count = MOST_OTHERS + 300
    cards = [*range(count), 0, 1, 299, 300, count - 1, count, 0]
    rows = [
        slow_history.Event(
            second=place * step if place < count else 4_000 + place,
            of={"card": f"C{card}", "shop": "S"},
            numbers={"amount": 1, "km far": 0},
        )
        for place, card in enumerate(cards)
    ]
    found = computed(declaration, rows)
    assert found["past_shop_others_card_2h"][-1] == MOST_OTHERS
    assert found["past_shop_met_card_2h"][count:] == [1, 1, 1, 1, 1, 0, 1]
    state = build(memories(declaration))
    seen = state.observe_all([online(place, each) for place, each in enumerate(rows)])
    assert [each.values for each in seen] == [
        {name: values[place] for name, values in found.items()} for place in range(len(rows))
    ]
    state.close()


@pytest.mark.parametrize("of", ["since_last", "new(shop)", "distinct(shop)", "label_count", "maximum"])
def test_each_aggregate_can_stand_alone(build: Build, of: str) -> None:
    declaration, events = declare(windows={"card": {"spans": ["7s", "1h"], "of": [of]}}), draw(17, rows=400)
    found = computed(declaration, events)
    state = build(memories(declaration))
    stream = list(in_order(events))
    for each in stream:
        if isinstance(each, Outcome):
            state.tell(each)
        else:
            assert state.observe(each).values == {name: values[int(each.id[1:])] for name, values in found.items()}
    state.close()


SHORT = {
    "card": {"spans": ["7s", "30s", "2m"], "of": ["count", "maximum", "since_last", "distinct(shop)", "new(shop)", "label_rate"]}
}


@pytest.mark.parametrize(
    ("seed", "windows", "step", "limits"),
    [(0, None, 30, (6, 3, 2, 9)), (1, None, 30, (6, 3, 2, 9)), (2, SHORT, 5, (2, 1, 4, 30)), (3, SHORT, 5, (3, 0, 3, 4))],
)
def test_what_says_that_it_is_exact_is_so_however_late_events_are(
    build: Build,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    windows: dict[str, object] | None,
    step: int,
    limits: tuple[int, int, int, int],
) -> None:
    for name, limit in zip(("MOST_SECONDS", "FOLDED_AT_ONCE", "MOST_OTHERS", "MOST_RECENT_OTHERS"), limits, strict=True):
        monkeypatch.setattr(entity, name, limit)
    generator = np.random.default_rng(seed + 50)
    plan = memories(declare() if windows is None else declare(windows=windows))
    state = build(plan, keeping=Keeping(late_seconds=5 * step))
    now, arrived, exact, told = 0, [], [], 0
    for place, drawn in enumerate(draw(seed, rows=350)):
        now += int(generator.integers(0, step))
        second = now - int(generator.choice([0, 0, 0.03, 0.7, 3, 23, 300]) * step * generator.random())
        each = replace(drawn, second=second, positive=None, known=None)
        seen = state.observe(online(place, each))
        exact.append(seen.exact)
        if seen.exact:
            values = expected(plan, arrived, each)
            limited = {
                name: limits[2] if "_others_" in name and number is not None and number > limits[2] else number
                for name, number in values.items()
            }
            assert seen.values == limited, (place, each)
        arrived.append(each)
        if generator.random() < 0.3:
            known = int(generator.integers(0, place + 1))
            if arrived[known].known is None:
                moment, told = now + int(generator.integers(0, 5)), told + 1
                arrived[known] = replace(arrived[known], positive=told % 2, known=moment)
                assert state.tell(Outcome(f"P{known}", told % 2, moment)) == "new"
        if place % 60 == 59:
            state.prune(now)
    assert 20 < exact.count(False) < 200
    assert state.check().late == exact.count(False)
    state.close()
