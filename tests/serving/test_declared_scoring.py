"""Files and tables of a declared data set are scored as its owner writes them, with what a service answers to the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from fusionguard.errors import DataError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.registry.mlflow_model import _input_columns, example_rows
from fusionguard.scoring import score, score_file
from tests.foreign import write_payments, write_telco
from tests.serving import declared_model


@dataclass
class SumModel:
    """The model of the service, as batch scoring asks one."""

    bundle: Bundle

    @property
    def family(self) -> ModelFamily:
        return family_of(self.bundle)

    @property
    def version(self) -> str:
        return self.bundle.version

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        return self.answer_features(self.family.make_features(rows), reasons=reasons)

    def answer_features(self, features: pa.Table, *, reasons: int = 0) -> pa.Table:
        names = self.family.features.model_features
        answers = [declared_model.answer_of(list(row.values())) for row in features.select(names).to_pylist()]
        rows = [dict(zip(self.family.outputs, each.values, strict=True)) for each in answers]
        return pa.Table.from_pylist(rows, self.family.answer_columns)


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SumModel, Path]]:
    folder = tmp_path_factory.mktemp("scored")
    with pytest.MonkeyPatch.context() as patch:
        declared_model.install(patch)
        described = declared_model.described_as(write_payments(folder / "payments", 200))
        yield SumModel(declared_model.seal(folder / "bundle", described)), folder / "payments" / "rows.csv"
    declared_model.catalog.model_family.cache_clear()


def by_hand(row: dict[str, str]) -> float:
    amount = float(row["betrag"]) * (1 if row["currency"] == "GBP" else float(row["rate"]))
    moment = pd.to_datetime(row["booked at"], format="%d.%m.%Y %H:%M")
    attempts = float(row["attempts"])
    distance = float(row["distance km"]) if row["distance km"] else 0.0
    return (distance + attempts + amount + moment.hour + (moment.dayofweek >= 5) + amount / (attempts + 1)) / 100


def test_a_file_is_scored_with_its_own_columns_and_its_declared_id(payments: tuple[SumModel, Path], tmp_path: Path) -> None:
    model, file = payments
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    kept = rows[[name for name in reversed(rows.columns) if name not in ("chargeback", "chargeback known", "age group")]]
    kept.assign(remark="any, thing", mcc="1").to_csv(tmp_path / "new.csv", index=False)
    done = score_file(model, tmp_path / "new.csv", tmp_path / "scores.csv")
    assert (done.rows, done.ambiguous_ids, done.unseen) == (200, 0, {"mcc": 200})
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert (
        list(scores.columns[:3]) == ["row", "payment id", "score"]
        and scores["payment id"].tolist() == rows["payment id"].tolist()
    )
    assert scores["score"].tolist() == pytest.approx([by_hand(row) for row in rows.to_dict("records")], abs=1e-12)
    pd.read_csv(file, dtype={"mcc": str}).to_parquet(tmp_path / "new.parquet", index=False)
    assert score_file(model, tmp_path / "new.parquet", tmp_path / "other.csv", "card token").unseen == {}
    other = pd.read_csv(tmp_path / "other.csv")
    assert other["score"].tolist() == scores["score"].tolist() and other["card token"].tolist() == rows["card token"].tolist()
    frame = pd.read_csv(file, index_col="payment id")
    moments = pd.to_datetime(frame["booked at"], format="%d.%m.%Y %H:%M")
    for each in (frame, frame.assign(**{"booked at": moments}), frame.assign(mcc=frame["mcc"].astype(float))):
        scored = score(model, each)
        assert isinstance(scored, pd.DataFrame) and scored.index.equals(frame.index)
        assert scored["score"].tolist() == pytest.approx(scores["score"].tolist(), abs=1e-12)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("distance km", "far", "Column 'distance km' has 1 cell that is not a number (rows 3)."),
        ("attempts", "", "Column 'attempts' has 1 cell that is empty (rows 3)."),
        ("distance km", "-1", "Column 'distance km' has 1 cell that is out of the range from 0 to 20000 (rows 3)."),
        ("currency", "eur", "Column 'currency' has 1 cell that is no currency's three letters (rows 3)."),
        ("mcc", " ", "Column 'mcc' has 1 cell that is empty (rows 3)."),
        (
            "booked at",
            "31.02.2024 00:00",
            "Column 'booked at' has 1 cell that is not a time written as %d.%m.%Y %H:%M, such as",
        ),
    ],
)
def test_a_cell_that_cannot_be_scored_is_named_by_its_raw_column_and_row(
    payments: tuple[SumModel, Path], tmp_path: Path, column: str, value: str, told: str
) -> None:
    model, file = payments
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows.loc[3, column] = value
    rows.to_csv(tmp_path / "wrong.csv", index=False)
    with pytest.raises(DataError) as refused:
        score_file(model, tmp_path / "wrong.csv", tmp_path / "scores.csv")
    assert str(refused.value).startswith(told)
    with pytest.raises(DataError) as refused:
        score(model, rows)
    assert str(refused.value).startswith(told)


def test_a_table_without_a_column_says_which(payments: tuple[SumModel, Path], tmp_path: Path) -> None:
    model, file = payments
    rows = pd.read_csv(file).drop(columns="attempts")
    rows.to_csv(tmp_path / "short.csv", index=False)
    for score_it in (lambda: score(model, rows), lambda: score_file(model, tmp_path / "short.csv", tmp_path / "scores.csv")):
        with pytest.raises(DataError, match="lacks the column 'attempts'"):
            score_it()
    with pytest.raises(UsageError, match="a column 'score' of their own"):
        score(model, rows, id_column="score")


def test_what_mlflow_is_told_is_raw(payments: tuple[SumModel, Path]) -> None:
    model, _ = payments
    columns = {each["name"]: (each["type"], each["required"]) for each in _input_columns(model.family).to_dict()}
    assert columns["booked at"] == ("string", True) and columns["distance km"] == ("double", False)
    assert "card token" not in columns and "chargeback" not in columns
    assert model.answer(example_rows(model.family)).num_rows == 1


def test_marks_of_missing_numbers_in_texts_are_read(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        declared_model.install(patch)
        described = declared_model.described_as(write_telco(tmp_path / "telco", 200))
        model = SumModel(declared_model.seal(tmp_path / "bundle", described))
        rows = pd.read_csv(tmp_path / "telco" / "rows.csv")
        scored = score(model, tmp_path / "telco" / "rows.csv").to_pandas()  # type: ignore[union-attr]
        calls = rows["Calls to support"].where(rows["Calls to support"] != -1)
        months = rows["Months as customer"]
        expected = (months + rows["Monthly Charges"] + calls.fillna(0) + (calls / (months + 1)).fillna(0)) / 100
        assert scored["score"].tolist() == pytest.approx(expected.tolist(), abs=1e-12)
        assert scored["Customer ID"].tolist() == rows["Customer ID"].tolist()
    declared_model.catalog.model_family.cache_clear()


def test_windows_text_is_scored_as_it_is_declared(tmp_path: Path) -> None:
    file = write_telco(tmp_path / "telco", 40)
    file.write_text(file.read_text() + "csv: {encoding: windows-1252}\n")
    rows = tmp_path / "telco" / "rows.csv"
    with pytest.MonkeyPatch.context() as patch:
        declared_model.install(patch)
        model = SumModel(declared_model.seal(tmp_path / "bundle", declared_model.described_as(file)))
        named = rows.read_text().replace("0039-8841", "Müller €")
        assert "Müller" in named
        rows.write_text(named, encoding="cp1252")
        scored = score(model, rows).to_pandas()  # type: ignore[union-attr]
        assert scored["Customer ID"].tolist().count("Müller €") == 1
        rows.write_text(named, encoding="utf-8")
        with pytest.raises(DataError, match=r"rows\.csv is UTF-8 text, and the declaration says windows-1252"):
            score(model, rows)
    declared_model.catalog.model_family.cache_clear()
