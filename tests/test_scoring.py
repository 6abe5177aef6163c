"""Batch scoring: the same numbers as the model gives, in the input's order, whatever the formats and the batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fusionguard import scoring
from fusionguard.data.table import Table
from fusionguard.errors import DataError, UnknownChoiceError, UsageError
from fusionguard.families.churn.model import load as load_churn
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.families.fraud.model import FraudModel, load
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES
from fusionguard.models.bundle import Bundle
from fusionguard.scoring import ScoreSummary, score, score_columns, score_file
from tests.fakes import churn

ROWS = 3_000
COLUMNS = score_columns(FRAUD_FAMILY)


@pytest.fixture(scope="module")
def model(fraud_bundle: Bundle) -> FraudModel:
    return load(fraud_bundle)


@pytest.fixture(scope="module")
def transactions(simulated_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Some rows in an order that is not that of time, the first of them three times, some of them fraud."""
    rows = pq.read_table(simulated_raw)
    frauds = np.flatnonzero(rows["Class"].to_numpy())[:20]
    chosen = np.concatenate([[5, 5, 5], np.random.default_rng(1).permutation(rows.num_rows)[: ROWS - 23], frauds])
    return rows.take(pa.array(chosen))


@pytest.fixture
def csv_file(transactions: pa.Table, tmp_path: Path) -> Path:
    pacsv.write_csv(transactions, tmp_path / "transactions.csv")
    return tmp_path / "transactions.csv"


def test_scores_are_the_models_in_their_order(model: FraudModel, transactions: pa.Table, csv_file: Path, tmp_path: Path) -> None:
    summary = score_file(model, csv_file, tmp_path / "scores.parquet")
    scored = pq.read_table(tmp_path / "scores.parquet")
    pq.write_table(transactions, tmp_path / "raw.parquet")
    expected = model.score(score_rows(FRAUD_FEATURES, Table(tmp_path / "raw.parquet"), tmp_path / "features.parquet").read())
    amount = transactions["Amount"].to_numpy()
    assert scored.schema.equals(COLUMNS)
    assert scored.column_names == ["row", "score", "probability", "decision", "expected_saving", "reasons", "model_version"]
    assert scored["row"].to_pylist() == list(range(ROWS))
    assert np.array_equal(scored["score"].to_numpy(), expected.score)
    assert np.array_equal(scored["probability"].to_numpy(), expected.probability)
    review = model.policy.decide(expected.probability, amount)
    assert np.array_equal(np.array(scored["decision"].to_pylist()) == "review", review)
    assert set(scored["decision"].to_pylist()) == {"review", "accept"}
    assert np.allclose(scored["expected_saving"].to_numpy(), expected.probability * amount - model.policy.review_cost)
    assert set(scored["model_version"].to_pylist()) == {model.bundle.sha256[:12]}
    assert all((reasons != "") == alert for reasons, alert in zip(scored["reasons"].to_pylist(), review, strict=True))
    assert set("; ".join(scored["reasons"].to_pylist()).replace("; ", " ").split()) <= {
        *MODEL_FEATURES,
        "reconstruction",
        "error",
    }
    assert summary == ScoreSummary(rows=ROWS, flagged=int(review.sum()))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_csv_scores_read_back_to_the_same_doubles(model: FraudModel, csv_file: Path, tmp_path: Path, suffix: str) -> None:
    score_file(model, csv_file, tmp_path / "scores.parquet")
    score_file(model, csv_file, tmp_path / f"scores{suffix}")
    types = pacsv.ConvertOptions(column_types=COLUMNS)
    assert pacsv.read_csv(tmp_path / f"scores{suffix}", convert_options=types).equals(pq.read_table(tmp_path / "scores.parquet"))


