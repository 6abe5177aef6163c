"""Customers with their cards, homes and favourite merchants; merchants in towns with their terminals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionguard.datasets.card_transactions.settings import CATEGORIES, Habits, Population

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_MOST_TERMINALS = 9


@dataclass(frozen=True)
class Merchants:
    """Merchants (m,) with a place, ordered by town, and then those of the internet, which have the town -1."""

    category: Integers
    town: Integers
    east_km: Floats
    north_km: Floats
    begins: Integers
    """(towns + 2,) where each town's merchants begin; the last part is the internet's."""
    cumulative: Floats
    """(m + 1,) of how popular they are."""
    first_terminal: Integers
    """(m + 1,) the number of each one's first terminal."""
    old: Flags
    """(terminals,) whether a terminal's chip reader often fails."""

    @property
    def internet(self) -> int:
        """The number of the part that is the internet, where towns have theirs."""
        return len(self.begins) - 2

    def pick(self, part: Integers, choice: Floats) -> Integers:
        """Return a merchant (n,) of each ``part`` (n,), popular ones likelier; ``choice`` (n,) is uniform in [0, 1)."""
        low, high = self.cumulative[self.begins[part]], self.cumulative[self.begins[part + 1]]
        found = np.searchsorted(self.cumulative, low + choice * (high - low), side="right") - 1
        return np.clip(found, self.begins[part], self.begins[part + 1] - 1)

    def terminal(self, merchant: Integers, choice: Floats) -> Integers:
        """Return one of each merchant's terminals (n,)."""
        first = self.first_terminal[merchant]
        return first + (choice * (self.first_terminal[merchant + 1] - first)).astype(np.int64)


@dataclass(frozen=True)
class Customers:
    """Customers (c,) and what is usual for each."""

    town: Integers
    east_km: Floats
    north_km: Floats
    age_group: Integers
    per_day: Floats
    level: Floats
    """Amounts are so many times the usual."""
    hours: Floats
    """How much later than others."""
    online: Floats
    """Share of payments over the internet."""
    first_card: Integers
    """(c + 1,)"""
    nearby: Integers
    """(c, favourites) preferred merchants with a place."""
    distant: Integers
    """(c, favourites / 2) preferred ones on the internet."""

    def __len__(self) -> int:
        return len(self.town)

    @property
    def of_card(self) -> Integers:
        """Whose each card is."""
        return np.repeat(np.arange(len(self)), np.diff(self.first_card))


@dataclass(frozen=True)
class Society:
    """Everybody there is."""

    customers: Customers
    merchants: Merchants
    far: int
    """The number of the first town that is far away."""

    @property
    def terminals(self) -> int:
        """How many there are."""
        return int(self.merchants.first_terminal[-1])


def draw_society(customers: int, rng: np.random.Generator, population: Population, habits: Habits) -> Society:
    """Draw customers, merchants and towns."""
    near = max(3, round(customers / population.customers_per_town))
    size = rng.lognormal(0.0, 0.7, near)
    towns = near + population.far_towns
    east, north = (rng.uniform(0, population.region_km, towns) for _ in range(2))
    angle, away = rng.uniform(0, 2 * np.pi, population.far_towns), rng.uniform(*population.far_km, population.far_towns)
    east[near:], north[near:] = away * np.cos(angle), away * np.sin(angle)
    merchants = _merchants(customers, size, east, north, rng, population)
    return Society(_customers(customers, size, east, north, merchants, rng, population, habits), merchants, near)


def _merchants(
    customers: int, size: Floats, east: Floats, north: Floats, rng: np.random.Generator, population: Population
) -> Merchants:
    count = max(40, round(customers / population.customers_per_merchant))
    shares = np.array([each.merchants for each in CATEGORIES])
    online = np.array([each.online for each in CATEGORIES])
    weights = np.concatenate([size / size.sum() * 0.92, np.full(len(east) - len(size), 0.08 / (len(east) - len(size)))])
    parts = len(east)
    category, town = [], []
    for part in range(parts + 1):  # of each town, and of the internet, at least one of each category
        own = np.flatnonzero(online == (part == parts))
        share = shares[own].sum() * (1.0 if part == parts else weights[part])
        more = max(0, round(count * share) - len(own))
        chosen = np.concatenate([own, rng.choice(own, more, p=shares[own] / shares[own].sum())])
        category.append(chosen)
        town.append(np.full(len(chosen), part if part < parts else -1))
    begins = np.concatenate([[0], np.cumsum([len(each) for each in category])])
    of_town, of_category = np.concatenate(town), np.concatenate(category)
    total = len(of_town)
    popularity = (rng.pareto(1.5, total) + 0.15) * np.array([each.visits for each in CATEGORIES])[of_category]
    placed = of_town >= 0
    terminals = np.where(placed, 1 + rng.poisson(population.terminals - 1, total).clip(max=_MOST_TERMINALS - 1), 1)
    spread = rng.normal(0, population.town_km / 2, (2, total))
    first_terminal = np.concatenate([[0], np.cumsum(terminals)])
    old = rng.random(first_terminal[-1]) < population.old_terminals
    return Merchants(
        category=of_category,
        town=of_town,
        east_km=np.where(placed, east[of_town] + spread[0], 0.0),
        north_km=np.where(placed, north[of_town] + spread[1], 0.0),
        begins=begins,
        cumulative=np.concatenate([[0.0], np.cumsum(popularity)]),
        first_terminal=first_terminal,
        old=old & np.repeat(placed, terminals),
    )


def _customers(
    count: int,
    size: Floats,
    east: Floats,
    north: Floats,
    merchants: Merchants,
    rng: np.random.Generator,
    population: Population,
    habits: Habits,
) -> Customers:
    town = rng.choice(len(size), count, p=size / size.sum())
    age_group = rng.choice(3, count, p=population.age_groups)
    share = np.array(population.online_shares)[age_group]
    spread = rng.normal(0, population.town_km, (2, count))
    nearby = np.repeat(town[:, None], habits.favourites, axis=1)
    internet = np.full((count, habits.favourites // 2), merchants.internet)
    cards = 1 + (rng.random(count) < population.second_card)
    return Customers(
        town=town,
        east_km=east[town] + spread[0],
        north_km=north[town] + spread[1],
        age_group=age_group,
        per_day=rng.gamma(population.payments_shape, population.payments_per_day / population.payments_shape, count),
        level=rng.lognormal(0, population.amount_spread, count),
        hours=rng.normal(0, population.hours_spread, count),
        online=rng.beta(4 * share, 4 * (1 - share)),
        first_card=np.concatenate([[0], np.cumsum(cards)]),
        nearby=merchants.pick(nearby, rng.random(nearby.shape)),
        distant=merchants.pick(internet, rng.random(internet.shape)),
    )
