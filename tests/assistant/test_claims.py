"""A sentence stands in its source, or it does not: an adversary's sentences do not."""

from __future__ import annotations

import pytest

from fusionguard.assistant.claims import fault_of, read_claim
from fusionguard.assistant.passages import Passage

TUNING = Passage(
    id="docs/tuning",
    kind="document",
    file="docs/tuning.md",
    heading="Architecture > What tuning brings",
    text=(
        "On the real sample (14,271 rows, seed 7, two cores) 14 trials took 19 s and raised the mean average precision over the"
        " tuning folds from 0.756 to 0.767. That value is optimistic: it is the best of 14 on the same three folds, which are"
        " judged on 77 frauds in all. The gate kept the untuned champion. Tuning is never run without `--set tuning.trials=N`."
    ),
    source="commit 0",
)
SERVICE = Passage(
    id="docs/service",
    kind="document",
    file="docs/service.md",
    heading="The service",
    text="The service answers loopback alone without keys.\n\n"
    "| metric | fraud | churn |\n|---|---:|---:|\n| precision | 0.81 | 0.64 |\n",
    source="commit 0",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "14 trials raised the mean average precision from 0.756 to 0.767.",
        "The value is optimistic, as it is the best of 14 on the same three folds.",
        "Fourteen trials took 19 s on the real sample.",
        "The gate kept the untuned champion.",
        "Tuning is never run without `--set tuning.trials=N`.",
    ],
)
def test_what_stands_there_passes(sentence: str) -> None:
    assert fault_of(sentence, [TUNING]) == ""


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("14 trials raised the mean average precision from 0.756 to 0.768.", "number"),
        ("14 trials raised the mean average precision from 0.767 to 0.756.", "number"),
        ("14 trials raised the mean average precision by 0.756 %.", "number"),
        ("Fifteen trials took 19 s.", "number"),
        ("The folds are judged on seventy frauds.", "number"),
        ("14 trials lowered the mean average precision from 0.756 to 0.767.", "meaning"),
        ("14 trials took 19 minutes.", "meaning"),
        ("The gate never kept the untuned champion.", "meaning"),
        ("Tuning is run without `--set tuning.trials=N`.", "meaning"),
        ("The value is not optimistic.", "meaning"),
        ("The gate kept the untuned champion because auditors asked for it last spring.", "words"),
        ("Bananas are yellow and grow in warm countries.", "citation"),
        ("Tuning is never run without `--set tuning.secret=N`.", "code"),
        ("The gate kept the untuned/champion.", "code"),
        ("The gate kept the", "unfinished"),
        ("Of the.", "citation"),
    ],
)
def test_what_does_not_is_found_out(sentence: str, fault: str) -> None:
    found = fault_of(sentence, [TUNING])
    assert found == fault or (fault == "meaning" and found == "words")


def test_a_citation_that_has_nothing_to_do_with_it_is_a_fault() -> None:
    assert fault_of("The gate kept the untuned champion.", [SERVICE]) == "citation"
    assert fault_of("The gate kept the untuned champion.", [TUNING, SERVICE]) == "citation"
    assert fault_of("The gate kept the untuned champion.", []) == "citation"


def test_rows_of_tables_are_sources_too() -> None:
    assert fault_of("The precision of fraud is 0.81.", [SERVICE]) == ""
    assert fault_of("The precision of fraud is 0.64 and of churn 0.81.", [SERVICE]) == "number"


def test_citations_are_read_and_taken_out() -> None:
    assert read_claim("It is so [1][3], and [2, 3] so.") == ("It is so, and so.", (1, 3, 2))