def test_the_label_makes_no_difference_nor_does_the_inputs_format(
    model: FraudModel, transactions: pa.Table, csv_file: Path, tmp_path: Path
) -> None:
    one_class = pa.array(np.ones(ROWS, dtype=np.int64))
    inputs = {
        "without.parquet": transactions.drop_columns(["Class"]),
        "one_class.parquet": transactions.set_column(transactions.column_names.index("Class"), "Class", one_class),
    }
    score_file(model, csv_file, tmp_path / "scores.csv")
    for name, table in inputs.items():
        pq.write_table(table, tmp_path / name)
        score_file(model, tmp_path / name, tmp_path / f"{name}.csv")
        assert (tmp_path / f"{name}.csv").read_bytes() == (tmp_path / "scores.csv").read_bytes()


def test_what_no_model_reads_makes_no_difference(churn_bundle: Bundle, simulated_customers: Path, tmp_path: Path) -> None:
    model = load_churn(churn_bundle)
    rows = pq.read_table(simulated_customers).slice(0, 150)
    unread = ["RowNumber", "CustomerId", "Surname", "Exited"]
    strange = pa.array([["a"]] * 150)
    inputs = {
        "whole": rows,
        "without": rows.drop_columns(unread),
        "null": rows.drop_columns(unread).append_column("Surname", pa.nulls(150)).append_column("Exited", pa.nulls(150)),
        "strange": rows.drop_columns(unread).append_column("RowNumber", strange).append_column("Exited", strange),
    }
    for name, table in inputs.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
        score_file(model, tmp_path / f"{name}.parquet", tmp_path / f"{name}.scores.csv")
        assert (tmp_path / f"{name}.scores.csv").read_bytes() == (tmp_path / "whole.scores.csv").read_bytes()
    text = tmp_path / "text.csv"
    pacsv.write_csv(rows.set_column(0, "RowNumber", pa.array(["row?"] * 150)).set_column(13, "Exited", pa.nulls(150)), text)
    score_file(model, text, tmp_path / "text.scores.csv")
    assert (tmp_path / "text.scores.csv").read_bytes() == (tmp_path / "whole.scores.csv").read_bytes()
    rows.to_pandas().set_axis(range(3, 153)).to_csv(text)  # with the index, as pandas does unless it is told
    score_file(model, text, tmp_path / "text.scores.csv")
    assert (tmp_path / "text.scores.csv").read_bytes() == (tmp_path / "whole.scores.csv").read_bytes()


