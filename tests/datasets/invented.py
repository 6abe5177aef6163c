"""Invented tables with a known truth: every column's role and every finding that `inspect` must come to, and no other."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

GIVEN = ("Mara", "Jonas", "Anna", "Thomas", "Julia", "Peter", "Sofia", "Daniel", "Laura", "Felix")
FAMILY = ("Quendolin", "Brastvik", "Ostrowander", "Delacroisade", "Hollmanberg", "Tzavaroglou", "Ferrandini", "Yilmazoren")


@dataclass(frozen=True)
class Invented:
    """A table, and what is true of it.

    Parameters
    ----------
    roles
        Of each column its role: ``entity``, ``numeric``, ...
    found
        Of each kind of finding the columns that it must name; no other kinds may be found.
    private
        Values that may be printed nowhere.
    label, positive, problem
        What is to be guessed; None where no column is a label.
    """

    name: str
    columns: dict[str, list[Any]]
    roles: dict[str, str]
    found: dict[str, set[str]] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    label: str | None = None
    positive: str | None = None
    problem: str | None = None
    separator: str = ","
    encoding: str = "utf-8"

    def write(self, folder: Path) -> Path:
        """Write the table as CSV and return its path."""
        file = folder / f"{self.name}.csv"
        with file.open("w", encoding=self.encoding, newline="") as stream:
            writer = csv.writer(stream, delimiter=self.separator)
            writer.writerow(self.columns)
            writer.writerows(zip(*self.columns.values(), strict=True))
        return file


def moments(count: int, days: float, random: np.random.Generator, start: datetime | None = None) -> list[datetime]:
    """Return ordered moments, spread evenly over some days."""
    begin = start or datetime(2024, 1, 5, tzinfo=UTC)
    seconds = np.sort(random.choice(int(days * 86_400), count, replace=False))
    return [begin + timedelta(seconds=int(each)) for each in seconds]


def risk(random: np.random.Generator, share: float, *parts: Sequence[float] | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Draw outcomes whose share is about ``share``, more likely where the sum of the parts is high."""
    total = np.sum([(np.asarray(part) - np.mean(part)) / (np.std(part) or 1) for part in parts], axis=0)
    drawn = total * 0.6 + random.logistic(size=len(total))
    return np.asarray(drawn > np.quantile(drawn, 1 - share))


def card_transactions(rows: int = 6_000) -> Invented:
    """A bank's card payments: ISO times, merchant codes, and a chargeback date that is filled only after the event."""
    random = np.random.default_rng(11)
    booked = moments(rows, 60, random)
    amount = np.round(random.lognormal(3.2, 1.1, rows), 2)
    distance = np.round(random.exponential(30, rows), 1)
    fraud = risk(random, 0.04, np.log(amount), distance)
    later = [moment + timedelta(days=float(random.uniform(3, 13))) for moment in booked]
    return Invented(
        name="card_payments",
        columns={
            "payment_id": [f"P{700_000 + each}" for each in random.permutation(rows)],
            "booked_at": [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in booked],
            "card_token": [f"tok_{each:08x}" for each in random.integers(0, 900, rows) * 7919],
            "merchant_id": [f"M{each:05d}" for each in random.zipf(1.4, rows) % 300],
            "mcc": random.choice([5411, 5812, 5999, 4829, 7995], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist(),
            "country": random.choice(["GB", "FR", "DE", "US"], rows, p=[0.7, 0.1, 0.1, 0.1]).tolist(),
            "amount": amount.tolist(),
            "currency": ["GBP"] * rows,
            "distance_km": distance.tolist(),
            "chargeback": np.where(fraud, "Y", "N").tolist(),
            "chargeback_at": [f"{m:%Y-%m-%dT%H:%M:%SZ}" if bad else "" for m, bad in zip(later, fraud, strict=True)],
        },
        roles={
            "payment_id": "id",
            "booked_at": "time",
            "card_token": "entity",
            "merchant_id": "entity",
            "mcc": "categorical",
            "country": "categorical",
            "amount": "amount",
            "currency": "currency",
            "distance_km": "numeric",
            "chargeback": "label",
            "chargeback_at": "known",
        },
        found={"filled_after": {"chargeback_at"}},
        label="chargeback",
        positive="Y",
        problem="fraud",
    )


def telco(rows: int = 3_000) -> Invented:
    """A telephone company's customers: words for labels, and a total that is blank for those who have just come."""
    random = np.random.default_rng(12)
    tenure = random.integers(0, 73, rows)
    monthly = np.round(random.uniform(18, 118, rows), 2)
    total = np.round(tenure * monthly * random.uniform(0.7, 1.3, rows), 2)
    contract = random.choice(["Month-to-month", "One year", "Two year"], rows, p=[0.55, 0.2, 0.25])
    left = risk(random, 0.26, -tenure, monthly, contract == "Month-to-month") & (tenure > 0)
    yes_no = ["Yes", "No"]
    numbers, letters = random.permutation(9_000)[:rows] + 1000, np.array(list("ABCDEFGHJKLMNP"))
    return Invented(
        name="telco_customers",
        columns={
            "customerID": [f"{each}-{''.join(random.choice(letters, 5))}" for each in numbers],
            "gender": random.choice(["Female", "Male"], rows).tolist(),
            "SeniorCitizen": random.choice([0, 1], rows, p=[0.84, 0.16]).tolist(),
            "Partner": random.choice(yes_no, rows).tolist(),
            "tenure": tenure.tolist(),
            "InternetService": random.choice(["DSL", "Fiber optic", "No"], rows).tolist(),
            "Contract": contract.tolist(),
            "PaperlessBilling": random.choice(yes_no, rows, p=[0.6, 0.4]).tolist(),
            "MonthlyCharges": monthly.tolist(),
            "TotalCharges": [" " if months == 0 else value for months, value in zip(tenure, total.tolist(), strict=True)],
            "Churn": np.where(left, "Yes", "No").tolist(),
        },
        roles={
            "customerID": "id",
            "gender": "protected",
            "SeniorCitizen": "protected",
            "Partner": "categorical",
            "tenure": "numeric",
            "InternetService": "categorical",
            "Contract": "categorical",
            "PaperlessBilling": "categorical",
            "MonthlyCharges": "numeric",
            "TotalCharges": "numeric",
            "Churn": "label",
        },
        label="Churn",
        positive="Yes",
        problem="churn",
    )


def german(rows: int = 2_500) -> Invented:
    """A German bank's export: semicolons, decimal commas, points in thousands, days before months."""
    random = np.random.default_rng(13)
    balance = random.lognormal(8, 1.2, rows)
    score = np.round(random.normal(600, 80, rows), 1)
    closed = risk(random, 0.2, -balance, -score)
    opened = [datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=int(each)) for each in random.integers(0, 3000, rows)]
    return Invented(
        name="kunden",
        separator=";",
        encoding="cp1252",
        columns={
            "Kundennummer": (random.permutation(90_000)[:rows] + 10_000).tolist(),
            "Eröffnet": [f"{each:%d.%m.%Y}" for each in opened],
            "Kontostand": [f"{each:,.2f}".translate(str.maketrans(",.", ".,")) for each in balance],
            "Bonität": [str(each).replace(".", ",") for each in score],
            "Gebühr": [f"{each:.2f} €".replace(".", ",") for each in random.uniform(2, 15, rows)],
            "Filiale": random.choice(["Köln", "München", "Lübeck"], rows).tolist(),
            "gekündigt": np.where(closed, "ja", "nein").tolist(),
        },
        roles={
            "Kundennummer": "id",
            "Eröffnet": "ignored",
            "Kontostand": "numeric",
            "Bonität": "numeric",
            "Gebühr": "numeric",
            "Filiale": "categorical",
            "gekündigt": "label",
        },
        found={
            "number_as_text": {"Kontostand", "Bonität", "Gebühr"},
            "date_as_text": {"Eröffnet"},
        },
        label="gekündigt",
        positive="ja",
        problem="churn",
    )


