"""Derive the churn simulator's statistics from a file in Kaggle's layout.

    python -m benchmarks.derive_churn_statistics Churn_Modelling.csv [OUTPUT.json]

The file may be a sample drawn at random within each outcome. Only aggregates are written: shares, quantiles and the coefficients
of a logistic law.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from fusionguard.data.ingest import read_raw
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.bank_churn.simulator import COUNTRIES, GENDERS, draw_customers, parse_churn_statistics

TAIL = [0.0, 0.001, 0.0025, 0.005, 0.01, 0.025]
PROBABILITIES = np.unique(np.round([*TAIL, *np.linspace(0.05, 0.95, 19), *(1 - np.array(TAIL)), 0.98], 4))
"""One is at 0.98, where the 2.3 % of customers with the best possible score begin."""
SHARE_AGES = np.array([18, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 80])
LAW_AGES = np.array([18, 25, 30, 35, 40, 45, 50, 55, 60, 65, 72, 82])
LOW_SCORE = 405
"""Below it all of the 15 customers in the sample left; above it the score hardly matters."""
INVERSE_PENALTY = 10.0
STEEPNESS = 1.1
"""Chosen, not derived: the fitted log-odds are multiplied by it; trees then rank about as well as on real data."""
POPULATION = 500_000


def main() -> None:
    """Derive and write."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        customers = read_raw(Path(sys.argv[1]), CHURN, Path(folder) / "raw.parquet").read().to_pandas()
    content = derive(customers)
    default = Path(__file__).parents[1] / "src" / "fusionguard" / "datasets" / "bank_churn" / "statistics.json"
    output = Path(sys.argv[2]) if len(sys.argv) == 3 else default
    lines = [f' "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in content.items()]
    output.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(f"{output}: {output.stat().st_size:,} bytes")


def derive(customers: pd.DataFrame) -> dict[str, Any]:
    """Return the content of ``statistics.json``."""
    country = customers["Geography"].map(COUNTRIES.index).to_numpy()
    woman = (customers["Gender"] == GENDERS[1]).to_numpy(dtype=float)
    held = (customers["Balance"] > 0).to_numpy(dtype=int)
    age = customers["Age"].to_numpy(dtype=float)
    balance = customers.loc[held == 1, "Balance"]
    hats = _hats(age, SHARE_AGES)
    women_by_age = _shares(hats, woman)
    rest = woman - np.interp(age, SHARE_AGES, women_by_age)
    products = customers["NumOfProducts"].to_numpy()
    content: dict[str, Any] = {
        "about": "Aggregates of the bank customers published on Kaggle (barelydedicated/bank-customer-churn-modeling, CC0 1.0);"
        " derived by benchmarks/derive_churn_statistics.py, see docs/data_sources.md. No row of the data is in here.",
        "country": _rounded([np.mean(country == number) for number in range(3)]),
        "probabilities": PROBABILITIES.tolist(),
        # A whole year stands for the year that begins with it, and the simulator cuts the fraction off again.
        "age": [_quantiles(age[country == number] + _spread(age[country == number])) for number in range(3)],
        "score": _quantiles(customers["CreditScore"].to_numpy(dtype=float)),
        "ages": SHARE_AGES.tolist(),
        "women_by_age": _rounded(women_by_age),
        "active_by_age": _rounded(_shares(hats, customers["IsActiveMember"].to_numpy(dtype=float))),
        "women_by_country": _rounded([rest[country == number].mean() for number in range(3)]),
        "held": _rounded([held[country == number].mean() for number in range(3)]),
        "balance": {
            "mean": round(float(balance.mean())),
            "deviation": round(float(balance.std())),
            "range": [int(balance.min() // 10_000 * 10_000), int(-(-balance.max() // 10_000) * 10_000)],
        },
        "products": [[_product_shares(products[(country == number) & (held == side)]) for side in (0, 1)] for number in range(3)],
        "one_product_by_age": _one_product_by_age(hats, products, customers["IsActiveMember"].to_numpy(), 2 * country + held),
        "tenure": _rounded([np.mean(customers["Tenure"] == years) for years in range(11)]),
        "card": round(float(customers["HasCrCard"].mean()), 4),
        "salary_range": [10, 200_000],
        "law": _law(customers, country, woman, held),
    }
    return _with_published_rate(content, float(customers["Exited"].mean()))


def _law(customers: pd.DataFrame, country: Any, woman: Any, held: Any) -> dict[str, Any]:
    """Fit the logistic law, lightly penalised: age by activity, products by country and balance, gender, a very low score."""
    ages = _hats(customers["Age"].to_numpy(dtype=float), LAW_AGES)
    active = customers["IsActiveMember"].to_numpy()[:, None]
    # Of the customers with four products all left, everywhere: one term for them is all that can be learnt.
    kinds = np.minimum(customers["NumOfProducts"].to_numpy(), 3) - 1
    cells = np.eye(18)[(country * 2 + held) * 3 + kinds]
    four = (customers["NumOfProducts"] == 4).to_numpy(dtype=float)
    low = (customers["CreditScore"] < LOW_SCORE).to_numpy(dtype=float)
    design = np.column_stack([ages * (1 - active), ages * active, cells, four, woman, low])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=5_000, tol=1e-8).fit(design, customers["Exited"])
    nodes = len(LAW_AGES)
    effects = STEEPNESS * model.coef_[0]
    by_age = effects[: 2 * nodes].reshape(2, nodes) + STEEPNESS * model.intercept_[0]
    by_products = effects[2 * nodes : 2 * nodes + 18].reshape(3, 2, 3)
    by_products = np.concatenate([by_products, by_products[..., -1:] + effects[-3]], axis=-1)
    return {
        "ages": LAW_AGES.tolist(),
        "by_age": np.round(by_age, 3).tolist(),
        "by_products": np.round(by_products, 3).tolist(),
        "woman": round(float(effects[-2]), 3),
        "low_score": LOW_SCORE,
        "low_score_effect": round(float(effects[-1]), 3),
    }


def _with_published_rate(content: dict[str, Any], rate: float) -> dict[str, Any]:
    """Shift the law so that as many simulated customers leave as real ones: the columns are drawn with fewer dependences."""
    statistics = parse_churn_statistics(content)
    drawn = draw_customers(POPULATION, np.random.default_rng(0), statistics)
    odds = statistics.law.log_odds(
        country=np.searchsorted(COUNTRIES, drawn["Geography"]),
        woman=(drawn["Gender"] == GENDERS[1]).astype(np.int64),
        score=drawn["CreditScore"],
        age=drawn["Age"],
        held=(drawn["Balance"] > 0).astype(np.int64),
        products=drawn["NumOfProducts"],
        active=drawn["IsActiveMember"],
    )
    shift = brentq(lambda by: float(expit(odds + by).mean()) - rate, -3, 3)
    law = content["law"] | {"by_age": np.round(np.array(content["law"]["by_age"]) + shift, 3).tolist()}
    print(f"law shifted by {shift:.3f}")
    return content | {"law": law}


def _one_product_by_age(hats: Any, products: Any, active: Any, kind: Any) -> list[list[float]]:
    """Return what age adds (2, A) to the share of customers with one product, besides their kind, by activity."""
    one = (products == 1).astype(float)
    rest = one - pd.Series(one).groupby(kind).transform("mean").to_numpy()
    return [_rounded(_fit(hats[active == side], rest[active == side], towards=0.0)) for side in (0, 1)]


def _hats(values: Any, nodes: Any) -> Any:
    """Return the weights (n, k) of linear interpolation between ``nodes`` (k,)."""
    return np.column_stack([np.interp(values, nodes, row) for row in np.eye(len(nodes))])


def _shares(hats: Any, flags: Any) -> Any:
    return np.clip(_fit(hats, flags, towards=flags.mean()), 0.02, 0.98)


def _fit(hats: Any, values: Any, towards: float) -> Any:
    """Fit values at the nodes by least squares, drawn as if by ten more customers to ``towards``."""
    pull = 10.0 * np.eye(hats.shape[1])
    return np.linalg.solve(hats.T @ hats + pull, hats.T @ values + pull.sum(axis=0) * towards)


def _spread(values: Any) -> Any:
    """Return evenly spaced fractions of a year within each age, so that quantiles do not lump."""
    frame = pd.Series(values)
    return ((frame.groupby(frame).cumcount() + 0.5) / frame.groupby(frame).transform("size")).to_numpy()


def _quantiles(values: Any) -> list[float]:
    return list(np.round(np.quantile(values, PROBABILITIES), 1).tolist())


def _product_shares(products: Any) -> list[float]:
    """Return the shares of 1 to 4 products; all equal for a kind of customer that does not exist."""
    return _rounded([np.mean(products == number) for number in range(1, 5)] if len(products) else [0.25] * 4)


def _rounded(shares: Any) -> list[float]:
    return list(np.round(np.asarray(shares, dtype=float), 4).tolist())


if __name__ == "__main__":
    main()
