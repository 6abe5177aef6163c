"""What ``run.py`` says of a table that is not what its declaration says."""

from __future__ import annotations

from pathlib import Path

import pytest

import run
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.reading import FILE_NAME


def test_a_contradiction_is_told_with_the_file_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error, file = ContradictionError(FILE_NAME, [Fault(30, "label is odd"), Fault(7, "id is even")]), tmp_path / "cards.yaml"
    file.touch()
    for given, said in ((str(file), "cards.yaml"), ("creditcard", FILE_NAME), (None, FILE_NAME)):
        assert run._refuse(error, given) == error.exit_status
        assert capsys.readouterr().err == f"{said}, line 7: id is even\n{said}, line 30: label is odd\n"
