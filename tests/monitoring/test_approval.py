"""A change that the data's owner approves is another population: what the refusal says to set works when it is set."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.config import load_config
from fusionguard.errors import UsageError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.readings import metric_digits
from fusionguard.monitoring.approval import ApprovedChange, approve, not_found
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.fault_ruling import untrainable
from fusionguard.monitoring.history import record_verdict
from fusionguard.monitoring.page import verdict_page
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.verdict import decide
from tests.monitoring.test_page import CLASSIFIER, FACTS
from tests.monitoring.verdicts import DAY, drift_of, finding, outcomes_of
from tests.monitoring.windows import DAY_MICROS, START_MICROS, churn_window

AGE = ApprovedChange(kind="displaced", column="Age", by="core banking")


@pytest.fixture(scope="module")
def older(churn_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> DriftReport:
    """Ages are told 6 years higher since the third day."""
    rows = churn_window(2_500, 48)
    micros = rows["time"].cast(pa.int64()).to_numpy()
    age = rows["Age"].to_numpy() + np.where(micros >= START_MICROS + 2.4 * DAY_MICROS, 6, 0)
    rows = rows.set_column(rows.column_names.index("Age"), "Age", pa.array(age).cast(rows["Age"].type))
    return read_drift(read_sketch(rows, churn_reference, scratch=tmp_path_factory.mktemp("scratch")), churn_reference)


def test_what_the_refusal_says_to_set_lets_the_window_be_trained_on(older: DriftReport) -> None:
    asked = decide(older)
    assert (asked.state, asked.cause, asked.action) == ("act", "upstream data", "ask the data's owner")
    refusal = untrainable(asked.findings)
    assert refusal is not None
    (setting,) = re.findall(r"approved=\[.*\]$", refusal)
    config = load_config(MonitoringConfig, assignments=["model=churn", setting])
    assert [(each.kind, each.column) for each in config.approved][:1] == [("displaced", "Age")]
    verdict = decide(older.approving(config.approved))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "population", "retrain")
    assert untrainable(verdict.findings) is None
    assert verdict.approved[0] == "displaced of Age (the data's owner)"
    assert verdict.remarks == asked.remarks, "every approval was found"


def test_the_advice_to_ask_the_owner_says_what_to_set(older: DriftReport) -> None:
    assert any("judge the window again with approved=[{kind: displaced, column: Age}]" in each for each in decide(older).reasons)


def test_page_history_and_sentence_say_who_approved_what() -> None:
    drift = drift_of(finding("displaced", "Age"), finding("missing", "Age", "watch")).approving([AGE])
    verdict = decide(drift)
    assert verdict.approved == ("displaced of Age (core banking)",)
    page = verdict_page(verdict, FACTS, drift, CLASSIFIER, outcomes_of(), None, MonitoringThresholds(), [], {}, metric_digits)
    assert "| approved | displaced of Age (core banking) |" in page
    assert "Age displaced; approved by core banking" in page
    record = record_verdict(verdict, FACTS, drift, outcomes_of(), run="r", at=DAY)
    assert record.approved == ("displaced of Age (core banking)",)
    assert "Age missing" in (untrainable(verdict.findings) or ""), "another kind in the same column was not approved"
    drift = drift_of()
    assert decide(drift).approved == ()
    page = verdict_page(
        decide(drift), FACTS, drift, CLASSIFIER, outcomes_of(), None, MonitoringThresholds(), [], {}, metric_digits
    )
    assert "| approved |" not in page


def test_an_approval_covers_its_kind_and_column_also_in_segments() -> None:
    swap = ApprovedChange(kind="swap", column="V9 and V2")
    found = [finding("swap", "V2 and V9", segment="day: 1"), finding("swap", "V2 and V8"), finding("rounding", "V2 and V9")]
    assert [each.approved for each in approve(found, [swap])] == ["the data's owner", None, None]


def test_an_approval_that_nothing_was_found_for_is_remarked() -> None:
    words = "approved, and not found: displaced of Age; leave the approval out, or it hides the next such change"
    assert not_found([AGE], [finding("displaced", "Age", "none")]) == (words,)
    assert not_found([AGE], [finding("displaced", "Age", "watch")]) == ()
    assert drift_of(remarks=("quiet",)).approving([AGE]).remarks == ("quiet", words)
    assert drift_of().approving([ApprovedChange(kind="miscoded", column="Gender")]).remarks == (), "outcomes tell of codes"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("approved=[{kind: displaced, column: Agee}]", "approved names 'Agee'; of displaced it may name: CreditScore, Age"),
        ("approved=[{kind: swap, column: Age and V3}]", "approved names 'V3'"),
        ("approved=[{kind: absent_hours, column: Age}]", "of absent_hours it may name: rows"),
        ("approved=[{kind: spike, column: rows}]", "approved names 'rows'"),
        ("approved=[{kind: burst, column: rows}]", "Bad value for 'approved.0.kind'"),
        ("approved=[{column: Age}]", "Bad value for 'approved.0.kind'"),
        ("approved=[Age]", "Bad value for 'approved.0'"),
    ],
)
def test_an_approval_of_nothing_that_exists_is_refused(setting: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(MonitoringConfig, assignments=["model=churn", setting]).check_columns(CHURN_FAMILY.features)
    assert words in str(caught.value)


def test_hours_that_are_absent_on_purpose_can_be_approved() -> None:
    config = load_config(MonitoringConfig, assignments=["approved=[{kind: absent_hours, column: rows, by: the night desk}]"])
    assert config.approved == (ApprovedChange(kind="absent_hours", column="rows", by="the night desk"),)
