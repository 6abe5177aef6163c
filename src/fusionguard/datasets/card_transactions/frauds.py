"""The cases of fraud that begin in a week, kind by kind: each kind has random numbers of its own, so that none moves another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fusionguard.datasets.card_transactions.honest import DAYS_PER_WEEK, amounts, day_hours
from fusionguard.datasets.card_transactions.payments import (
    CHIP,
    CONTACTLESS,
    NEVER,
    ONLINE,
    SECONDS_PER_DAY,
    STRIPE,
    Payments,
)
from fusionguard.datasets.card_transactions.population import Flags, Floats, Integers, Society
from fusionguard.datasets.card_transactions.settings import CATEGORIES, KINDS, Frauds, Reporting, Settings

_DAYS_PER_MONTH = 30.0
_SECONDS_PER_HOUR = 3600
_TRIES = 8
_MOST_CASES = 1_000_000
_SOLD_ON = np.array([each.name in ("electronics", "clothing", "fuel", "groceries", "kiosk") for each in CATEGORIES])
"""What is bought with a stolen card."""
_TRIED_AT = np.array([each.name in ("digital goods", "donations", "marketplace") for each in CATEGORIES])
"""Where numbers of cards are tried."""
_GIVEN_BACK = np.array([each.refunded > 0.001 and not each.online for each in CATEGORIES])


@dataclass(frozen=True)
class _Draw:
    """What drawing a kind's cases of a week needs."""

    society: Society
    frauds: Frauds
    settings: Settings
    rng: np.random.Generator
    week: int
    kind: int

    @property
    def begins(self) -> int:
        """The first second of the week."""
        return self.week * DAYS_PER_WEEK * SECONDS_PER_DAY

    @property
    def first_case(self) -> int:
        """What the first case of the week is called."""
        return self.week * _MOST_CASES

    def how_many(self, per_month: float, of: float) -> int:
        """Return how many cases begin in the week, of so many a month for a thousand ``of`` somebody."""
        return int(self.rng.poisson(per_month * of / 1_000 * DAYS_PER_WEEK / _DAYS_PER_MONTH))

    def starts(self, count: int) -> Integers:
        """Return the first seconds (count,) of cases, at any time of the week."""
        return self.begins + self.rng.integers(0, DAYS_PER_WEEK * SECONDS_PER_DAY, count)

    def counts(self, low: int, high: int, count: int) -> Integers:
        """Return how many payments (count,) cases have."""
        return self.rng.integers(low, high + 1, count)

    def cards(self, count: int) -> Integers:
        """Return any cards (count,)."""
        return self.rng.integers(0, self.society.customers.first_card[-1], count)

    def payments(
        self,
        case: Integers,
        second: Integers,
        card: Integers,
        merchant: Integers,
        entry: Integers,
        cents: Integers,
        how: Reporting,
        terminal: Integers | None = None,
    ) -> Payments:
        """Return the payments of cases, numbered from 0 within the week, with what becomes known of them."""
        any_of_them = self.society.merchants.terminal(merchant, self.rng.random(len(merchant)))
        return Payments(
            second=second,
            card=card,
            merchant=merchant,
            terminal=any_of_them if terminal is None else terminal,
            entry=entry,
            cents=cents,
            kind=np.full(len(second), self.kind),
            case=self.first_case + case,
            reported=self._reports(case, second, how),
        )

    def _reports(self, case: Integers, second: Integers, how: Reporting) -> Integers:
        count = int(case.max(initial=-1)) + 1
        alone = self.rng.lognormal(np.log(how.median_days), how.spread, len(case))
        of_case = self.rng.lognormal(np.log(how.median_days), how.spread, count)
        last = np.zeros(count, dtype=np.int64)
        np.maximum.at(last, case, second)
        when = last[case] + of_case[case] * SECONDS_PER_DAY if how.together else second + alone * SECONDS_PER_DAY
        return np.where(self.rng.random(len(case)) < how.unreported, NEVER, when.astype(np.int64))


