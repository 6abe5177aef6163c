"""The benchmark on folds that wait for outcomes: it reads a declared table, and says who is the better."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import prequential
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import UsageError
from fusionguard.evaluation.prequential import AVERAGE_PRECISION, OWNER_PRECISION, PrequentialPlan
from tests.foreign import write_payments, write_telco

WINDOWS = "\nwindows:\n  card: {spans: [30d], of: [count, mean]}\n"


def test_models_are_read_on_folds_of_days_by_the_first_entity(tmp_path: Path) -> None:
    file = write_payments(tmp_path / "source", 3_000)
    file.write_text(file.read_text() + WINDOWS)
    folded = prequential.read_table(file, tmp_path / "made")
    assert "card_count_30d" in folded.rows.encoding.names
    assert folded.day.max() - folded.day.min() > 70
    plan = PrequentialPlan(learned_days=None, delay_days=14, judged_days=10, folds=1)
    found = prequential.measure(folded, read_declaration(file).declaration, plan, threads=1)
    assert set(found) == {prequential.OWN, prequential.DEFAULTS}
    for read, seconds in found.values():
        share = read[AVERAGE_PRECISION].value
        assert share is not None and 0.05 < share < 1  # at random it is the share of frauds, of 4 to 5 %
        assert (read[OWNER_PRECISION].value or 0) > 0
        assert seconds > 0
    assert found[prequential.OWN][0][AVERAGE_PRECISION] != found[prequential.DEFAULTS][0][AVERAGE_PRECISION]


def test_a_table_without_a_time_has_no_such_folds(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="declares no time or no entities"):
        prequential.read_table(write_telco(tmp_path / "source", 200), tmp_path / "made")
