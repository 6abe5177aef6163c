"""What the tests' scheduler names is there: after a file has moved, nothing long begins last unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scheduling import ALONE, FRAUD_RUN, LONGEST, SHORT

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", [*ALONE, *FRAUD_RUN, *LONGEST])
def test_what_is_named_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    if name in {"fraud run", *SHORT.values()}:
        return
    assert (ROOT / file).exists()
    assert not test or f"def {test.partition('[')[0]}(" in (ROOT / file).read_text()