def test_a_folder_of_parts_is_scored_as_one_file(
    model: FraudModel, transactions: pa.Table, csv_file: Path, tmp_path: Path
) -> None:
    score_file(model, csv_file, tmp_path / "whole.csv")
    folder = tmp_path / "spark.parquet"
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for part, (start, rows) in enumerate(((0, 1_700), (1_700, 0), (1_700, 1_300))):
        pq.write_table(transactions.slice(start, rows), folder / f"part-{part:05d}-ab-c000.snappy.parquet")
    assert score_file(model, folder, tmp_path / "parts.csv").rows == ROWS
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("batch_rows", [1_000_000, 700])
def test_a_column_of_the_input_is_carried_over(
    model: FraudModel, transactions: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    """Leading zeros, commas and quotes, and integers that a double does not hold; neither scores nor other columns change."""
    monkeypatch.setattr(scoring, "BATCH_ROWS", batch_rows)
    pq.write_table(transactions, tmp_path / "bare.parquet")
    score_file(model, tmp_path / "bare.parquet", tmp_path / "bare.scores.parquet")
    bare = pq.read_table(tmp_path / "bare.scores.parquet")
    numbers = pa.array([2**62 + 3 * place for place in range(ROWS)])
    texts = pa.array([f"{place:06d}" if place else '0"1, a' for place in range(ROWS)])
    for name, values in {"ticket": numbers, "ticket, no.": texts, "Class": transactions["Class"].combine_chunks()}.items():
        table = transactions.drop_columns([name]) if name == "Class" else transactions
        table = table.append_column(name, values)
        pq.write_table(table, tmp_path / "in.parquet")
        pacsv.write_csv(table, tmp_path / "in.csv")
        for suffix in ("parquet", "csv"):
            score_file(model, tmp_path / f"in.{suffix}", tmp_path / "out.parquet", name)
            scored = pq.read_table(tmp_path / "out.parquet")
            assert scored.column_names == ["row", name, *bare.column_names[1:]]
            written = values if suffix == "parquet" or values.type == pa.string() else values.cast(pa.string())
            assert scored[name].combine_chunks().equals(written)
            assert scored.drop_columns([name]).equals(bare)
        score_file(model, tmp_path / "in.csv", tmp_path / "out.csv", name)
        read = pacsv.read_csv(tmp_path / "out.csv", convert_options=pacsv.ConvertOptions(column_types={name: pa.string()}))
        assert read[name].to_pylist() == values.cast(pa.string()).to_pylist()


def test_an_id_that_is_not_a_rows_own_is_counted(model: FraudModel, transactions: pa.Table, tmp_path: Path) -> None:
    ids = pa.array(["a", "b", None, "a", "c", "", "b", "b"] + [str(place) for place in range(8, 20)])
    pacsv.write_csv(transactions.slice(0, 20).append_column("ticket", ids), tmp_path / "in.csv")
    assert score_file(model, tmp_path / "in.csv", tmp_path / "out.csv", "ticket").ambiguous_ids == 7
    assert score_file(model, tmp_path / "in.csv", tmp_path / "out.csv").ambiguous_ids is None


def test_a_declared_column_is_carried_over(model: FraudModel, transactions: pa.Table, tmp_path: Path) -> None:
    table = transactions.slice(0, 5).append_column("ticket", pa.array([9, 8, 7, 6, 5])).append_column("other", pa.array([1] * 5))
    pq.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "in.parquet.source.yaml").write_text("id_column: ticket\n")
    assert score_file(model, tmp_path / "in.parquet", tmp_path / "out.parquet").ambiguous_ids == 0
    assert pq.read_table(tmp_path / "out.parquet")["ticket"].to_pylist() == [9, 8, 7, 6, 5]
    score_file(model, tmp_path / "in.parquet", tmp_path / "out.parquet", "other")
    assert pq.read_table(tmp_path / "out.parquet").column_names[:3] == ["row", "other", "score"]


