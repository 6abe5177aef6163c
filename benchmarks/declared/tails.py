"""What trees see of the tails of numbers: the pipeline's trees beside the same with other bins and another start.

Trees split between bins, not within one. Frauds that a limit parts from all other rows are lost where they share a bin with
these, and where trees start from their share, they weigh too little at first for a leaf of their own. So each table shows what
both cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from benchmarks.markdown import table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn.config import LightGBMConfig
from fusionguard.families.churn.lightgbm_model import fit, margins, parameters_of
from fusionguard.families.churn.out_of_fold import Scorer
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.families.fraud.sizes import LEAST_BINS, MOST_BINS

ESTIMATED, EVEN = "from the share of positive rows", "from an even chance"
"""Where trees start."""
Place = tuple[int, str]
"""Into how many bins numbers are cut, and where trees start."""
LIGHTGBM_BINS = 255
"""LightGBM's own default, which the churn pipeline leaves as it is."""


class Tried(BaseModel):
    """Into how many bins numbers are cut, where trees start, and the mean average precision over the folds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bins: int
    start: str
    average_precision: float


class Tails(BaseModel):
    """The pipeline's trees on one table, and the same with other bins and another start.

    ``ahead`` is how far the pipeline's own are above those of the libraries' bins and start; None where they have just these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    own: Tried
    others: tuple[Tried, ...]
    ahead: Interval | None


def xgboost_places(
    config: XGBoostConfig, own_bins: int, trees: Callable[[XGBoostConfig], Scorer]
) -> tuple[Place, dict[Place, Scorer]]:
    """Return which bins and start the settings take, ``own_bins`` for these rows, and the scorers of the others."""
    own = own_bins, ESTIMATED if config.base_score is None else EVEN
    more = own_bins if own_bins != LEAST_BINS else MOST_BINS

    def changed(bins: int, start: str) -> XGBoostConfig:
        update = {"max_bin": config.max_bin if bins == own_bins else bins, "base_score": None if start == ESTIMATED else 0.5}
        return config.model_copy(update=update)

    return own, {place: trees(changed(*place)) for place in _places(LEAST_BINS, more) if place != own}


def lightgbm_places(config: LightGBMConfig, seed: int) -> tuple[Place, dict[Place, Scorer]]:
    """Return LightGBM's bins and start, as the pipeline takes them, and the scorers of the others."""
    own = LIGHTGBM_BINS, ESTIMATED

    def trees(place: Place) -> Scorer:
        parameters = {**parameters_of(config), "max_bin": place[0], "boost_from_average": place[1] == ESTIMATED}
        return lambda rows, known, unseen: margins(fit(rows, known, parameters, rounds=config.rounds, seed=seed), unseen)

    return own, {place: trees(place) for place in _places(LIGHTGBM_BINS, MOST_BINS) if place != own}


def compared(own: Place, read: Mapping[Place, NDArray[np.float64]], folds: int) -> Tails:
    """Return the comparison of what was read on each fold, (folds,) each."""
    usual = min(bins for bins, _ in read), ESTIMATED
    tried = {place: Tried(bins=place[0], start=place[1], average_precision=float(each.mean())) for place, each in read.items()}
    return Tails(
        own=tried.pop(own),
        others=tuple(tried.values()),
        ahead=None if own == usual else mean_interval(read[own] - read[usual], folds),
    )


def _places(usual: int, more: int) -> list[Place]:
    return [(bins, start) for bins in (usual, more) for start in (ESTIMATED, EVEN)]


def tails_table(measured: Mapping[str, Tails]) -> str:
    """Return the table of some tables by name, the pipeline's own in bold."""
    usual = min(min(each.own.bins, *(other.bins for other in each.others)) for each in measured.values())
    heads = [f"{bins} bins, {start} start" for bins in (usual, "more") for start in ("estimated", "even")]
    return table(("table", *heads, "more are", "ahead by"), [(name, *_cells(each)) for name, each in measured.items()])


def _cells(measured: Tails) -> tuple[str, ...]:
    read = {(each.bins, each.start): each.average_precision for each in (measured.own, *measured.others)}
    usual, more = min(bins for bins, _ in read), max(bins for bins, _ in read)
    cells = []
    for place in _places(usual, more):
        value = f"{read[place]:.3f}" if place in read else "–"
        cells.append(f"**{value}**" if place == (measured.own.bins, measured.own.start) else value)
    return *cells, f"{more:,}", "–" if measured.ahead is None else measured.ahead.text()
