"""Simulated bank customers in Kaggle's layout: who they are from published statistics, whether they leave from a logistic law."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import gcd
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COUNTRIES = ("France", "Germany", "Spain")
"""Values of ``Geography``; a country's number is its place here."""
GENDERS = ("Male", "Female")
"""Values of ``Gender``; 1 stands for a woman."""
FIRST_CUSTOMER_ID = 15_565_701
IDS_PER_CUSTOMER = 25
"""How many numbers there are for each customer: 10,000 customers then cover the published range of ``CustomerId``."""

_CHUNK_ROWS = 1 << 16
_IDS, _CHUNK = range(2)
"""Streams of random numbers: the order of the customers' numbers, and each chunk of customers."""
_SURNAME_PARTS = (
    "Bra Cly Dro Eis Fyo Gru Hvi Iqua Jex Kru Lyo Myx Nuo Ost Pli Qua Rhy Sve Tru Vyo",
    "bane cato dimu fessi gova hulo kiri lavu mopi naxe pido quu rezu sibo toxi",
    "bzen dorq fim gwyl horx jask lunt nevq rith xam",
)
"""Parts of invented surnames: 3,000 words that are nobody's name."""


@dataclass(frozen=True)
class LeavingLaw:
    """The log-odds that a customer leaves: a sum of four tables.

    Parameters
    ----------
    ages
        (A,) nodes in years; between them the effect of age is linear.
    by_age
        (2, A) log-odds at these ages of customers who are inactive (0) and active (1).
    by_products
        (3, 2, 4) added by country, by whether the balance is zero (0) or not (1), and by the number of products less one.
    woman
        Added for women.
    low_score, low_score_effect
        Added to customers whose credit score is below ``low_score``.
    """

    ages: Floats
    by_age: Floats
    by_products: Floats
    woman: float
    low_score: int
    low_score_effect: float

    def log_odds(
        self,
        country: Integers,
        woman: Integers,
        score: Integers,
        age: Integers,
        held: Integers,
        products: Integers,
        active: Integers,
    ) -> Floats:
        """Return the log-odds (n,) that each customer leaves; ``held`` is 1 where the balance is not zero."""
        odds = _by_activity(age, active, self.ages, self.by_age) + self.by_products[country, held, products - 1]
        return np.asarray(odds + self.woman * woman + self.low_score_effect * (score < self.low_score))


@dataclass(frozen=True)
class ChurnStatistics:
    """Everything the simulator knows about the published customers."""

    country: Floats
    """(3,) cumulative shares."""
    probabilities: Floats
    """(Q,) where the quantiles of ages and scores are taken."""
    age: Floats
    """(3, Q) quantiles in years by country."""
    score: Floats
    """(Q,) quantiles of the credit score."""
    ages: Floats
    """(A,) nodes in years of the next two."""
    women_by_age: Floats
    active_by_age: Floats
    women_by_country: Floats
    """(3,) added to the share of women."""
    held: Floats
    """(3,) share of customers whose balance is not zero."""
    balance_mean: float
    balance_deviation: float
    balance_range: tuple[float, float]
    products: Floats
    """(3, 2, 4) cumulative shares of 1 to 4 products by country and by whether the balance is zero (0) or not (1)."""
    one_product_by_age: Floats
    """(2, A) moved from the share of two products to that of one, for customers who are inactive (0) and active (1)."""
    tenure: Floats
    """(11,) cumulative shares of 0 to 10 years."""
    card: float
    """Share of customers with a credit card."""
    salary_range: tuple[float, float]
    """Salaries are spread evenly over it."""
    law: LeavingLaw


@cache
def load_churn_statistics() -> ChurnStatistics:
    """Read the statistics that ship with the package."""
    return parse_churn_statistics(json.loads(resources.files(__package__).joinpath("statistics.json").read_text("utf-8")))


def parse_churn_statistics(content: dict[str, Any]) -> ChurnStatistics:
    """Build the statistics from the content of ``statistics.json``."""
    law, balance = content["law"], content["balance"]
    return ChurnStatistics(
        country=_cumulative(content["country"]),
        probabilities=np.array(content["probabilities"]),
        age=np.array(content["age"], dtype=float),
        score=np.array(content["score"], dtype=float),
        ages=np.array(content["ages"], dtype=float),
        women_by_age=np.array(content["women_by_age"]),
        active_by_age=np.array(content["active_by_age"]),
        women_by_country=np.array(content["women_by_country"]),
        held=np.array(content["held"]),
        balance_mean=balance["mean"],
        balance_deviation=balance["deviation"],
        balance_range=tuple(balance["range"]),
        products=_cumulative(content["products"]),
        one_product_by_age=np.array(content["one_product_by_age"]),
        tenure=_cumulative(content["tenure"]),
        card=content["card"],
        salary_range=tuple(content["salary_range"]),
        law=LeavingLaw(
            ages=np.array(law["ages"], dtype=float),
            by_age=np.array(law["by_age"]),
            by_products=np.array(law["by_products"]),
            woman=law["woman"],
            low_score=law["low_score"],
            low_score_effect=law["low_score_effect"],
        ),
    )


