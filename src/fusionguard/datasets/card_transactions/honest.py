"""What honest customers pay in a week: by habit, on journeys, in sprees; and what they give back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from fusionguard.datasets.card_transactions.payments import CHIP, CONTACTLESS, ONLINE, SECONDS_PER_DAY, STRIPE, Payments
from fusionguard.datasets.card_transactions.population import Flags, Floats, Integers, Society
from fusionguard.datasets.card_transactions.seasons import amount_factor, day_factor
from fusionguard.datasets.card_transactions.settings import CATEGORIES, Settings

DAYS_PER_WEEK = 7
_IN_SHOPS = (0.2, 0.1, 0.1, 0.1, 0.2, 0.6, 1.6, 3, 4.5, 5.5, 6.5, 8, 9.5, 8, 6.5, 6.5, 7.5, 9, 8.5, 6.5, 4.5, 3, 1.8, 0.7)
_ON_THE_INTERNET = (2.2, 1.2, 0.7, 0.4, 0.4, 0.6, 1.2, 2.4, 3.6, 4.6, 5, 5, 5.4, 5, 4.8, 4.8, 4.8, 5, 5.6, 7, 8.5, 8.8, 7, 4.4)
"""How much is paid in each hour of a day, to no scale."""
_MEDIAN, _SPREAD, _REFUNDED = (
    np.array([getattr(each, name) for each in CATEGORIES]) for name in ("median", "spread", "refunded")
)
_PRICED = np.array([each.priced for each in CATEGORIES])
_SMALLEST_CENTS, _LARGEST_CENTS = 20, 800_000


@dataclass(frozen=True)
class Week:
    """The number of a week, from 0, and how busy each of its days is."""

    number: int
    busy: Floats
    amounts: Floats

    @classmethod
    def of(cls, number: int, settings: Settings) -> Week:
        """Return a week of the calendar that the settings begin."""
        days = [settings.start + timedelta(number * DAYS_PER_WEEK + day) for day in range(DAYS_PER_WEEK)]
        busy = np.array([day_factor(day, settings.seasons) for day in days])
        return cls(number, busy, np.array([amount_factor(day, settings.seasons) for day in days]))

    @property
    def begins(self) -> int:
        """Its first second."""
        return self.number * DAYS_PER_WEEK * SECONDS_PER_DAY

    @property
    def ends(self) -> int:
        """The first second of the next."""
        return self.begins + DAYS_PER_WEEK * SECONDS_PER_DAY


def draw_week(society: Society, week: Week, rng: np.random.Generator, settings: Settings) -> Payments:
    """Return a week's purchases, and what will be given back of them, which may be later; in no order."""
    customers, habits = society.customers, settings.habits
    away = rng.random(len(customers)) < habits.trip
    journeys = np.where(rng.random(len(customers)) < 0.5, society.far, 0)
    width = np.where(journeys > 0, society.merchants.internet - society.far, society.far)
    town = np.where(away, journeys + (rng.random(len(customers)) * width).astype(np.int64), customers.town)
    counts = rng.poisson(customers.per_day[:, None] * week.busy)
    customer = np.repeat(np.arange(len(customers)), counts.sum(axis=1))
    day = np.repeat(np.tile(np.arange(DAYS_PER_WEEK), len(customers)), counts.ravel())
    online = rng.random(len(customer)) < customers.online[customer]
    merchant = _merchants(society, customer, online, town, away, rng, settings)
    hour = day_hours(online, customers.hours[customer], rng)
    sprees = _sprees(society, town, rng, settings)
    customer = np.concatenate([customer, sprees[0]])
    merchant = np.concatenate([merchant, sprees[1]])
    day = np.concatenate([day, sprees[2]])
    hour = np.concatenate([hour, sprees[3]])
    second = week.begins + day * SECONDS_PER_DAY + (hour * 3600).astype(np.int64)
    category = society.merchants.category[merchant]
    cents = amounts(category, customers.level[customer] * week.amounts[day], rng)
    terminal = society.merchants.terminal(merchant, rng.random(len(merchant)))
    second_card = rng.random(len(customer)) < settings.population.second_card_use
    first = customers.first_card[customer]
    card = first + (second_card & (customers.first_card[customer + 1] - first > 1))
    entry = _entries(society, merchant, terminal, cents, rng, settings)
    bought = Payments.honest(second, card, merchant, terminal, entry, cents)
    given = rng.random(len(bought)) < _REFUNDED[category]
    later = rng.lognormal(np.log(habits.refund_days[0]), habits.refund_days[1], int(given.sum())) * SECONDS_PER_DAY
    back = bought[given]
    chip = np.where(back.entry == ONLINE, ONLINE, CHIP)
    refunds = Payments.honest(
        _open(back.second + later.astype(np.int64), chip, rng), back.card, back.merchant, back.terminal, chip, -back.cents
    )
    return Payments.together([bought, refunds])


