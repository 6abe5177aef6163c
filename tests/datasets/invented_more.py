"""More invented tables: what is wrong in ways that cost a month, tables that are right, and layouts that many people know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from .invented import FAMILY, GIVEN, Invented, moments, risk, with_check_digit


def clean_accounts(rows: int = 3_000) -> Invented:
    """Loan customers, all in order: nothing may be found."""
    random = np.random.default_rng(21)
    income, balance = random.lognormal(10, 0.5, rows), random.lognormal(7, 1, rows)
    late = random.poisson(0.7, rows)
    left = risk(random, 0.15, late, -np.log(balance))
    return Invented(
        name="accounts",
        columns={
            "account_id": [f"ACC{each}" for each in random.permutation(90_000)[:rows] + 10_000],
            "annual_income": np.round(income, -1).astype(int).tolist(),
            "avg_balance": np.round(balance, 2).tolist(),
            "late_payments": late.tolist(),
            "region_code": random.integers(1, 12, rows).tolist(),
            "phone_service": random.choice(["yes", "no"], rows).tolist(),
            "account_age": random.integers(1, 25, rows).tolist(),
            "has_mobile_app": random.integers(0, 2, rows).tolist(),
            "exited": left.astype(int).tolist(),
        },
        roles={
            "account_id": "id",
            "annual_income": "numeric",
            "avg_balance": "numeric",
            "late_payments": "numeric",
            "region_code": "categorical",
            "phone_service": "categorical",
            "account_age": "numeric",
            "has_mobile_app": "numeric",
            "exited": "label",
        },
        label="exited",
        positive="1",
        problem="churn",
    )


def leaky(rows: int = 4_000) -> Invented:
    """Customers with columns that know the answer, copies of each other, numbers that name rows, and doubled rows."""
    random = np.random.default_rng(22)
    months, fee = random.integers(1, 80, rows), np.round(random.uniform(5, 60, rows), 2)
    left = risk(random, 0.2, -months, fee)
    noisy = np.where(random.random(rows) < 0.01, ~left, left)
    columns = {
        "row_number": list(range(1, rows + 1)),
        "contract_ref": (random.permutation(9 * 10**6)[:rows] + 10**6).tolist(),
        "months": months.tolist(),
        "monthly_fee": fee.tolist(),
        "yearly_fee": np.round(fee * 12, 2).tolist(),
        "plan": (plan := random.choice(["basic", "plus", "pro"], rows)).tolist(),
        "plan_label": [{"basic": "Basic plan", "plus": "Plus plan", "pro": "Professional"}[each] for each in plan],
        "retention_score": np.round(left * 2.0 + random.normal(0, 0.55, rows), 3).tolist(),
        "status_code": np.where(noisy, "closed", "live").tolist(),
        "exit_interview": np.where(left & (random.random(rows) < 0.4), "price", "").tolist(),
        "next_invoice": np.where(left, "", np.round(fee + 1.5, 2).astype(str)).tolist(),
        "country": ["GB"] * rows,
        "spare": [""] * rows,
        "churn": np.where(left, "Yes", "No").tolist(),
    }
    for name, values in columns.items():
        values += [values[7], values[11], values[11]]  # two of them with a number of their own
        if name == "row_number":
            values[-2:] = [rows + 1, rows + 2]
            values[-3] = values[7]
    return Invented(
        name="leaky",
        columns=columns,
        roles={
            "row_number": "id",
            "contract_ref": "ignored",
            "months": "numeric",
            "monthly_fee": "numeric",
            "yearly_fee": "numeric",
            "plan": "categorical",
            "plan_label": "categorical",
            "retention_score": "numeric",
            "status_code": "ignored",
            "exit_interview": "ignored",
            "next_invoice": "numeric",
            "country": "ignored",
            "spare": "ignored",
            "churn": "label",
        },
        found={
            "id_as_number": {"contract_ref"},
            "column_copies": {"monthly_fee", "yearly_fee", "plan", "plan_label"},
            "leak_alone": {"retention_score"},
            "label_copy": {"status_code"},
            "filled_after": {"exit_interview", "next_invoice"},
            "constant": {"country", "spare"},
            "duplicate_rows": set(),
            "duplicate_but_id": {"row_number"},
        },
        label="churn",
        positive="Yes",
        problem="churn",
    )


def dirty(rows: int = 5_000) -> Invented:
    """Payments with stand-ins for missing values, mixed types and currencies, dates that may be read in two ways, and a gap."""
    random = np.random.default_rng(23)
    booked = [m if m < datetime(2024, 2, 20, tzinfo=UTC) else m + timedelta(days=9) for m in moments(rows, 80, random)]
    amount, age = random.lognormal(5.5, 1.2, rows), random.integers(1, 4_000, rows)
    early = np.array([m < datetime(2024, 2, 1, tzinfo=UTC) for m in booked])
    fraud = np.where(early, random.random(rows) < 0.01, random.random(rows) < 0.08)
    spent, score = np.round(random.uniform(0, 90, rows), 1), random.integers(300, 850, rows)
    return Invented(
        name="dirty",
        columns={
            "reference": [f"R{each}X" for each in random.permutation(10**6)[:rows]],
            "epoch": [int(m.timestamp()) for m in booked],
            "opened_on": [f"{1 + each % 12:02d}/{1 + each // 12 % 12:02d}/20{10 + each % 9}" for each in range(rows)],
            "amount": [f"{each:,.2f}" for each in amount],
            "currency": random.choice(["EUR", "USD", "GBP"], rows, p=[0.8, 0.15, 0.05]).tolist(),
            "card_age_days": np.where(random.random(rows) < 0.05, -1, age).tolist(),
            "bureau_score": np.where(random.random(rows) < 0.03, 9999, score).tolist(),
            "limit_used": np.where(random.random(rows) < 0.03, "n.v.", spent.astype(str)).tolist(),
            "channel": random.choice(["web", "app", "unknown"], rows, p=[0.5, 0.45, 0.05]).tolist(),
            "product": random.choice(["gold", "101", "silver", "205"], rows).tolist(),
            "terminal": [f"T{each:04d}" for each in random.integers(0, 400, rows)],
            "is_fraud": np.where(fraud, "true", "false").tolist(),
        },
        roles={
            "reference": "id",
            "epoch": "time",
            "opened_on": "ignored",
            "amount": "amount",
            "currency": "currency",
            "card_age_days": "numeric",
            "bureau_score": "numeric",
            "limit_used": "numeric",
            "channel": "categorical",
            "product": "categorical",
            "terminal": "entity",
            "is_fraud": "label",
        },
        found={
            "date_as_text": {"opened_on"},
            "ambiguous_date": {"opened_on"},
            "number_as_text": {"amount"},
            "mixed_currencies": {"currency"},
            "stand_in": {"card_age_days", "bureau_score", "channel"},
            "mixed_types": {"limit_used", "product"},
            "label_jump": {"is_fraud"},
            "time_gap": {"epoch"},
        },
        label="is_fraud",
        positive="true",
        problem="fraud",
    )


def converted(rows: int = 4_000) -> Invented:
    """Payments in several currencies with the rate of each, which moves a little, beside columns that are nearly rates."""
    random = np.random.default_rng(27)
    code = random.choice(["SEK", "EUR", "JPY"], rows, p=[0.6, 0.3, 0.1])
    rate = np.select([code == "SEK", code == "EUR"], [1.0, 11.3], 0.0713) * np.where(
        code == "SEK", 1, random.uniform(0.97, 1.04, rows)
    )
    attempts, paid = random.integers(1, 5, rows), np.round(random.lognormal(4, 1, rows), 2)
    fraud = risk(random, 0.06, attempts.astype(float), paid)
    return Invented(
        name="converted",
        columns={
            "payment_id": [f"P{each}Q" for each in random.permutation(10**6)[:rows]],
            "amount": paid.tolist(),
            "currency": code.tolist(),
            "attempts": attempts.tolist(),
            "in_kronor": [f"{each:.6f}".rstrip("0").rstrip(".") for each in rate],
            "weight_kg": np.round(random.uniform(1, 30, rows), 2).tolist(),
            "is_fraud": np.where(fraud, "Y", "N").tolist(),
        },
        roles={
            "payment_id": "id",
            "amount": "amount",
            "currency": "currency",
            "attempts": "numeric",
            "in_kronor": "rate",
            "weight_kg": "numeric",
            "is_fraud": "label",
        },
        found={"mixed_currencies": {"currency"}},
        label="is_fraud",
        positive="Y",
        problem="fraud",
    )


def wide(rows: int = 1_500) -> Invented:
    """Three hundred columns of numbers without names that say anything, and a label."""
    random = np.random.default_rng(24)
    numbers = np.round(random.normal(size=(rows, 300)), 4)
    label = risk(random, 0.1, numbers[:, 4], numbers[:, 200])
    return Invented(
        name="wide",
        columns={**{f"f{place}": numbers[:, place].tolist() for place in range(300)}, "target": label.astype(int).tolist()},
        roles={**{f"f{place}": "numeric" for place in range(300)}, "target": "label"},
        label="target",
        positive="1",
    )


def young_labels(rows: int = 6_000) -> Invented:
    """Payments whose labels are not known yet for the last weeks, with times as days before months, and few frauds."""
    random = np.random.default_rng(25)
    booked = moments(rows, 100, random)
    known = np.array([m < datetime(2024, 3, 31, tzinfo=UTC) for m in booked])
    fraud = (random.random(rows) < 0.015) & known
    return Invented(
        name="young",
        columns={
            "txn_id": (random.permutation(10**8)[:rows] + 10**8).tolist(),
            "transaction_time": [f"{m:%d/%m/%Y %H:%M:%S}" for m in booked],
            "updated_at": [f"{m + timedelta(days=3):%Y-%m-%d %H:%M:%S}" for m in booked],
            "value_eur": np.round(random.lognormal(3, 1, rows), 2).tolist(),
            "customer_no": (random.integers(0, 500, rows) + 40_000).tolist(),
            "customer_age": random.integers(18, 90, rows).tolist(),
            "device_hash": [f"{each:012x}" for each in random.integers(0, 700, rows) * 99_991],
            "fraud_label": fraud.astype(int).tolist(),
        },
        roles={
            "txn_id": "id",
            "transaction_time": "time",
            "updated_at": "ignored",
            "value_eur": "amount",
            "customer_no": "entity",
            "customer_age": "protected",
            "device_hash": "entity",
            "fraud_label": "label",
        },
        found={"date_as_text": {"transaction_time"}, "labels_end": {"fraud_label"}, "few_positives": {"fraud_label"}},
        label="fraud_label",
        positive="1",
        problem="fraud",
    )


def simulated_us_cards(rows: int = 4_000) -> Invented:
    """The layout of a well-known simulator of American cards: people's names and places beside each payment."""
    random = np.random.default_rng(26)
    booked = moments(rows, 90, random)
    people = 300
    who = random.integers(0, people, rows)
    cards = [with_check_digit(f"37{each:012d}") for each in random.integers(0, 10**12, people)]
    born = [datetime(1950, 1, 1, tzinfo=UTC) + timedelta(days=int(each)) for each in random.integers(0, 18_000, people)]
    amount = np.round(random.lognormal(3.5, 1.2, rows), 2)
    category = random.choice(["grocery_pos", "shopping_net", "gas_transport", "travel"], rows)
    fraud = risk(random, 0.05, np.log(amount), category == "shopping_net")
    streets = [f"{each} Marrowgate Street" for each in random.integers(1, 999, people)]
    return Invented(
        name="us_cards",
        columns={
            "trans_date_trans_time": [f"{m:%Y-%m-%d %H:%M:%S}" for m in booked],
            "cc_num": [cards[each] for each in who],
            "merchant": [f"fraud_Shop {each}" for each in random.integers(0, 200, rows)],
            "category": category.tolist(),
            "amt": amount.tolist(),
            "first": [GIVEN[each % len(GIVEN)] for each in who],
            "last": [FAMILY[each % len(FAMILY)] for each in who],
            "gender": [("M", "F")[each % 2] for each in who],
            "street": [streets[each] for each in who],
            "zip": [10_000 + 37 * int(each) for each in who],
            "lat": [round(30 + each * 0.0531, 4) for each in who],
            "dob": [f"{born[each]:%Y-%m-%d}" for each in who],
            "trans_num": [f"{each:032x}" for each in random.permutation(10**7)[:rows]],
            "unix_time": [int(m.timestamp()) for m in booked],
            "merch_lat": np.round(random.uniform(25, 48, rows), 5).tolist(),
            "is_fraud": fraud.astype(int).tolist(),
        },
        roles={
            "trans_date_trans_time": "time",
            "cc_num": "entity",
            "merchant": "entity",
            "category": "categorical",
            "amt": "amount",
            "first": "private",
            "last": "private",
            "gender": "protected",
            "street": "private",
            "zip": "private",
            "lat": "private",
            "dob": "private",
            "trans_num": "id",
            "unix_time": "ignored",
            "merch_lat": "numeric",
            "is_fraud": "label",
        },
        found={"personal": {"cc_num", "first", "last", "street", "zip", "lat", "dob"}},
        private=("Marrowgate", *FAMILY, *GIVEN, *cards[:50]),
        label="is_fraud",
        positive="1",
        problem="fraud",
    )


