"""What recognised faults of the data lead to: a cause, an advice, and that no model learns from them."""

from __future__ import annotations

import pytest

from fusionguard.monitoring.fault_ruling import fault_advice, fault_cause, untrainable
from fusionguard.monitoring.findings import Finding
from tests.monitoring.verdicts import MOVED, finding

BURST, HOURS = finding("burst", "rows"), finding("absent_hours", "rows")
SPIKE, ASKED = finding("spike", "V3"), finding("displaced", "V5", certain=False)
BURST_RULING = (
    ("burst", "many rows that are nearly the same came within an hour: a repeated batch, a test, or an attack"),
    (
        "look at the burst",
        "find out who sent these rows and why, and leave them out until that is known: they would outweigh all others",
    ),
)
HOURS_RULING = (
    (
        "missing hours",
        "rows of some hours of the day have stopped coming: what is left looks like another population and need not be one",
    ),
    (
        "find the missing hours",
        "ask whether rows of these hours exist and where they were lost, and read the window again when they are there",
    ),
)
CORRECT = ("fix data", "correct the source of these values; until then take the scores of such rows with care")
ASK = (
    "ask the data's owner",
    "ask whether these values are meant before anything else is done: a real change could look the same",
)


def certainly(names: str) -> tuple[str, str]:
    return "upstream data", f"values of {names} have changed as only a fault of the data before the model changes them"


def perhaps(names: str) -> tuple[str, str]:
    have, it = ("have", "them") if ", " in names else ("has", "it")
    return "upstream data", f"{names} {have} changed alone, as a fault of the data before the model would change {it}"


@pytest.mark.parametrize(
    ("findings", "cause", "advice"),
    [
        ([], None, None),
        ([MOVED], None, None),
        ([MOVED, BURST], *BURST_RULING),
        ([HOURS, MOVED], *HOURS_RULING),
        ([finding("absent_hours", "rows", "watch"), BURST], *BURST_RULING),
        ([finding("burst", "rows", "watch"), HOURS], *HOURS_RULING),
        ([BURST, HOURS], *BURST_RULING),
        ([BURST, SPIKE], certainly("V3"), CORRECT),
        ([ASKED], perhaps("V5"), ASK),
        ([ASKED, SPIKE], perhaps("V5, V3"), CORRECT),
        ([finding("spike", "V9", "watch"), SPIKE, finding("rounding", "V3")], certainly("V3, V9"), CORRECT),
        ([finding("spike", f"V{n}") for n in (8, 6, 4, 2, 1, 3)], certainly("V8, V6, V4, V2, V1"), CORRECT),
    ],
)
def test_faults_lead_to_a_cause_and_an_advice(
    findings: list[Finding], cause: tuple[str, str] | None, advice: tuple[str, str] | None
) -> None:
    assert fault_cause(findings) == cause
    assert fault_advice(findings) == advice


def test_no_model_learns_from_rows_with_a_finding() -> None:
    assert untrainable([]) is None
    assert untrainable([MOVED]) is None
    window = "choose a window without them (window.since, window.until)"
    assert untrainable([MOVED, finding("swap", "V1 and V2", "watch"), BURST]) == (
        f"a model would learn the fault of these rows: rows burst; V1 and V2 swap; {window}"
    )
    assert untrainable([SPIKE, ASKED, BURST, HOURS]) == (
        f"a model would learn the fault of these rows: V3 spike; V5 displaced; rows burst; {window}"
    )
