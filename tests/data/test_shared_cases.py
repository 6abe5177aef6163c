"""Files that were read wrongly once: each gives the rows of its clean original, or an error that names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionguard.data.ingest import read_raw
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.errors import DataError
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.fraud import FRAUD_FEATURES

_READ = {"fraud": FRAUD_FEATURES.model_columns, "churn": CHURN_FEATURES.model_columns}
_SCHEMAS = {"fraud": FRAUD, "churn": CHURN}


@pytest.fixture(scope="module")
def cases() -> Path:
    """The folder of such files beside the checkout."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("needs the files in ../shared/cases, which are not part of the project")
    return folder


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("C1_whole_numbers_as_floats.csv", "churn"),
        ("C2_rownumber_1e+05.csv", "churn"),
        ("D1_unused_label_NA.csv", "fraud"),
        ("D2_no_rownumber.csv", "churn"),
        ("E1_category.parquet", "churn"),
        ("E2_decimal.parquet", "churn"),
        ("H1_uppercase_member.zip", "fraud"),
        ("I1_spark_folder.parquet", "fraud"),
    ],
)
def test_read_as_the_clean_original(name: str, family: str, cases: Path, tmp_path: Path) -> None:
    schema, columns = _SCHEMAS[family], _READ[family]
    read = read_raw(cases / name, schema, tmp_path / "raw.parquet", only=columns).read()
    clean = read_raw(cases / f"{family[0]}00_ok.csv", schema, tmp_path / "clean.parquet", only=columns).read()
    assert read.num_rows == 60
    for column in columns:  # who wrote the files rounded some in the last digit
        if family == "fraud" or column in ("Balance", "EstimatedSalary"):
            assert np.allclose(read[column].to_numpy(), clean[column].to_numpy(), rtol=1e-13, atol=1e-13)
        else:
            assert read[column].equals(clean[column])


@pytest.mark.parametrize("name", ["C1_whole_numbers_as_floats.csv", "C2_rownumber_1e+05.csv", "E1_category.parquet"])
def test_read_whole_as_training_does(name: str, cases: Path, tmp_path: Path) -> None:
    assert read_raw(cases / name, CHURN, tmp_path / "raw.parquet").rows == 60


def test_a_name_of_two_lines_where_a_block_ends(cases: Path, tmp_path: Path) -> None:
    file = cases / "B1_one_multiline_name_on_16MiB_boundary.csv.gz"
    assert read_raw(file, CHURN, tmp_path / "raw.parquet").rows == 258_209


@pytest.mark.parametrize(
    ("name", "family", "words"),
    [
        ("A1_two_stray_quotes.csv", "churn", ("row 4 (line 6)", "column Surname")),
        ("F1_blank_after_Amount.csv", "fraud", ("'Amount '", "it holds a blank", "Rename it to Amount")),
        ("G1_git_lfs_pointer.csv", "fraud", ("a Git LFS pointer", "git lfs pull")),
        ("G2_workbook.xlsx", "churn", ("an Excel workbook", "Save it as CSV (UTF-8)")),
    ],
)
def test_refused_for_the_true_reason(name: str, family: str, words: tuple[str, ...], cases: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_raw(cases / name, _SCHEMAS[family], tmp_path / "raw.parquet", only=_READ[family])
    assert all(word in str(caught.value) for word in words)
    assert not any(secret in str(caught.value) for secret in ("Hara", "Lee"))
