"""Scoring on a real Spark cluster: what windows remember, and the answers, are those of this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fusionguard.errors import UnknownChoiceError
from fusionguard.scoring import score_file
from tests.serving.past_payments import EARLIER, train
from tests.spark_cluster import standalone_cluster

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")


FEWER = {
    "{spans: [1d, 30d], of: [count, mean, ratio, since_last, new(place), label_rate]}": "{spans: [30d], of: [mean, new(place)]}",
    "[count, sum, maximum, mean(distance km), distinct(card), label_count, label_rate]": "[count, distinct(card), label_rate]",
}
"""Changes of the declaration: Spark compiles code for each window, which is most of its work for so few rows."""


@needs_java
@pytest.mark.long
@pytest.mark.full
def test_a_cluster_scores_rows_with_their_history_as_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    past = train(tmp_path / "payments", FEWER)
    past.rows.iloc[:EARLIER].to_csv(tmp_path / "earlier.csv", index=False)
    past.rows.iloc[EARLIER:].sample(frac=1, random_state=3).to_csv(tmp_path / "later.csv", index=False)
    model = past.family.load(past.trained.bundle)
    given = {"model": model, "input_file": tmp_path / "later.csv", "history": tmp_path / "earlier.csv"}
    here = score_file(output_file=tmp_path / "here.csv", **given)
    with standalone_cluster(tmp_path, monkeypatch):
        there = score_file(output_file=tmp_path / "there.csv", engine="spark", **given)
    assert here.flagged > 0
    assert there == here
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert not list(tmp_path.glob(".fusionguard-*"))


def test_an_engine_that_nobody_knows_is_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match="Valid choices: duckdb, spark"):
        score_file(None, tmp_path / "absent.csv", tmp_path / "scores.csv", engine="polars")  # type: ignore[arg-type]
