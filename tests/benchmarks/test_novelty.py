"""The benchmark of unseen kinds of fraud: who is reviewed, what counts as found, and that nothing of the kind was seen before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.novelty.__main__ import beside, main, read
from benchmarks.novelty.measure import Judged, Plan, Source, measure
from benchmarks.novelty.published import CUSTOMER, LARGE, TERMINAL, derive_kinds
from benchmarks.novelty.reading import hits, read_signals, reviewed
from benchmarks.novelty.section import section
from benchmarks.novelty.signals import SIGNALS, tail_surprises
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import DataError, UsageError
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.card.unseen import Budget, Hit, measured, unseen_kinds
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.families.fraud.rows import Encoding, ModelRows
from tests.foreign import write_payments

JUDGED = Judged(
    unseen="new",
    owner=np.array([1, 1, 2, 3, 3, 2, 4, 5, 6]),
    day=np.array([7, 7, 7, 7, 8, 8, 8, 8, 8]),
    kind=np.array(["", "", "", "new", "", "", "new", "old", ""]),
    case=np.array(["", "", "", "new 1", "", "", "new 2", "old 1", ""]),
    trees=np.array([0.1, 0.9, 0.8, 0.2, 0.95, 0.5, 0.3, 0.4, 0.35]),
    signals={"shock": np.array([0.0, 0.0, 0.1, 0.9, 0.9, 0.2, 0.3, 0.1, 0.25])},
)


def test_a_day_reviews_its_riskiest_owners_and_then_the_most_unusual_of_the_others() -> None:
    alone = reviewed(JUDGED, Budget(reviews=2, unusual=1))
    assert alone.tolist() == [True, True, True, False, True, True, False, False, False]
    beside = reviewed(JUDGED, Budget(reviews=2, unusual=1), JUDGED.signals["shock"])
    # Owner 3 was found on the first day, so that the second day has its reviews for 2, the riskiest, and 4, the most unusual.
    assert beside.tolist() == [True, True, False, True, False, True, True, False, False]


def test_what_is_found_is_counted_by_kind_against_the_trees_alone() -> None:
    read = read_signals([JUDGED], Budget(reviews=2, unusual=1))
    assert (read["trees alone"].mean.value, read["trees alone"].known.value) == (0, 0)
    assert (read["shock"].unseen["new"].value, read["shock"].gain.value, read["shock"].gain.low) == (1, 1, 1)
    assert read["shock"].known.value == 0
    three = read_signals([JUDGED], Budget(reviews=3, unusual=2))
    assert three["trees alone"].unseen["new"].value == 0.5  # owner 3; owners 5 and 6 come before owner 4
    assert (three["trees alone"].known.value, three["shock"].known.value) == (1, 0)
    assert hits([JUDGED, JUDGED]) == {"new": Hit(owners=4, cases=4)}
    assert three["shock"].known_gain.value == -1


def test_weeks_without_any_case_have_no_reading() -> None:
    nothing = replace(JUDGED, unseen="newer")
    with pytest.raises(DataError, match="No kind of fraud appears in these weeks"):
        read_signals([nothing], Budget(reviews=2, unusual=1))


def test_the_budget_is_read_wider_and_tighter_too() -> None:
    found = read([JUDGED], ("set", "card", "rows"), 1, Budget(reviews=40, unusual=5))
    assert (found.name, found.owner, found.about) == ("set", "card", "rows")
    assert [each.budget.text() for each in found.readings] == ["5 of 40", "15 of 40", "1 of 10", "3 of 10"]


def test_a_value_is_as_unusual_as_few_lie_beyond_it() -> None:
    encoding = Encoding(("amount", "kind"), {"kind": ("a", "b")})
    known = np.column_stack([np.arange(100.0), np.r_[np.zeros(96), np.ones(4)]]).astype(np.float32)
    known[:9, 0] = np.nan
    asked = np.array([[99, 0], [54, 0], [500, 1], [np.nan, 1], [9, 0]], dtype=np.float32)
    rows = (ModelRows(x, np.zeros(len(x), dtype=np.int8), np.ones(len(x)), encoding) for x in (known, asked))
    shares = np.exp(-tail_surprises(*rows)) * 100.5 - 0.5
    assert np.round(shares[:, 0], 6).tolist() == [2, 92, 0, 9, 2]
    assert np.round(shares[:, 1], 6).tolist() == [96, 96, 4, 4, 96]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Payments whose frauds are of two kinds: ``far`` ones in cases of a week, and others."""
    folder = tmp_path_factory.mktemp("payments")
    file = write_payments(folder, 2_500)
    written = 'time: {column: booked at, format: "%d.%m.%Y %H:%M", zone: Europe/London}'
    file.write_text(file.read_text().replace(written, "time: booked at"))
    rows = pd.read_csv(folder / "rows.csv")
    for column in ("booked at", "chargeback known"):
        rows[column] = pd.to_datetime(rows[column], format="%d.%m.%Y %H:%M").dt.strftime("%Y-%m-%dT%H:%M:%S")
    rows.to_parquet(folder / "rows.parquet")
    frauds = rows[rows["chargeback"] == "Y"]
    kind = np.where(frauds["distance km"] > frauds["distance km"].median(), "far", "near")
    case = pd.to_datetime(frauds["booked at"]).dt.dayofyear // 7
    pd.DataFrame({"payment id": frauds["payment id"], "kind": kind, "case": case}).to_parquet(folder / "kinds.parquet")
    return Source.read(read_declaration(file), folder / "rows.parquet", folder / "kinds.parquet")