def draw_frauds(society: Society, week: int, kind: int, rng: np.random.Generator, settings: Settings) -> Payments:
    """Return the payments of the cases of a kind that begin in a week, some of them later; in no order."""
    draw = _Draw(society, settings.frauds, settings, rng, week, kind)
    return _DRAWN[KINDS[kind]](draw)


def _stolen_card(draw: _Draw) -> Payments:
    settings, rng, society = draw.frauds.stolen_card, draw.rng, draw.society
    cases = draw.how_many(settings.cases, len(society.customers))
    many = draw.counts(*settings.payments, cases)
    victim = draw.cards(cases)
    start = draw.starts(cases)
    start += (_hour(start) < 8) * 8 * _SECONDS_PER_HOUR  # shops are closed
    case = np.repeat(np.arange(cases), many)
    length = rng.exponential(settings.hours, cases) * _SECONDS_PER_HOUR + 600
    second = start[case] + (rng.random(len(case)) * length[case]).astype(np.int64)
    town = society.customers.town[society.customers.of_card[victim]]
    merchant = _of_categories(society, town[case], _SOLD_ON, rng)
    cents = amounts(society.merchants.category[merchant], np.full(len(case), settings.amounts), rng)
    stripe = rng.random(len(case)) < settings.stripe
    most = round(draw.settings.habits.contactless_most * 100)
    cents = np.where(stripe, cents, np.minimum(cents, most - rng.integers(0, 400, len(cents))))
    return draw.payments(case, second, victim[case], merchant, np.where(stripe, STRIPE, CONTACTLESS), cents, settings.reporting)


def _compromised_terminal(draw: _Draw) -> Payments:
    settings, rng, society = draw.frauds.compromised_terminal, draw.rng, draw.society
    placed = np.repeat(society.merchants.town >= 0, np.diff(society.merchants.first_terminal))
    own = np.flatnonzero(placed)
    cases = draw.how_many(settings.cases, len(own))
    terminal = own[(rng.random(cases) * len(own)).astype(np.int64)]
    merchant = np.searchsorted(society.merchants.first_terminal, terminal, side="right") - 1
    days = draw.counts(*settings.days, cases)
    many = rng.poisson(settings.payments_per_day * days)
    case = np.repeat(np.arange(cases), many)
    start = draw.starts(cases) // SECONDS_PER_DAY * SECONDS_PER_DAY
    hour = day_hours(np.zeros(len(case), dtype=bool), np.zeros(len(case)), rng)
    day = (rng.random(len(case)) * days[case]).astype(np.int64)
    second = start[case] + day * SECONDS_PER_DAY + (hour * _SECONDS_PER_HOUR).astype(np.int64)
    cents = amounts(society.merchants.category[merchant[case]], np.full(len(case), settings.amounts), rng)
    contactless = cents <= draw.settings.habits.contactless_most * 100
    entry = np.where(rng.random(len(case)) < settings.stripe, STRIPE, np.where(contactless, CONTACTLESS, CHIP))
    copied = draw.cards(len(case))
    return draw.payments(case, second, copied, merchant[case], entry, cents, settings.reporting, terminal[case])


def _account_takeover(draw: _Draw) -> Payments:
    settings, rng, society = draw.frauds.account_takeover, draw.rng, draw.society
    cases = draw.how_many(settings.cases, len(society.customers))
    many = draw.counts(*settings.payments, cases)
    victim, start = draw.cards(cases), draw.starts(cases)
    case = np.repeat(np.arange(cases), many)
    length = rng.exponential(settings.days, cases) + 0.25
    day = (rng.random(len(case)) * length[case]).astype(np.int64)
    night = rng.random(len(case)) < settings.night
    hour = np.where(night, rng.uniform(0, 6, len(case)), day_hours(np.ones(len(case), dtype=bool), np.zeros(len(case)), rng))
    second = (
        start[case] // SECONDS_PER_DAY * SECONDS_PER_DAY + day * SECONDS_PER_DAY + (hour * _SECONDS_PER_HOUR).astype(np.int64)
    )
    merchant = society.merchants.pick(np.full(len(case), society.merchants.internet), rng.random(len(case)))
    level = settings.amounts * society.customers.level[society.customers.of_card[victim]]
    cents = amounts(society.merchants.category[merchant], level[case], rng)
    return draw.payments(case, second, victim[case], merchant, np.full(len(case), ONLINE), cents, settings.reporting)


