"""A model that reads what happened before scores files, beside the rows before them, as it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import UsageError
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.scoring import score, score_file
from tests.foreign import write_payments
from tests.payments import DeclaredPayments, train_fraud

WINDOWS = """
windows:
  card: {spans: [1d, 30d], of: [count, mean, ratio, since_last, label_rate]}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> DeclaredPayments:
    """A small model of payments whose cards have a past."""
    folder = tmp_path_factory.mktemp("past")
    file = write_payments(folder / "source", 2_000)
    file.write_text(file.read_text() + WINDOWS)
    return train_fraud(str(file), folder)


def halves(trained: DeclaredPayments, folder: Path) -> tuple[Path, Path]:
    """Write the earlier rows and the later ones, of which twelve are earlier ones, too, as their owner has them."""
    rows = pd.read_csv(trained.given, dtype=str, keep_default_na=False)
    rows.iloc[:1_212].to_csv(folder / "earlier.csv", index=False)
    rows.iloc[1_200:].drop(columns=["chargeback", "chargeback known"]).to_csv(folder / "later.csv", index=False)
    return folder / "earlier.csv", folder / "later.csv"


def test_later_rows_get_the_scores_of_their_training_features(trained: DeclaredPayments, tmp_path: Path) -> None:
    model = family_of(trained.bundle).load(trained.bundle)
    earlier, later = halves(trained, tmp_path)
    summary = score_file(model, later, tmp_path / "scores.parquet", history=earlier)
    scores = pq.read_table(tmp_path / "scores.parquet").to_pandas().set_index("payment id")["score"]
    features = trained.rows.features.read()
    answered = model.answer_features(features.select(family_of(trained.bundle).features.model_features), reasons=0)
    ids = pd.read_csv(trained.given, dtype=str, keep_default_na=False)["payment id"].to_numpy()
    learned = pd.Series(answered["score"].to_numpy(), index=ids[features["row_number"].to_numpy()])
    assert summary.rows == len(scores) == 800
    # Outcomes of the later rows are not told, so that those that became known among them are not seen: compare before any is.
    first = scores.index[:60]
    np.testing.assert_array_equal(scores[first], learned[first])
    assert learned.nunique() > 500
    told = pq.read_table(tmp_path / "scores.parquet")["reasons"].to_pylist()
    sentences = [reason for text in told for reason in text.split("; ") if " in 30 d" in reason or " in 1 d" in reason]
    assert any(each.startswith(("no payment before in 30 d, median ", "1 payment in 30 d, median ")) for each in sentences), told


def test_without_the_rows_before_nothing_is_scored(trained: DeclaredPayments, tmp_path: Path) -> None:
    model = family_of(trained.bundle).load(trained.bundle)
    earlier, later = halves(trained, tmp_path)
    with pytest.raises(UsageError, match=r"read what happened before each row\. Name the file of earlier rows with --history"):
        score_file(model, later, tmp_path / "scores.csv")
    with pytest.raises(UsageError, match="There is no file"):
        score_file(model, later, tmp_path / "scores.csv", history=tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="read what happened before each row"):
        score(model, later)
    assert len(score(model, later, history=earlier)) == 800
    assert not (tmp_path / "scores.csv").exists()


def test_rows_before_are_refused_where_no_model_reads_them(payments_bundle: Bundle, tmp_path: Path) -> None:
    model = family_of(payments_bundle).load(payments_bundle)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match=r"read nothing of earlier rows\. Leave --history out"):
        score_file(model, tmp_path / "rows.csv", tmp_path / "scores.csv", history=tmp_path / "rows.csv")