def test_a_column_that_cannot_be_carried_over(model: FraudModel, transactions: pa.Table, tmp_path: Path) -> None:
    table = transactions.slice(0, 3).append_column("ticket", pa.array(["secret-1", "secret-2", "secret-3"]))
    table = table.append_column("lists", pa.array([["secret-4"]] * 3)).append_column("bytes", pa.array([b"\xff"] * 3))
    pq.write_table(table.append_column("score", pa.array([1, 2, 3])), tmp_path / "in.parquet")
    for name, error, message in (
        ("absent", DataError, "lacks the column 'absent'"),
        ("score", UsageError, "The scores have a column 'score' of their own"),
        ("lists", DataError, "has list<.*> in column 'lists', which a file of scores cannot hold"),
        ("bytes", DataError, "bytes in column 'bytes' that are no UTF-8 text"),
    ):
        with pytest.raises(error, match=message) as caught:
            score_file(model, tmp_path / "in.parquet", tmp_path / "out.csv", name)
        assert "secret" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_batches_make_no_difference(model: FraudModel, csv_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_file(model, csv_file, tmp_path / "whole.csv")
    monkeypatch.setattr(scoring, "BATCH_ROWS", 700)
    score_file(model, csv_file, tmp_path / "batches.csv")
    assert (tmp_path / "batches.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_one_row_can_be_scored(model: FraudModel, transactions: pa.Table, tmp_path: Path) -> None:
    pq.write_table(transactions.slice(0, 1), tmp_path / "one.parquet")
    assert score_file(model, tmp_path / "one.parquet", tmp_path / "scores.csv").rows == 1
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("cell", ["", "abc", "-1", "inf"])
def test_a_bad_cell_leaves_an_older_output_as_it_was(model: FraudModel, csv_file: Path, tmp_path: Path, cell: str) -> None:
    lines = csv_file.read_text().splitlines()
    cells = lines[40].split(",")
    lines[40] = ",".join([*cells[:29], cell, *cells[30:]])
    csv_file.write_text("\n".join(lines) + "\n")
    output = tmp_path / "scores.csv"
    output.write_text("older")
    with pytest.raises(DataError, match=r"Amount.*\b39\b|\b39\b.*Amount"):
        score_file(model, csv_file, output)
    assert output.read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"transactions.csv", "scores.csv"}


def test_a_failure_in_the_middle_leaves_nothing(
    model: FraudModel, csv_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 1_000)
    whole, calls = FraudModel.score, []

    def interrupted(self: FraudModel, rows: pa.Table) -> object:
        calls.append(rows.num_rows)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, rows)

    monkeypatch.setattr(FraudModel, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score_file(model, csv_file, tmp_path / "scores.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"transactions.csv"}


def test_outputs_that_cannot_be_are_refused_before_any_work(model: FraudModel, csv_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match=r"'\.xlsx'.*\.csv, \.csv\.gz, \.parquet"):
        score_file(model, csv_file, tmp_path / "scores.xlsx")
    with pytest.raises(UsageError, match="both input and output"):
        score_file(model, csv_file, tmp_path / "." / "transactions.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        score_file(model, csv_file, tmp_path / "folder.csv")
    with pytest.raises(UsageError, match="does not exist"):
        score_file(model, tmp_path / "absent.csv", tmp_path / "scores.csv")
    with pytest.raises(UsageError, match=r"There is no folder '.*new folder' for the scores\. Create it"):
        score_file(model, csv_file, tmp_path / "new folder" / "scores.csv")
    assert not (tmp_path / "new folder").exists()
    with pytest.raises(UsageError, match="is a file, not a folder for the scores"):
        score_file(model, csv_file, csv_file / "scores.csv")


def test_another_family_is_scored_by_its_own_schema_features_and_outputs(tmp_path: Path) -> None:
    model = churn.load(churn.seal_bundle(tmp_path / "bundle"))
    pacsv.write_csv(churn.customers(), tmp_path / "customers.csv")
    assert score_file(model, tmp_path / "customers.csv", tmp_path / "scores.parquet") == ScoreSummary(rows=4, flagged=2)
    scored = pq.read_table(tmp_path / "scores.parquet").to_pydict()
    assert list(scored) == ["row", "score", "probability", "decision", "expected_profit", "risk_band", "reasons", "model_version"]
    assert scored["row"] == [0, 1, 2, 3]
    assert scored["probability"] == pytest.approx([0.53, 0.60, 0.30, 0.25])
    assert scored["decision"] == ["offer", "offer", "none", "none"]
    assert scored["reasons"] == ["age; Germany", "age", "", ""]
    assert set(scored["model_version"]) == {model.version}


def test_another_familys_bad_cell_is_named(tmp_path: Path) -> None:
    model = churn.load(churn.seal_bundle(tmp_path / "bundle"))
    table = churn.customers()
    place = table.column_names.index("Geography")
    pacsv.write_csv(
        table.set_column(place, "Geography", pa.array(["France", "Spain", "Atlantis", "Spain"])), tmp_path / "bad.csv"
    )
    with pytest.raises(DataError, match=r"'Geography' .*\(rows 2\)"):
        score_file(model, tmp_path / "bad.csv", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


def test_rows_in_memory_get_the_scores_of_a_file(
    model: FraudModel, transactions: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``pandas.read_csv`` reads them (int64 among the numbers), in another column order, with an index of their own."""
    monkeypatch.setattr(scoring, "BATCH_ROWS", 700)
    table = transactions.append_column("ticket", pa.array([f"{place:06d}" for place in range(ROWS)]))
    pq.write_table(table, tmp_path / "in.parquet")
    score_file(model, tmp_path / "in.parquet", tmp_path / "out.parquet", "ticket")
    expected = pq.read_table(tmp_path / "out.parquet")
    assert score(model, table, id_column="ticket").equals(expected)
    assert score(model, str(tmp_path / "in.parquet"), id_column="ticket").equals(expected)
    frame = table.to_pandas()[table.column_names[::-1]].set_axis(range(7, 7 + 3 * ROWS, 3))
    scored = score(model, frame, id_column="ticket")
    assert scored.index.equals(frame.index)
    assert scored["row"].tolist() == list(range(ROWS))
    assert pa.Table.from_pandas(scored, preserve_index=False).equals(expected.replace_schema_metadata(None))
    assert model.answer(frame, reasons=3).equals(expected.select(list(FRAUD_FAMILY.outputs)))
    assert set(model.answer(frame)["reasons"].to_pylist()) == {""}
    assert set(score(model, frame, reasons=0)["reasons"]) == {""}


def test_whole_numbers_of_pandas_are_read_as_what_they_are(churn_bundle: Bundle, simulated_customers: Path) -> None:
    model = load_churn(churn_bundle)
    table = pq.read_table(simulated_customers).slice(0, 150)
    frame = table.to_pandas()
    floats = frame.astype(
        {"Age": "float64", "HasCrCard": "Int64", "Tenure": "object", "Geography": "category", "Balance": "object"}
    )
    expected = model.answer(table)
    assert model.answer(frame).equals(expected)
    assert model.answer(floats.drop(columns=["RowNumber", "CustomerId", "Surname", "Exited"])).equals(expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"Amount": -0.01}, DataError, r"Column 'Amount' has 1 cell .*out of range \(rows 3\)"),
        ({"Amount": float("inf")}, DataError, "infinite number in column Amount"),
        ({"V7": float("nan")}, DataError, r"Column 'V7' has 1 cell that is empty.*\(rows 3\)"),
        ({"Time": -1.0}, DataError, r"Column 'Time' has 1 cell .*out of range \(rows 3\)"),
        ({"V7": "12,5"}, DataError, "values of different kinds in column V7"),
        ({"Amount": [1.0]}, DataError, "values of different kinds in column Amount"),
    ],
)
def test_what_cannot_be_scored_in_memory_is_named(
    model: FraudModel, transactions: pa.Table, change: dict[str, object], error: type[Exception], message: str
) -> None:
    frame = transactions.slice(0, 9).to_pandas()
    ((name, value),) = change.items()
    frame[name] = frame[name].astype("object")
    frame.at[3, name] = value
    with pytest.raises(error, match=message):
        score(model, frame)
    with pytest.raises(error, match=message):
        model.answer(frame)


def test_tables_that_are_none_of_the_familys(model: FraudModel, transactions: pa.Table) -> None:
    frame = transactions.slice(0, 9).to_pandas()
    for rows, error, message in (
        (frame.drop(columns=["V3", "Time"]), DataError, r"lacks the column 'Time', 'V3'"),
        (frame.rename(columns={"Amount": "amount"}), DataError, r"'amount' where 'Amount' is expected: upper and lower case"),
        (pd.concat([frame, frame[["V4"]]], axis=1), DataError, r"the column 'V4' more than once"),
        (frame.iloc[:0], DataError, "has no rows"),
        (frame.to_numpy(), UsageError, "Rows cannot be read from ndarray"),
        (frame.to_dict("records"), UsageError, "Rows cannot be read from list"),
        (frame.assign(V3=pd.Series([2**70] * 9, dtype="object")), DataError, r"a number in column V3 that 64 bits do not hold"),
        (frame.assign(V3=["a"] * 9), DataError, r"has string in column V3"),
        (frame.set_axis(range(31), axis=1), DataError, "It has '0', '1'"),
    ):
        with pytest.raises(error, match=message):
            score(model, rows)
    with pytest.raises(DataError, match="lacks the column 'ticket' that is to be carried over"):
        score(model, frame, id_column="ticket")
    with pytest.raises(UsageError, match="The scores have a column 'score' of their own"):
        score(model, frame, id_column="score")