def people(rows: int = 1_500) -> Invented:
    """Customers with names, addresses and numbers that may be shown nowhere, some under names that do not say so."""
    random = np.random.default_rng(14)
    first, last = random.choice(GIVEN, rows), random.choice(FAMILY, rows)
    mails = [f"{a.lower()}.{b.lower()}{each}@post.example" for a, b, each in zip(first, last, range(rows), strict=True)]
    cards = [with_check_digit(f"4{each:014d}") for each in random.integers(0, 10**13, rows)]
    months = random.integers(1, 90, rows)
    left = risk(random, 0.3, -months)
    notes = ["called about fees"] * (rows - 3) + [f"wants mail to {each}" for each in mails[:3]]
    columns: dict[str, list[Any]] = {
        "customer_id": [f"C-{each}" for each in range(5_000, 5_000 + rows)],
        "surname": last.tolist(),
        "col7": first.tolist(),
        "contact": mails,
        "ref": cards,
        "mobile": [f"+44 7700 {each:06d}" for each in random.integers(0, 999_999, rows)],
        "street_address": [f"{each} Larkspurhollow Road" for each in range(1, rows + 1)],
        "birth_date": [f"{1940 + each % 60}-0{1 + each % 9}-1{each % 9}" for each in range(rows)],
        "remarks": random.permutation(notes).tolist(),
        "months": months.tolist(),
        "plan": random.choice(["basic", "plus"], rows).tolist(),
        "churned": left.astype(int).tolist(),
    }
    hidden = ("col7", "surname", "contact", "ref", "mobile", "street_address", "birth_date", "remarks")
    secrets = {str(value) for name in hidden for value in columns[name]} - {"called about fees"}
    return Invented(
        name="people",
        columns=columns,
        roles={"customer_id": "id", "months": "numeric", "plan": "categorical", "churned": "label"}
        | dict.fromkeys(hidden, "private"),
        found={"personal": set(hidden)},
        private=(*sorted(secrets), "Larkspurhollow", "post.example", "called about fees"),
        label="churned",
        positive="1",
        problem="churn",
    )


def with_check_digit(digits: str) -> str:
    """Return digits with the one that makes them a card number behind them (ISO/IEC 7812-1, annex B)."""
    doubled = [int(each) * (2 if place % 2 == 0 else 1) for place, each in enumerate(reversed(digits))]
    return f"{digits}{-sum(each - 9 if each > 9 else each for each in doubled) % 10}"
