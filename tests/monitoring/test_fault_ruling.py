"""What recognised faults of the data lead to: a cause, an advice, and that no model learns from them."""

from __future__ import annotations

import pytest

from fusionguard.families.catalog import family_names, model_family
from fusionguard.monitoring.fault_ruling import broken_columns, fault_advice, fault_cause, untrainable
from fusionguard.monitoring.findings import UPSTREAM, Finding, Kind, Level
from tests.monitoring.verdicts import CALIBRATION, GONE, MOVED, WORSE, finding

MADE_OF = {name: of for model in family_names() for name, of in model_family(model).features.made_of.items()}
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
    "ask whether these values are meant before anything else is done: a real change could look the same; "
    "if they are, judge the window again with approved=[{kind: displaced, column: V5}]",
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
        ([ASKED, finding("spike", "V3", "watch")], perhaps("V5"), ASK),
        ([finding("spike", "V9", "watch"), SPIKE, finding("rounding", "V3")], certainly("V3"), CORRECT),
        ([finding("spike", "V9", "watch"), BURST], *BURST_RULING),
        ([finding("spike", f"V{n}") for n in (8, 6, 4, 2, 1, 3)], certainly("V8, V6, V4, V2, V1"), CORRECT),
    ],
)
def test_faults_lead_to_a_cause_and_an_advice(
    findings: list[Finding], cause: tuple[str, str] | None, advice: tuple[str, str] | None
) -> None:
    assert fault_cause(findings, MADE_OF) == cause
    assert fault_advice(findings, MADE_OF) == advice


WATCHED = finding("spike", "V3", "watch")
RULED = (certainly("V3"), CORRECT)
NOTHING = (None, None)


@pytest.mark.parametrize(
    ("findings", "ruling"),
    [
        ([WATCHED, finding("psi", "V1", "watch"), finding("metric", "roc_auc", "watch")], RULED),
        ([WATCHED, WORSE], NOTHING),
        ([WATCHED, CALIBRATION], NOTHING),
        ([WATCHED, MOVED], NOTHING),
        ([WATCHED, finding("classifier", "all columns")], NOTHING),
        ([WATCHED, GONE.model_copy(update={"subject": "V4"})], NOTHING),
        ([WATCHED, finding("psi", "V3")], RULED),
        ([WATCHED, finding("alert_rate", "decision"), finding("psi", "probability")], RULED),
        ([WATCHED, finding("psi", "V3"), WORSE], NOTHING),
        ([finding("swap", "V1 and V3", "watch"), finding("ks", "V3")], (certainly("V1 and V3"), CORRECT)),
        ([finding("spike", "card type", "watch"), finding("psi", "card type")], (certainly("card type"), CORRECT)),
        ([finding("rounding", "Amount", "watch"), finding("psi", "amount_fraction_cents")], (certainly("Amount"), CORRECT)),
        ([finding("rounding", "Amount", "watch"), finding("psi", "balance_to_salary")], NOTHING),
        ([finding("burst", "rows", "watch"), MOVED], BURST_RULING),
        ([finding("burst", "rows", "watch"), MOVED, WORSE], NOTHING),
        ([SPIKE, WORSE], RULED),
    ],
)
def test_what_is_graver_outranks_a_fault_unless_it_follows_from_it(
    findings: list[Finding], ruling: tuple[object, object]
) -> None:
    assert (fault_cause(findings, MADE_OF), fault_advice(findings, MADE_OF)) == ruling