def mobile_money(rows: int = 5_000) -> Invented:
    """The layout of a well-known simulator of mobile money: an hour as a number, two parties, and a flag of an old system."""
    random = np.random.default_rng(27)
    step = np.sort(random.integers(1, 700, rows))
    amount = np.round(random.lognormal(9, 1.5, rows), 2)
    kind = random.choice(["PAYMENT", "TRANSFER", "CASH_OUT", "CASH_IN"], rows)
    fraud = risk(random, 0.03, np.log(amount), kind == "TRANSFER")
    before = np.round(random.lognormal(10, 2, rows), 2)
    return Invented(
        name="mobile_money",
        columns={
            "step": step.tolist(),
            "type": kind.tolist(),
            "amount": amount.tolist(),
            "nameOrig": [f"C{1_000_000 + each}" for each in random.integers(0, 3_000, rows)],
            "oldbalanceOrg": before.tolist(),
            "nameDest": [f"M{2_000_000 + each}" for each in random.integers(0, 900, rows)],
            "isFraud": fraud.astype(int).tolist(),
            "isFlaggedFraud": (fraud & (random.random(rows) < 0.1)).astype(int).tolist(),
        },
        roles={
            "step": "numeric",
            "type": "categorical",
            "amount": "amount",
            "nameOrig": "entity",
            "oldbalanceOrg": "numeric",
            "nameDest": "entity",
            "isFraud": "label",
            "isFlaggedFraud": "numeric",
        },
        label="isFraud",
        positive="1",
        problem="fraud",
    )


