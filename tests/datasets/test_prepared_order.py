"""Prepared rows without a time: shuffled, customers whole, positives spread evenly; with one, in its order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from fusionguard.data.table import CARRIED
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from tests.foreign import write_payments, write_telco


def _prepared(declaration: Path, folder: str = "read") -> pa.Table:
    found = find_dataset(str(declaration))
    return read_described(found, "auto", declaration.parent / folder, rows=0, seed=1, earliest=0.6)[0].table.read()


def test_the_rows_of_one_card_lie_together_and_those_of_none_apart(tmp_path: Path) -> None:
    declaration = write_payments(tmp_path, 1_600, timed=False)
    given = pd.read_csv(tmp_path / "rows.csv").set_index("payment id")
    given.loc[given.index[::5], "card token"] = None
    given.to_csv(tmp_path / "rows.csv")
    rows = _prepared(declaration)
    ids = rows[CARRIED].to_pylist()
    assert sorted(ids) == sorted(given.index) and ids != list(given.index)
    token = given.loc[ids, "card token"]
    group, known = rows["group_number"].to_numpy(), token.notna().to_numpy()
    assert np.count_nonzero(np.diff(group)) + 1 == np.unique(group).size == token.nunique() + 320
    assert pd.Series(group[known]).groupby(token[known].to_numpy()).nunique().eq(1).all()
    assert np.unique(group[~known]).size == 320
    assert not np.all(np.diff(group[np.argsort(token[known].to_numpy(), kind="stable")]) >= 0)
    label = rows["chargeback"].to_numpy()
    quarters = label.reshape(4, 400).sum(axis=1)
    assert label.sum() > 60 and abs(quarters - label.sum() / 4).max() <= 4, quarters
    assert _prepared(declaration, "again").equals(rows)


def test_rows_of_nobody_are_shuffled_and_every_part_has_its_share_of_positives(tmp_path: Path) -> None:
    rows = _prepared(write_telco(tmp_path, 900))
    place = pd.Series(np.arange(900), pd.read_csv(tmp_path / "rows.csv")["Customer ID"]).loc[rows[CARRIED].to_pylist()].to_numpy()
    assert np.array_equal(np.sort(place), np.arange(900))
    assert abs(np.corrcoef(place, np.arange(900))[0, 1]) < 0.1
    label = rows["Left_2"].to_numpy()
    tenths = label.reshape(10, 90).sum(axis=1)
    assert label.sum() > 200 and tenths.max() - tenths.min() <= 2, tenths


def test_rows_with_a_time_stay_in_its_order(tmp_path: Path) -> None:
    rows = _prepared(write_payments(tmp_path, 300))
    assert np.all(np.diff(rows["event_seconds"].to_numpy()) >= 0)
    assert rows[CARRIED].to_pylist() == pd.read_csv(tmp_path / "rows.csv")["payment id"].tolist()
    waited = rows["known_seconds"].to_numpy() - rows["event_seconds"].to_numpy()
    late = np.isnan(waited)
    assert np.allclose(waited[~late], 11 * 86_400, atol=3_600)  # the longest of 2 to 11 days; an hour of spring
    assert np.flatnonzero(late).tolist() == list(range(late.size - late.sum(), late.size)) and late.any()