def simulate_customers(rows: int, seed: int, statistics: ChurnStatistics, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield customers chunk by chunk; a chunk depends on the number of rows, the seed and its own number only."""
    for number, start in enumerate(range(0, rows, _CHUNK_ROWS)):
        stop = min(start + _CHUNK_ROWS, rows)
        rng = np.random.default_rng((seed, _CHUNK, number))
        row_number = np.arange(start + 1, stop + 1)
        identity = {"RowNumber": row_number, "CustomerId": _customer_ids(row_number, rows, seed, rng)}
        drawn = identity | {"Surname": _surnames(len(row_number), rng)} | draw_customers(len(row_number), rng, statistics)
        yield pa.record_batch([pa.array(drawn[field.name], field.type) for field in columns], schema=columns)


def draw_customers(count: int, rng: np.random.Generator, statistics: ChurnStatistics) -> dict[str, NDArray[Any]]:
    """Draw customers and whether they leave: every column of the layout but the three that say who they are, each (count,)."""
    country = _pick(rng.random(count), statistics.country)
    age = _ages(country, rng.random(count), statistics)
    women = np.interp(age, statistics.ages, statistics.women_by_age) + statistics.women_by_country[country]
    woman = _yes(rng, women)
    score = np.rint(np.interp(rng.random(count), statistics.probabilities, statistics.score)).astype(np.int64)
    active = _yes(rng, np.interp(age, statistics.ages, statistics.active_by_age))
    held = _yes(rng, statistics.held[country])
    balance = statistics.balance_mean + statistics.balance_deviation * rng.standard_normal(count)
    products = _products(rng.random(count), country, held, age, active, statistics)
    tenure = _pick(rng.random(count), statistics.tenure)
    card = _yes(rng, np.full(count, statistics.card))
    salary = rng.uniform(*statistics.salary_range, count)
    log_odds = statistics.law.log_odds(country, woman, score, age, held, products, active)
    return {
        "CreditScore": score,
        "Geography": np.array(COUNTRIES)[country],
        "Gender": np.array(GENDERS)[woman],
        "Age": age,
        "Tenure": tenure,
        "Balance": np.where(held == 1, _cents(np.clip(balance, *statistics.balance_range)), 0.0),
        "NumOfProducts": products,
        "HasCrCard": card,
        "IsActiveMember": active,
        "EstimatedSalary": _cents(salary),
        "Exited": _yes(rng, 1 / (1 + np.exp(-log_odds))),
    }


def _customer_ids(row_number: Integers, rows: int, seed: int, rng: np.random.Generator) -> Integers:
    """Return numbers that are unique in the whole table: each row has a slot of its own, in an order that only looks random."""
    step, shift = np.random.default_rng((seed, _IDS)).integers(1, rows, 2).tolist()
    while gcd(step, rows) > 1:  # only then does the walk visit every slot once
        step += 1
    slot = (row_number * step + shift) % rows
    return np.asarray(FIRST_CUSTOMER_ID + slot * IDS_PER_CUSTOMER + rng.integers(0, IDS_PER_CUSTOMER, len(slot)))


def _surnames(count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    first, middle, last = (rng.choice(parts.split(), count) for parts in _SURNAME_PARTS)
    return np.char.add(np.char.add(first, middle), last)


def _ages(country: Integers, choice: Floats, statistics: ChurnStatistics) -> Integers:
    """Look ``choice`` (n,), uniform in [0, 1), up in the quantiles of each customer's country; whole years."""
    age = np.empty(len(choice))
    for number, quantiles in enumerate(statistics.age):
        here = country == number
        age[here] = np.interp(choice[here], statistics.probabilities, quantiles)
    return np.floor(age).astype(np.int64)


def _products(
    choice: Floats, country: Integers, held: Integers, age: Integers, active: Integers, statistics: ChurnStatistics
) -> Integers:
    shares = statistics.products[country, held]
    moved = _by_activity(age, active, statistics.ages, statistics.one_product_by_age)
    shares[:, 0] = np.clip(shares[:, 0] + moved, 0, shares[:, 1])
    return _pick(choice, shares) + 1


def _by_activity(age: Integers, active: Integers, nodes: Floats, curves: Floats) -> Floats:
    """Return each customer's value (n,) on the curve of the inactive or of the active, ``curves`` (2, A), at his or her age."""
    of_inactive, of_active = (np.interp(age, nodes, curve) for curve in curves)
    return np.asarray(np.where(active == 1, of_active, of_inactive))


def _pick(choice: Floats, cumulative: Floats) -> Integers:
    """Return which share each ``choice`` (n,) falls into, by cumulative shares (k,) or, row by row, (n, k)."""
    return np.asarray((choice[:, None] >= cumulative[..., :-1]).sum(axis=-1))


def _yes(rng: np.random.Generator, share: Floats) -> Integers:
    """Draw 1 with the probability ``share`` (n,), else 0."""
    return (rng.random(len(share)) < share).astype(np.int64)


def _cents(amounts: Floats) -> Floats:
    return np.asarray(np.round(amounts * 100) / 100)


def _cumulative(shares: Any) -> Floats:
    counted = np.array(shares, dtype=float)
    return np.asarray(np.cumsum(counted, axis=-1) / counted.sum(axis=-1, keepdims=True))