def card_customers(rows: int = 3_000) -> Invented:
    """The layout of well-known credit card customers: a label in words, unknown as a category, and a score made of the label."""
    random = np.random.default_rng(28)
    used, count = np.round(random.beta(1, 3, rows), 3), random.integers(10, 140, rows)
    left = risk(random, 0.16, -count)
    score = np.where(left, random.uniform(0.9, 0.9999, rows), random.uniform(0.0001, 0.01, rows))
    limit = np.round(random.lognormal(8.5, 0.8, rows), 0)
    return Invented(
        name="card_customers",
        columns={
            "CLIENTNUM": (random.permutation(10**7)[:rows] + 7 * 10**8).tolist(),
            "Attrition_Flag": np.where(left, "Attrited Customer", "Existing Customer").tolist(),
            "Customer_Age": random.integers(26, 73, rows).tolist(),
            "Gender": random.choice(["M", "F"], rows).tolist(),
            "Dependent_count": random.integers(0, 6, rows).tolist(),
            "Education_Level": random.choice(["Graduate", "College", "Unknown"], rows, p=[0.5, 0.35, 0.15]).tolist(),
            "Marital_Status": random.choice(["Married", "Single", "Divorced"], rows).tolist(),
            "Card_Category": random.choice(["Blue", "Silver", "Gold"], rows, p=[0.9, 0.07, 0.03]).tolist(),
            "Months_on_book": random.integers(13, 57, rows).tolist(),
            "Credit_Limit": limit.astype(int).tolist(),
            "Total_Trans_Ct": count.tolist(),
            "Avg_Utilization_Ratio": used.tolist(),
            "Naive_Bayes_mon_1": np.round(score, 6).tolist(),
        },
        roles={
            "CLIENTNUM": "id",
            "Attrition_Flag": "label",
            "Customer_Age": "protected",
            "Gender": "protected",
            "Dependent_count": "numeric",
            "Education_Level": "categorical",
            "Marital_Status": "protected",
            "Card_Category": "categorical",
            "Months_on_book": "numeric",
            "Credit_Limit": "numeric",
            "Total_Trans_Ct": "numeric",
            "Avg_Utilization_Ratio": "numeric",
            "Naive_Bayes_mon_1": "numeric",
        },
        found={"leak_alone": {"Naive_Bayes_mon_1"}, "stand_in": {"Education_Level"}},
        label="Attrition_Flag",
        positive="Attrited Customer",
        problem="churn",
    )