def test_each_kind_is_judged_by_models_that_never_saw_it(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    learned = []

    def spy(known: ModelRows, asked: ModelRows, *_: object) -> np.ndarray:
        learned.append(int(known.label.sum()))
        return np.zeros(len(asked.x))

    monkeypatch.setattr("benchmarks.novelty.measure.SIGNALS", {"spy": spy})
    plan = Plan(learned_days=40, delay_days=7, judged_days=7, weeks=1)
    judged = list(measure(source, plan))
    assert [each.unseen for each in judged] == ["far", "near"]
    cut = int(source.day.max()) - 7
    slots = (source.day >= cut - 47) & (source.day < cut - 7)
    frauds = {kind: int((slots & (source.kind == kind)).sum()) for kind in ("far", "near")}
    assert learned == [frauds["near"], frauds["far"]]
    assert frauds["near"] != frauds["far"]
    for each in judged:
        assert each.day.min() >= cut
        assert set(each.kind) == {"", "far", "near"}
        begun = set(source.case[(source.day < cut) & (source.kind == each.unseen)])
        assert begun.isdisjoint(each.case)


def test_an_unusual_row_is_told_from_a_usual_one() -> None:
    rng = np.random.default_rng(3)
    encoding = Encoding(("a", "b", "c"), {})
    x = rng.normal(size=(2_000, 3)).astype(np.float32)
    label = (x[:, 0] > 2).astype(np.int8)
    known = ModelRows(x, label, np.ones(len(x)), encoding)
    strange = replace(known, x=np.array([[0, 0, 0], [0.1, 9, -9]], dtype=np.float32))
    trees = fit_booster(known, known, XGBoostConfig(rounds=5, num_parallel_tree=1), seed=1, threads=1)
    for name in ("isolation forest", "rarity of leaves", "tails", "three largest tails"):
        usual, unusual = SIGNALS[name](known, strange, trees, None, 5)  # type: ignore[arg-type]
        assert unusual > usual, name


def test_what_the_kinds_lack_is_said(source: Source, tmp_path: Path) -> None:
    pd.DataFrame({"payment id": ["P1"], "kind": ["far"]}).to_parquet(tmp_path / "kinds.parquet")
    source.table.slice(0, 5).to_pandas().to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(UsageError, match=r"kinds\.parquet has no column case"):
        Source.read(source.declared, tmp_path / "rows.parquet", tmp_path / "kinds.parquet")


def test_the_options_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--file", "declaration.yaml"])
    assert "give --file with --kinds or --published" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--published"])


def test_a_measurement_takes_the_place_of_that_of_its_data_set() -> None:
    one, other = (read([JUDGED], (name, "card", "rows"), 1, Budget(reviews=4, unusual=1)) for name in ("one", "other"))
    again = one.model_copy(update={"about": "more rows"})
    assert beside(again, (one, other)) == (again, other)
    assert beside(other, (one,)) == (one, other)


def test_kinds_of_the_published_simulator_are_told_apart_by_its_rules(tmp_path: Path) -> None:
    days = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 30, 31]
    #          0    1    2    3     4    5    6    7    8     9   10   11   12   13    14   15
    customer = [1, 2, 1, 3, 2, 2, 1, 3, 4, 4, 2, 4, 4, 3, 4, 1]
    terminal = [9, 8, 8, 8, 8, 7, 7, 7, 7, 6, 9, 6, 6, 6, 6, 9]
    amount = [100, 60, 70, 30, 65, 62, 110, 30, 20, 100, 230, 90, 22, 31, 95, 240]
    fraud = [0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    at = np.datetime64("2018-04-01", "s") + np.array(days) * np.timedelta64(86_400, "s")
    table = pa.table(
        {
            "id": list(range(16)),
            "at": at,
            "amount": [float(each) for each in amount],
            "customer": customer,
            "terminal": terminal,
            "fraud": fraud,
        }
    )
    text = (
        "version: 1\nname: published\nproblem: fraud\nid: id\nrows: rows.parquet\ntime: at\n"
        "amount: {column: amount, currency: USD}\nlabel: {column: fraud, positive: [1], negative: [0]}\n"
        "entities: {customer: customer, terminal: terminal}\n"
    )
    (tmp_path / "declaration.yaml").write_text(text)
    declared = read_declaration(tmp_path / "declaration.yaml")
    kind, case = derive_kinds(table, declared.declaration)
    told = {place: str(each) for place, each in enumerate(kind) if each}
    at_terminal = dict.fromkeys((1, 2, 3), TERMINAL)
    # Customer 2 pays some 63: 230 is more than 3.5 times that. Customer 1 pays 105, and 240 may be one of his amounts.
    assert told == at_terminal | {9: CUSTOMER, 10: CUSTOMER, 11: CUSTOMER, 14: CUSTOMER, 15: LARGE}
    assert len({case[place] for place in (1, 2, 3)}) == 1 and case[9] == case[11] != case[14], "30 days later is another case"
    with pytest.raises(UsageError, match="does not declare what the published simulator makes"):
        derive_kinds(table, declared.declaration.model_copy(update={"entities": {"customer": "customer"}}))


def test_the_document_and_the_card_show_what_is_kept() -> None:
    found = measured()
    document = (Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    own = document.split("<!-- benchmarks/novelty -->")[1].split("<!-- end -->")[0]
    assert all(part in own for part in section(found, "").split("\n\n"))
    card = (Path(__file__).resolve().parents[2] / "docs" / "fraud_model_card.md").read_text(encoding="utf-8")
    assert unseen_kinds(found) in card