def _card_testing(draw: _Draw) -> Payments:
    settings, rng, society = draw.frauds.card_testing, draw.rng, draw.society
    cases = draw.how_many(settings.cases, len(society.customers))
    many = draw.counts(*settings.payments, cases)
    case = np.repeat(np.arange(cases), many)
    where = _of_categories(society, np.full(cases, society.merchants.internet), _TRIED_AT, rng)
    second = draw.starts(cases)[case] + (rng.random(len(case)) * settings.minutes * 60).astype(np.int64)
    low, high = settings.euros
    cents = rng.integers(round(low * 100), round(high * 100) + 1, len(case))
    card = draw.cards(len(case))
    used = np.repeat(np.flatnonzero(rng.random(len(case)) < settings.used), 2)
    used = used[(np.arange(len(used)) % 2 == 0) | (rng.random(len(used)) < 0.5)]
    later = second[used] + (rng.uniform(0.1, settings.used_days, len(used)) * SECONDS_PER_DAY).astype(np.int64)
    shop = society.merchants.pick(np.full(len(used), society.merchants.internet), rng.random(len(used)))
    dear = amounts(society.merchants.category[shop], np.full(len(used), settings.used_amounts), rng)
    return draw.payments(
        np.concatenate([case, case[used]]),
        np.concatenate([second, later]),
        np.concatenate([card, card[used]]),
        np.concatenate([where[case], shop]),
        np.full(len(case) + len(used), ONLINE),
        np.concatenate([cents, dear]),
        settings.reporting,
    )


def _refund_abuse(draw: _Draw) -> Payments:
    settings, rng, society = draw.frauds.refund_abuse, draw.rng, draw.society
    cases = draw.how_many(settings.cases, len(society.customers))
    many = draw.counts(*settings.refunds, cases)
    case = np.repeat(np.arange(cases), many)
    town = rng.integers(0, society.far, cases)
    merchant = _of_categories(society, town, _GIVEN_BACK, rng)
    cards = draw.cards(cases * settings.cards).reshape(cases, settings.cards)
    card = cards[case, rng.integers(0, settings.cards, len(case))]
    length = rng.exponential(settings.days, cases) + 2
    day = (rng.random(len(case)) * length[case]).astype(np.int64)
    hour = day_hours(np.zeros(len(case), dtype=bool), np.zeros(len(case)), rng)
    start = draw.starts(cases) // SECONDS_PER_DAY * SECONDS_PER_DAY
    second = start[case] + day * SECONDS_PER_DAY + (hour * _SECONDS_PER_HOUR).astype(np.int64)
    cents = -np.clip(rng.lognormal(np.log(settings.euros[0]), settings.euros[1], len(case)) * 100, 100, 300_000).astype(np.int64)
    return draw.payments(case, second, card, merchant[case], np.full(len(case), CHIP), cents, settings.reporting)


_DRAWN: Mapping[str, Callable[[_Draw], Payments]] = {
    "stolen_card": _stolen_card,
    "compromised_terminal": _compromised_terminal,
    "account_takeover": _account_takeover,
    "card_testing": _card_testing,
    "refund_abuse": _refund_abuse,
}


def _of_categories(society: Society, part: Integers, wanted: Flags, rng: np.random.Generator) -> Integers:
    """Return merchants (n,) of parts (n,) whose category is wanted, popular ones likelier; each part has one of each category."""
    merchants = society.merchants
    first = np.array([np.argmax(wanted[merchants.category[begin:end]]) for begin, end in pairwise(merchants.begins)])
    found = merchants.begins[part] + first[part]
    for _ in range(_TRIES):
        tried = merchants.pick(part, rng.random(len(part)))
        found = np.where(wanted[merchants.category[tried]], tried, found)
    return np.asarray(found)


def _hour(second: Integers) -> Floats:
    return np.asarray(second % SECONDS_PER_DAY / _SECONDS_PER_HOUR)
