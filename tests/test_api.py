"""The public functions: listed in examples/README.md as the code has them, and its snippets run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard import api
from fusionguard.models.bundle import Bundle
from tests.public_functions import PAGE, written


def test_the_page_lists_names_and_signatures_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "the public functions changed: if that is meant, run `python -m tests.public_functions`"
    assert "- `score(model: ScoringModel, rows: pd.DataFrame | pa.Table | Path | str, *, id_column" in page


def test_type_checkers_see_the_names_that_are_there() -> None:
    (block,) = [each for each in ast.parse(Path(api.__file__).read_text()).body if isinstance(each, ast.If)]
    seen = {alias.asname: each.module for each in block.body if isinstance(each, ast.ImportFrom) for alias in each.names}
    assert seen == api._MODULES
    with pytest.raises(AttributeError, match="has no attribute 'scroe'"):
        api.scroe  # noqa: B018


def test_the_snippets_about_rows_in_memory_run(
    fraud_bundle: Bundle, simulated_raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pq.read_table(simulated_raw).slice(0, 3)
    arrow_table = rows.append_column("ticket", [["a", "b", "a"]])
    pq.write_table(arrow_table, "transactions.parquet")
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {"folder": fraud_bundle.folder, "frame": rows.to_pandas().set_axis([7, 5, 9]), "arrow_table": arrow_table}
    exec(first, names)
    assert names["joined"].index.tolist() == [7, 5, 9] and names["joined"]["row"].tolist() == [0, 1, 2]
    assert ", ".join(names["scores"].columns) in first
    assert names["table"].equals(names["same"]) and names["same"]["ticket"].to_pylist() == ["a", "b", "a"]
    exec(second, names)
    said = capsys.readouterr().out
    promised = re.search(r"# (.*) Correct or", second)
    assert promised and said.startswith(promised.group(1))
