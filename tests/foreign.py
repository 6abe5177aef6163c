"""Two tables that nobody ships, with their declarations: a bank's card payments and a telco's contracts; all rows are made up.

``write_payments`` and ``write_telco`` write ``rows.csv`` and ``declaration.yaml`` into a folder and return the latter.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fusionguard.data.source import RawData
from fusionguard.datasets.catalog import is_built_in
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.shipped import Wanted
from fusionguard.datasets.simulated import simulate_declared

_PAYMENTS = """\
version: 1
name: card-payments
problem: fraud
simulated: true
rows: rows.csv
id: payment id
{time}amount: {{column: betrag, currency: GBP, rate_column: rate, currency_column: currency, label: amount paid}}
label: {{column: chargeback, positive: [Y], negative: [N]{known}}}
entities: {{card: card token}}
numeric:
  distance km: {{label: distance from home, missing: allow, range: [0, 20000]}}
  attempts: {{label: attempts in the last hour}}
categorical:
  mcc: {{label: merchant's trade}}
  country: {{label: country of the merchant, missing: allow}}
derived:
  per_attempt: {{formula: betrag / (attempts + 1), label: amount an attempt}}
{calendar}bands:
  amount_band: {{column: betrag, edges: [20, 100], label: amount band}}
protected: [age group]
private: [card token]
"""

_TELCO = """\
version: 1
name: telco
problem: churn
simulated: true
rows: rows.csv
id: Customer ID
{time}amount: {{column: Monthly Charges, currency: EUR, label: monthly bill}}
label: {{column: Left, positive: ["yes"]}}
numeric:
  Months as customer: {{label: months as a customer}}
  Calls to support: {{label: calls to support, missing: allow, missing_values: [-1]}}
categorical:
  Contract: {{label: kind of contract}}
  Payment.Method: {{label: way to pay, missing: allow, missing_values: [n/a]}}
  Region: {{label: region}}
derived:
  calls_a_month: {{formula: '"Calls to support" / ("Months as customer" + 1)', label: calls a month}}
{calendar}protected: [Gender, Region]
private: [Customer ID]
"""


def write_payments(folder: Path, rows: int = 3_000, *, seed: int = 5, timed: bool = True, together: bool = False) -> Path:
    """Payments of some 90 days with 4 to 5 % chargebacks; a strange trade, a long way and night make one likelier.

    ``together``: they do so in pairs, which no sum over columns tells.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    minutes = np.sort(rng.integers(0, 90 * 24 * 60, rows))
    moment = pd.Timestamp("2024-02-10") + pd.to_timedelta(minutes, unit="min")
    amount = np.round(rng.lognormal(3.2, 1.1, rows), 2)
    mcc = rng.choice(["5411", "5812", "4829", "6051"], rows, p=[0.5, 0.3, 0.15, 0.05])
    distance = np.round(rng.exponential(40, rows), 1)
    attempts = rng.poisson(0.4, rows)
    currency = rng.choice(["GBP", "EUR"], rows, p=[0.8, 0.2])
    logit = -4.6 + 1.7 * (mcc == "6051") + 0.9 * (mcc == "4829") + distance / 70 + 0.6 * attempts + 0.9 * (moment.hour < 6)
    if together:
        far, strange, dear = distance > 35, np.isin(mcc, ["4829", "6051"]), amount > 25
        logit = -5.5 + 4.5 * (far == strange) * dear + 2.5 * (~far & ~dear & strange) + 1.5 * (attempts == 1) * ~strange
    fraud = rng.random(rows) < 1 / (1 + np.exp(-logit))
    known = moment + pd.to_timedelta(rng.integers(2, 12, rows), unit="D")
    table = pd.DataFrame(
        {
            "payment id": [f"P{number:07d}" for number in range(rows)],
            "booked at": moment.strftime("%d.%m.%Y %H:%M"),
            "betrag": amount,
            "currency": currency,
            "rate": np.where(currency == "GBP", 1.0, 0.85),
            "card token": [f"tok-{number}" for number in rng.integers(0, rows // 8, rows)],
            "distance km": np.where(rng.random(rows) < 0.12, np.nan, distance),
            "attempts": attempts,
            "mcc": mcc,
            "country": rng.choice(["GB", "FR", "DE", "US", ""], rows, p=[0.6, 0.15, 0.1, 0.05, 0.1]),
            "age group": rng.choice(["under 30", "30 to 59", "60 and over"], rows, p=[0.25, 0.55, 0.2]),
            "chargeback": np.where(fraud, "Y", "N"),
            "chargeback known": known.strftime("%d.%m.%Y %H:%M"),
        }
    )
    if not timed:
        table = table.drop(columns=["booked at", "chargeback known"]).sample(frac=1, random_state=seed)
    table.to_csv(folder / "rows.csv", index=False)
    time = 'time: {column: booked at, format: "%d.%m.%Y %H:%M", zone: Europe/London}\n'
    text = _PAYMENTS.format(
        time=time if timed else "",
        known=", known: {column: chargeback known}" if timed else "",
        calendar="calendar: [hour_of_day, weekend]\n" if timed else "",
    )
    return _written(folder, text)


def write_telco(folder: Path, rows: int = 2_000, *, seed: int = 3, timed: bool = False, together: bool = False) -> Path:
    """Contracts of which about a quarter ends; short ones from month to month, with calls to support, end sooner.

    ``together``: what matters does so in pairs, which no sum over columns tells.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    months = rng.integers(0, 72, rows)
    contract = rng.choice(["month to month", "one year", "two years"], rows, p=[0.5, 0.3, 0.2])
    calls = rng.poisson(1.2, rows)
    bill = np.round(rng.normal(60, 22, rows).clip(15), 2)
    logit = -1.5 + 1.6 * (contract == "month to month") - months / 30 + 0.5 * calls + (bill - 60) / 60
    if together:
        monthly, dear, young = contract == "month to month", bill > 60, months < 30
        logit = -2.5 + 3.5 * (monthly == dear) * young + 3.0 * (monthly != dear) * ~young * (calls > 0)
    left = rng.random(rows) < 1 / (1 + np.exp(-logit))
    table = pd.DataFrame(
        {
            "Customer ID": [f"{number:04d}-{number * 7919 % 10_000:04d}" for number in range(rows)],
            "Gender": rng.choice(["Female", "Male", "Other"], rows, p=[0.49, 0.48, 0.03]),
            "Months as customer": months,
            "Contract": contract,
            "Payment.Method": rng.choice(["card", "direct debit", "invoice", "n/a"], rows, p=[0.4, 0.4, 0.15, 0.05]),
            "Region": rng.choice(["North", "South", "East"], rows, p=[0.5, 0.3, 0.2]),
            "Monthly Charges": bill,
            "Calls to support": np.where(rng.random(rows) < 0.06, -1, calls),
            "Left": np.where(left, "yes", "no"),
        }
    )
    if timed:
        days = np.sort(rng.integers(0, 500, rows))
        table.insert(1, "as of", (pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d"))
    table.to_csv(folder / "rows.csv", index=False)
    return _written(folder, _TELCO.format(time="time: as of\n" if timed else "", calendar="calendar: [month]\n" if timed else ""))


def owned_rows(declared: DeclaredDataset, source: str, fetched: RawData, folder: Path, *, rows: int, seed: int) -> Path:
    """Return the file of rows as their owner has them: those of a built-in data set as they were fetched, simulated ones anew."""
    if is_built_in(declared.declaration):
        return fetched.table.files[0]
    if source == "simulated":
        wanted = Wanted(rows, seed)
        return simulate_declared(declared.declaration.name, wanted, folder / "given.parquet").files[0]
    return declared_source(declared, source).file


def _written(folder: Path, text: str) -> Path:
    file = folder / "declaration.yaml"
    file.write_text(text, encoding="utf-8")
    return file
