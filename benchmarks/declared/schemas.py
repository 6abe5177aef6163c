"""Six tables with a known truth, as public data sets are: each row's chance is computed, and its outcome drawn from that.

A schema is written as ``rows.csv`` and ``declaration.yaml``; what its best possible ranking reaches is known, too. The shares of
positive rows are those of customers who leave; frauds are rarer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Schema:
    """A simulated table.

    Parameters
    ----------
    rows
        The columns that models may read, the label, and a time where it has one.
    chance
        (n,) the true chance of each row's outcome.
    declaration
        What declares it, but for ``problem``.
    """

    name: str
    about: str
    rows: pd.DataFrame
    chance: Floats
    declaration: dict[str, object]

    def write(self, folder: Path, problem: str) -> Path:
        """Write rows and declaration into a folder, as a problem of a family; return the declaration."""
        folder.mkdir(parents=True, exist_ok=True)
        numbered = self.rows.assign(row=[f"R{place}" for place in range(len(self.rows))])
        numbered.to_csv(folder / "rows.csv", index=False)
        head = {
            "version": 1,
            "name": f"{self.name}-{problem}",
            "problem": problem,
            "simulated": True,
            "rows": "rows.csv",
            "id": "row",
        }
        file = folder / "declaration.yaml"
        file.write_text(yaml.safe_dump(head | self.declaration, sort_keys=False), encoding="utf-8")
        return file


def numeric_only(rng: np.random.Generator, rarity: float) -> Schema:
    """Thirty numbers; twelve matter, some of them together."""
    x = rng.normal(size=(8_000, 30))
    x[:, 5:10] = np.exp(x[:, 5:10])
    logit = 1.1 * x[:, 0] - 0.8 * x[:, 1] * x[:, 2] + 0.9 * np.sin(2 * x[:, 3]) + 0.5 * np.log1p(x[:, 5]) - 0.6 * (x[:, 6] > 2)
    logit += 0.5 * x[:, 10] * (x[:, 11] > 0) + 0.3 * np.abs(x[:, 12]) - 0.4 * x[:, 13]
    return _schema("numeric-only", "30 numbers", rng, _frame(x), logit, 0.08 * rarity)


def many_categories(rng: np.random.Generator, rarity: float) -> Schema:
    """Four columns of 30 to 1,500 categories, whose effects are drawn, beside six numbers."""
    rows = 20_000
    table, logit = _frame(numbers := rng.normal(size=(rows, 6))), 0.7 * numbers[:, 0] - 0.5 * numbers[:, 1] * numbers[:, 2]
    for name, levels, size in (("merchant", 1_500, 0.9), ("city", 300, 0.7), ("trade", 60, 0.8), ("device", 30, 0.4)):
        weight = rng.pareto(1.1, levels) + 0.05
        codes = rng.choice(levels, rows, p=weight / weight.sum())
        logit = logit + rng.normal(scale=size, size=levels)[codes]
        table[name] = [f"{name} {code}" for code in codes]
    return _schema("many-categories", "4 columns of 30 to 1,500 categories, 6 numbers", rng, table, logit, 0.06 * rarity)


def many_gaps(rng: np.random.Generator, rarity: float) -> Schema:
    """Twenty numbers of which a third to two thirds are missing, more often where the outcome is likelier."""
    x = rng.normal(size=(10_000, 20))
    logit = 1.2 * x[:, 0] + 0.8 * x[:, 1] - 0.7 * x[:, 2] * x[:, 3] + 0.5 * x[:, 4]
    for place in range(20):
        share = 0.35 + 0.3 * (place % 3) / 2
        shift = 0.6 * logit if place % 4 == 0 else 0.0
        x[rng.random(len(x)) < 1 / (1 + np.exp(-(np.log(share / (1 - share)) + shift))), place] = np.nan
    table = _frame(x)
    table["segment"] = np.where(rng.random(len(x)) < 0.4, None, rng.choice(["a", "b", "c"], len(x)))
    return _schema("many-gaps", "20 numbers and a category, 35 to 65 % missing", rng, table, logit, 0.12 * rarity)


def tiny(rng: np.random.Generator, rarity: float) -> Schema:
    """Two thousand rows of ten numbers and two categories."""
    x = rng.normal(size=(2_000, 10))
    plan, area = rng.choice(["basic", "plus", "max"], 2_000), rng.choice(list("ABCDEFGH"), 2_000)
    logit = 0.9 * x[:, 0] - 0.7 * x[:, 1] + 0.6 * x[:, 2] ** 2 - 0.8 * (plan == "max") + 0.5 * (area == "C") * x[:, 3]
    return _schema("tiny", "10 numbers, 2 categories", rng, _frame(x).assign(plan=plan, area=area), logit, 0.15 * rarity)


def wide(rng: np.random.Generator, rarity: float) -> Schema:
    """Three hundred numbers, of which twenty-five matter a little each."""
    x = rng.normal(size=(6_000, 300))
    x[:, 100:200] = x[:, :100] + 0.5 * x[:, 100:200]
    effect = rng.normal(scale=0.35, size=25)
    logit = x[:, :25] @ effect + 0.5 * x[:, 30] * x[:, 31]
    return _schema("wide", "300 numbers", rng, _frame(x), logit, 0.1 * rarity)


def drifting(rng: np.random.Generator, rarity: float) -> Schema:
    """A year in which what matters turns round by degrees, and outcomes become likelier."""
    rows = 12_000
    x, age = rng.normal(size=(rows, 12)), np.linspace(0, 1, rows)
    logit = (1.4 - 1.8 * age) * x[:, 0] + (0.2 + 1.2 * age) * x[:, 1] - 0.7 * x[:, 2] + 0.5 * x[:, 3] * x[:, 4] + 0.8 * age
    x[:, 5] += 1.5 * age
    table = _frame(x).assign(channel=rng.choice(["web", "shop", "phone"], rows))
    schema = _schema("drifting", "over a year, 12 numbers, a category", rng, table, logit, 0.08 * rarity)
    moments = pd.Timestamp("2023-01-01") + pd.to_timedelta((age * 364 * 86_400).astype(int), unit="s")
    schema.rows.insert(0, "moment", moments.strftime("%Y-%m-%dT%H:%M:%S"))
    return Schema(schema.name, schema.about, schema.rows, schema.chance, {"time": {"column": "moment"}, **schema.declaration})


SCHEMAS: dict[str, Callable[[np.random.Generator, float], Schema]] = {
    "numeric-only": numeric_only,
    "many-categories": many_categories,
    "many-gaps": many_gaps,
    "tiny": tiny,
    "wide": wide,
    "drifting": drifting,
}
"""Each is drawn by a generator; the second argument multiplies its share of positive rows."""


def _frame(x: Floats) -> pd.DataFrame:
    return pd.DataFrame(np.round(x, 5), columns=[f"x{place}" for place in range(x.shape[1])])


def _schema(name: str, about: str, rng: np.random.Generator, table: pd.DataFrame, logit: Floats, share: float) -> Schema:
    """Draw outcomes at a share of about ``share`` and declare the columns as what they are."""
    chance = _at_share(logit, share)
    numeric = {
        column: {"missing": "allow"} if table[column].isna().any() else {} for column in table if table[column].dtype.kind == "f"
    }
    texts = [column for column in table if column not in numeric]
    categorical = {column: {"missing": "allow"} if table[column].isna().any() else {} for column in texts}
    declared: dict[str, object] = {"label": {"column": "outcome", "positive": [1], "negative": [0]}, "numeric": numeric}
    if categorical:
        declared["categorical"] = categorical
    table = table.assign(outcome=(rng.random(len(table)) < chance).astype(int))
    return Schema(name, about, table, chance, declared)


def _at_share(logit: Floats, share: float) -> Floats:
    """Shift log-odds so that their mean chance is ``share``."""
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if float(np.mean(1 / (1 + np.exp(-(logit + middle))))) < share else (low, middle)
    return np.asarray(1 / (1 + np.exp(-(logit + low))))