def amounts(category: Integers, level: Floats, rng: np.random.Generator) -> Integers:
    """Return amounts (n,) in cents as they are usual in categories (n,), ``level`` (n,) times as large."""
    euros = _MEDIAN[category] * level * rng.lognormal(0.0, _SPREAD[category])
    cents = np.rint(euros * 100).astype(np.int64)
    tag = np.rint(euros + 0.5).astype(np.int64) * 100 - np.where(rng.random(len(cents)) < 0.6, 1, 0)
    return np.clip(np.where(_PRICED[category], tag, cents), _SMALLEST_CENTS, _LARGEST_CENTS)


def day_hours(online: Flags, later: Floats, rng: np.random.Generator) -> Floats:
    """Return hours of the day (n,) in which people pay; those who pay ``later`` (n,) do so on the internet all the more."""
    choice = rng.random(len(online))
    edges = np.arange(25)
    hours = np.empty(len(online))
    for internet, profile in ((False, _IN_SHOPS), (True, _ON_THE_INTERNET)):
        cumulative = np.concatenate([[0.0], np.cumsum(profile)])
        chosen = online == internet
        hours[chosen] = np.interp(choice[chosen], cumulative / cumulative[-1], edges)
    return np.asarray((hours + later * np.where(online, 1.0, 0.5)) % 24)


def _merchants(
    society: Society, customer: Integers, online: Flags, town: Integers, away: Flags, rng: np.random.Generator, settings: Settings
) -> Integers:
    customers, merchants, habits = society.customers, society.merchants, settings.habits
    elsewhere = rng.random(len(customer)) < habits.elsewhere
    other = (rng.random(len(customer)) * society.far).astype(np.int64)
    part = np.where(online, merchants.internet, np.where(elsewhere & ~away[customer], other, town[customer]))
    any_of_it = merchants.pick(part, rng.random(len(customer)))
    usual = rng.random(len(customer)) < habits.favourite_use
    rank = rng.random(len(customer)) ** 1.5  # the first favourites more than the last
    nearby = customers.nearby[customer, (rank * customers.nearby.shape[1]).astype(np.int64)]
    distant = customers.distant[customer, (rank * customers.distant.shape[1]).astype(np.int64)]
    at_home = usual & (online | (~away[customer] & ~elsewhere))
    return np.where(at_home, np.where(online, distant, nearby), any_of_it)


def _sprees(
    society: Society, town: Integers, rng: np.random.Generator, settings: Settings
) -> tuple[Integers, Integers, Integers, Floats]:
    """Return customer, merchant, day and hour of payments that are made while somebody goes shopping."""
    habits = settings.habits
    who = np.flatnonzero(rng.random(len(town)) < habits.spree)
    low, high = habits.spree_payments
    many = rng.integers(low, high + 1, len(who))
    customer = np.repeat(who, many)
    part = np.where(rng.random(len(who)) < 0.25, society.merchants.internet, town[who])
    merchant = society.merchants.pick(np.repeat(part, many), rng.random(len(customer)))
    day = np.repeat(rng.choice(DAYS_PER_WEEK, len(who), p=np.array([1, 1, 1, 1, 2, 4, 1]) / 11), many)
    hour = np.repeat(rng.uniform(9.5, 17.5, len(who)), many) + rng.uniform(0, habits.spree_hours, len(customer))
    return customer, merchant, day, hour


def _entries(
    society: Society, merchant: Integers, terminal: Integers, cents: Integers, rng: np.random.Generator, settings: Settings
) -> Integers:
    habits, population, merchants = settings.habits, settings.population, society.merchants
    choice, reader = rng.random(len(cents)), rng.random(len(cents))
    small = cents <= habits.contactless_most * 100
    entry = np.where(small & (choice < habits.contactless), CONTACTLESS, CHIP)
    fails = reader < np.where(merchants.old[terminal], population.old_stripe, population.stripe)
    return np.where(merchants.town[merchant] < 0, ONLINE, np.where(fails, STRIPE, entry))


def _open(second: Integers, entry: Integers, rng: np.random.Generator) -> Integers:
    """Return the seconds moved into the hours of their day in which shops, or the internet, take things back."""
    hour = day_hours(entry == ONLINE, np.zeros(len(second)), rng)
    return second // SECONDS_PER_DAY * SECONDS_PER_DAY + SECONDS_PER_DAY + (hour * 3600).astype(np.int64)
