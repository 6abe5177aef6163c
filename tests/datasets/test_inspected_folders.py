"""A folder of files that are one table: the draft names them so that they are read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table
from fusionguard.datasets.reading import read_declaration

_NAMES = {
    "payments/*.csv": ["2024-01.csv", "2024-02.csv", "notes.txt"],
    "payments/*.parquet": ["2024-01.parquet", "2024-02.parquet"],
    "payments/*.csv*": ["2024-01.csv.gz", "2024-02.csv"],
    "payments/*.CSV": ["2024-01.CSV", "2024-02.CSV", "read me.csvs"],
    "payments": ["part-00000.csv", "part-00001.csv"],
}


@pytest.mark.parametrize("rows", _NAMES)
def test_the_draft_of_a_folder_is_read(rows: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": [(row * 7) % 31 / 2 for row in range(300)], "fraud": [row % 5 // 4 for row in range(300)]})
    folder = tmp_path / "payments"
    folder.mkdir()
    for name, part in zip(_NAMES[rows], (frame[:113], frame[113:], None), strict=False):
        if part is None:
            (folder / name).write_text("no rows")
        elif name.endswith(".parquet"):
            part.to_parquet(folder / name, index=False)
        else:
            part.to_csv(folder / name, index=False)
    draft = tmp_path / "payments.yaml"
    draft.write_text(draft_declaration(inspect_table([folder], problems())))
    declared = read_declaration(draft, ["fraud"])
    assert declared.declaration.rows == rows
    source = declared_source(declared, "auto")
    read = read_declared(declared, source.matches or source.file, tmp_path / "read.parquet")
    assert read.read()["size"].to_pylist() == frame["size"].tolist()


def test_several_files_are_left_to_be_named(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("size,fraud\n" + "".join(f"{row % 7},{row % 2}\n" for row in range(50)))
    found = inspect_table([tmp_path / "a.csv", tmp_path / "b.csv"], problems())
    assert found.rows is None and "# rows: several files" in draft_declaration(found)