@pytest.mark.parametrize(
    ("effect", "graver", "told"),
    [
        (0.031, finding("psi", "probability", effect=0.41), "3.1% of the rows"),
        (0.031, finding("ks", "probability", effect=0.3), "3.1% of the rows"),
        (0.031, finding("alert_rate", "decision", effect=9.0, low=0.05, high=0.09), "3.1% of the rows"),
        (0.031, finding("alert_rate", "decision", effect=9.0, low=0.02, high=0.04), ""),
        (0.031, finding("tail", "probability", effect=5.0), ""),
        (0.031, finding("psi", "probability", effect=0.41, segment="night"), ""),
        (0.33, finding("psi", "probability", effect=0.41), ""),
        (0.33, finding("ks", "probability", effect=0.3), ""),
    ],
)
def test_what_a_few_faulty_rows_cannot_explain_is_advised_upon_beside_them(effect: float, graver: Finding, told: str) -> None:
    fault = finding("spike", "V3", "watch", effect=effect)
    advice = fault_advice([graver, fault], MADE_OF)
    assert advice is not None and advice[0] == "fix data" and advice[1].startswith(CORRECT[1])
    if told:
        rest = f". That is {told} and too few to explain the rest, so find out what has changed there, too: {graver.sentence}"
        assert advice[1] == CORRECT[1] + rest
    else:
        assert advice == CORRECT
    also = finding("psi", "V3", effect=0.6)
    assert (also.sentence in fault_advice([graver, also, fault], MADE_OF)[1]) is (effect < 0.1)  # type: ignore[index]


@pytest.mark.parametrize("model", family_names())
def test_the_columns_that_features_are_made_of_are_known(model: str) -> None:
    family = model_family(model)
    computed = {name for name in family.features.model_features if name not in family.schema.columns}
    assert set(family.features.made_of) == computed - {family.features.hour_column}, "hours are of whole rows"
    assert {column for columns in family.features.made_of.values() for column in columns} <= set(family.schema.columns)


WINDOW = "choose a window without them (window.since, window.until)"
APPROVE = f"{WINDOW}, or approve what the data's owner says is meant, of approved="


def test_no_model_learns_from_rows_with_broken_data_grave_or_not() -> None:
    assert untrainable([]) is None
    assert untrainable([MOVED, WORSE, finding("out_of_range", "V2", "watch")]) is None
    assert untrainable([MOVED, finding("swap", "V1 and V2", "watch"), BURST]) == (
        f"a model would learn what is broken in these rows: rows burst; V1 and V2 swap; {APPROVE}"
        "[{kind: swap, column: V1 and V2}]"
    )
    assert untrainable([SPIKE, ASKED, BURST, HOURS]) == (
        f"a model would learn what is broken in these rows: V3 spike; V5 displaced; rows burst; {APPROVE}"
        "[{kind: spike, column: V3}, {kind: displaced, column: V5}, {kind: absent_hours, column: rows}]"
    )
    assert untrainable([BURST]) == f"a model would learn what is broken in these rows: rows burst; {WINDOW}"


@pytest.mark.parametrize("level", ["watch", "act"])
@pytest.mark.parametrize("kind", sorted(UPSTREAM - {"out_of_range"}))
def test_all_that_is_called_upstream_data_stops_a_training(kind: Kind, level: Level) -> None:
    why = untrainable([MOVED, finding(kind, "V3", level)]) or ""
    assert why.startswith(f"a model would learn what is broken in these rows: V3 {kind}; {WINDOW}")
    assert why.endswith(WINDOW if kind == "burst" else f"approved=[{{kind: {kind}, column: V3}}]")
    assert untrainable([MOVED, finding(kind, "V3", level, approved="the desk")]) is None


def test_many_values_out_of_range_stop_a_training_also_those_of_a_segment() -> None:
    assert untrainable([finding("out_of_range", "V2", segment="amount: 500 and more")]) == (
        f"a model would learn what is broken in these rows: V2 out_of_range (amount: 500 and more); {APPROVE}"
        "[{kind: out_of_range, column: V2}]"
    )


def test_broken_columns_are_named_once_the_gravest_first() -> None:
    assert broken_columns([MOVED]) == ""
    many = [
        finding("missing", "V9", "watch"),
        SPIKE,
        finding("missing", "V3"),
        HOURS,
        *(finding("scale", f"V{n}") for n in (6, 7, 8)),
    ]
    assert broken_columns(many) == "V3, whole rows, V6, V7, V8"
