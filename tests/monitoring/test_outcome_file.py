"""Outcomes come in the words of the data set's own table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from fusionguard.cli.outcomes import outcomes
from fusionguard.datasets.declaration import Csv
from fusionguard.errors import DataError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.family import ModelFamily
from fusionguard.monitoring import champion
from fusionguard.monitoring.outcome_file import read_outcome_file
from fusionguard.serving.prediction_log.labels import read_labels
from tests.foreign import write_telco
from tests.monitoring.declared import declared_family

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> ModelFamily:
    folder = tmp_path_factory.mktemp("telco")
    return declared_family(write_telco(folder / "given", 400), folder / "made")[0]


def written(folder: Path, text: str) -> Path:
    file = folder / "outcomes.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_yes_and_no_are_what_the_declaration_says(telco: ModelFamily, tmp_path: Path) -> None:
    text = "request_id,row,Left,observed_at\na-1,0,yes,2026-03-01T08:00:00Z\na-1,7,no,\nb-2,,yes,\nb-3,0,,\n"
    read = read_outcome_file(written(tmp_path, text), telco, now=NOW)
    assert [(each.request_id, each.row, each.label) for each in read.labels] == [("a-1", 0, 1), ("a-1", 7, 0), ("b-2", 0, 1)]
    assert read.labels[0].observed_at_micros == round(datetime(2026, 3, 1, 8, tzinfo=UTC).timestamp() * 1e6)
    assert read.labels[1].observed_at_micros == round(NOW.timestamp() * 1e6)
    assert read.unknown == 1


def test_a_file_is_read_as_the_data_set_is_written(telco: ModelFamily, tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_bytes("request_id,Left,note\na-1,yes,M\u00fcller\n".encode("windows-1252"))
    with pytest.raises(DataError, match="in UTF-8"):
        read_outcome_file(file, telco, now=NOW)
    assert telco.declared is not None
    declaration = telco.declared.declaration.model_copy(update={"csv": Csv(encoding="windows-1252")})
    other = replace(telco, described=telco.declared.model_copy(update={"declaration": declaration}))
    assert [each.label for each in read_outcome_file(file, other, now=NOW).labels] == [1]


def test_rows_of_a_data_set_that_ships_are_told_as_ones_and_zeros(tmp_path: Path) -> None:
    read = read_outcome_file(written(tmp_path, "request_id,label\na,1\nb,0.0\n"), CHURN_FAMILY, now=NOW)
    assert [(each.request_id, each.label) for each in read.labels] == [("a", 1), ("b", 0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "request_id,label\na,maybe\nb,2\n",
            "row 1: 'label' must be one of 0, 1, no, yes; row 2: 'label' must be one of 0, 1, no, yes.",
        ),
        ("request_id,label\na b,yes\n", "row 1: request_id must be 1 to 64 letters"),
        ("request_id,row,label\na,-1,yes\n", "row 1: row must be a whole number from 0 to 99999"),
        ("request_id,label,observed_at\na,yes,2026-03-01\n", "row 1: observed_at must be a time with a zone"),
        ("id,label\na,yes\n", "lacks the columns request_id"),
        ("request_id,churned\na,yes\n", "lacks the columns label"),
    ],
)
def test_what_means_nothing_is_refused_whole(telco: ModelFamily, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_outcome_file(written(tmp_path, text), telco, now=NOW)
    assert words in str(caught.value)


def test_the_command_stores_them_once(
    telco: ModelFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(champion, "find_champion", lambda home, model: SimpleNamespace(family=telco))
    file = written(tmp_path, "request_id,row,Left\na-1,0,yes\na-1,1,no\na-2,0,\n")
    outcomes(file, "telco", tmp_path / "log")
    outcomes(file, "telco", tmp_path / "log")
    told = capsys.readouterr()
    assert "Stored 2 outcomes of telco, 0 were known already; 1 rows have none yet." in told.err + told.out
    assert "Stored 0 outcomes of telco, 2 were known already" in told.err + told.out
    assert told.err.count("2 are of rows that this log does not hold: check request_id and row") == 2
    stored = read_labels(tmp_path / "log", telco, pa.array(["a-1", "a-2"])).to_pylist()
    assert [(each["request_id"], each["row"], each["label"]) for each in stored] == [("a-1", 0, 1), ("a-1", 1, 0)]
