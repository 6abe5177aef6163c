"""A data set that somebody has declared is watched like those that ship: gaps, categories without end, words of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.distributions import MOST_VALUES, REST, category_reference
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.evidently_report import evidently_page
from fusionguard.monitoring.faults.evidence import sent_features
from fusionguard.monitoring.miscoding import coded_features
from fusionguard.monitoring.multivariate import classifier_test
from fusionguard.monitoring.reference import Reference, uneven
from fusionguard.monitoring.retraining import export_labelled
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.traffic import Drift, Traffic, usual_size
from fusionguard.monitoring.verdict import Verdict, decide
from fusionguard.monitoring.window import WindowFacts, find_log, read_window
from fusionguard.serving.prediction_log import append_labels
from tests.foreign import write_payments, write_telco
from tests.monitoring.declared import declared_rows, log_rows, logged_window, multiplied, replace_known, replaced
from tests.monitoring.windows import START_MICROS

DAY = 86_400
SEALED: dict[str, Any] = {
    "model": "fraud",
    "origin": "local",
    "source_sha256": "0" * 64,
    "features_sha256": "1" * 64,
    "negative_sampling_rate": 1.0,
    "feature_schema_version": 1,
    "seed": 7,
    "config": {},
}


class Watched:
    """A data set's reference, and rows that are like it."""

    def __init__(self, family: ModelFamily, rows: pa.Table, scratch: Path) -> None:
        self.family, self.scratch, self.reference_rows = family, scratch, rows.num_rows * 2 // 3
        self.reference: Reference = table_reference(rows.slice(0, self.reference_rows), family, scratch=scratch)
        self.calm = rows.slice(self.reference_rows)

    def drift(self, rows: pa.Table) -> DriftReport:
        return read_drift(read_sketch(logged_window(rows), self.reference, scratch=self.scratch), self.reference)

    def verdict(self, rows: pa.Table) -> Verdict:
        return decide(self.drift(rows), made_of=self.family.features.made_of)


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Card payments with a time, 12 % of whose distances are missing."""
    folder = tmp_path_factory.mktemp("payments")
    family, rows = declared_rows(write_payments(folder / "given", 7_500), folder / "made")
    return Watched(family, rows, folder)


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Contracts without a time."""
    folder = tmp_path_factory.mktemp("telco")
    family, rows = declared_rows(write_telco(folder / "given", 6_000), folder / "made")
    return Watched(family, rows, folder)


@pytest.mark.parametrize("name", ["payments", "telco"])
def test_rows_like_those_of_the_training_raise_no_alarm(name: str, request: pytest.FixtureRequest) -> None:
    watched = request.getfixturevalue(name)
    sketch = read_sketch(logged_window(watched.calm), watched.reference, scratch=watched.scratch)
    drift = read_drift(sketch, watched.reference)
    verdict = decide(drift, classifier=classifier_test(sketch, watched.reference))
    assert (verdict.state, verdict.findings) == ("healthy", ())
    assert {finding.subject for finding in drift.columns} == set(watched.family.features.model_features)


def test_the_usual_gaps_are_no_finding_and_more_of_them_are_one_with_the_columns_own_words(payments: Watched) -> None:
    usual = payments.drift(payments.calm).reading("missing", "distance_km")
    assert payments.reference.numbers["distance_km"].missing == pytest.approx(0.12, abs=0.015)
    assert (usual.level, abs(usual.effect) < 0.03) == ("none", True)

    verdict = payments.verdict(replaced(payments.calm, "distance_km", 0.25, None))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "upstream data", "fix data")
    assert verdict.features[0] == "distance from home"
    gaps = next(each for each in verdict.findings if each.kind == "missing" and not each.segment)
    assert gaps.subject == "distance_km" and gaps.effect == pytest.approx(0.22, abs=0.03)
    assert gaps.sentence.startswith("distance from home is missing in 3")
    assert "missing, new or impossible values in distance from home" in " ".join(verdict.reasons)


def test_a_column_that_may_be_missing_and_is_not_any_more_has_no_finding_about_gaps(telco: Watched) -> None:
    verdict = telco.verdict(replaced(telco.calm, "Calls_to_support", 0.0, None))
    assert verdict.state == "healthy"
    read = telco.drift(telco.calm).reading("missing", "Payment_Method")
    assert (
        read.sentence.startswith("way to pay is missing in ")
        and 0.03 < telco.reference.categories["Payment_Method"].missing < 0.07
    )


def test_a_rise_of_categories_that_nobody_knows_names_the_column_as_the_bank_does(payments: Watched) -> None:
    verdict = payments.verdict(replaced(payments.calm, "mcc", 0.06, OTHER))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "upstream data", "fix data")
    new = next(each for each in verdict.findings if each.kind == "new_category" and not each.segment)
    assert (new.subject, new.title) == ("mcc", "merchant's trade")
    assert new.effect == pytest.approx(0.06, abs=0.015)
    assert new.sentence.startswith("merchant's trade has values the model has never seen in ")
    assert payments.drift(replaced(payments.calm, "mcc", 0.06, OTHER)).unknown_categories["mcc"] == ()


def test_an_amount_in_another_unit_is_a_fault_of_that_column_and_of_what_is_computed_of_it(payments: Watched) -> None:
    verdict = payments.verdict(multiplied(payments.calm, ("betrag", "per_attempt"), 100.0))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "upstream data", "fix data")
    scale = next(each for each in verdict.findings if each.kind == "scale" and each.subject == "betrag")
    assert scale.effect == pytest.approx(100, rel=0.1)
    assert "amount paid" in verdict.features and "betrag" not in verdict.features
    assert "amount paid" in verdict.sentence()


def test_segments_are_those_of_the_declaration(payments: Watched, telco: Watched) -> None:
    assert {cut for cut, _ in payments.reference.segments} == {
        "amount band",
        "merchant's trade",
        "country of the merchant",
        "time of day",
    }
    assert ("region", "North") in telco.reference.segments


def test_numbers_that_are_protected_and_learned_without_bands_are_judged_as_columns_and_cut_no_window(tmp_path: Path) -> None:
    declaration = write_telco(tmp_path / "given", 3_000)
    text = declaration.read_text(encoding="utf-8")
    declaration.write_text(text.replace("protected: [Gender, Region]", "protected: [Gender, Monthly Charges]"), encoding="utf-8")
    family, rows = declared_rows(declaration, tmp_path / "made")
    assert [cut.column for cut in family.features.attributes] == ["Gender", "Monthly_Charges"]
    watched = Watched(family, rows, tmp_path)
    drift = watched.drift(watched.calm)
    assert {finding.segment.split(":")[0] for finding in drift.segments} == {"kind of contract", "way to pay", "region"}
    tenfold = watched.drift(multiplied(watched.calm, ("Monthly_Charges",), 10.0))
    assert tenfold.reading("scale", "Monthly_Charges").level == "act"


def test_an_unseen_share_of_the_reference_is_what_a_window_is_held_against(payments: Watched) -> None:
    rows = replaced(payments.calm, "mcc", 0.05, OTHER, seed=8)
    known = table_reference(rows, payments.family, scratch=payments.scratch)
    assert known.categories["mcc"].unseen == pytest.approx(0.05, abs=0.015)
    again = read_drift(
        read_sketch(logged_window(replaced(payments.calm, "mcc", 0.05, OTHER, seed=9)), known, scratch=payments.scratch), known
    )
    found = again.reading("new_category", "mcc")
    assert found.level == "none" and abs(found.effect) < 0.015


def test_clocks_cycles_must_have_been_seen_several_times(payments: Watched) -> None:
    family = payments.family
    assert uneven(family, 3 * DAY) == {"hour_of_day", "weekend"}
    assert uneven(family, 8 * DAY) == {"weekend"}
    assert uneven(family, 30 * DAY) == frozenset()


def test_what_a_client_sends_is_neither_computed_nor_read_off_the_clock(payments: Watched, telco: Watched) -> None:
    assert sent_features(payments.family.features) == ("distance_km", "attempts", "betrag", "mcc", "country")
    assert "calls_a_month" not in sent_features(telco.family.features)


def test_ten_thousand_categories_are_pooled(payments: Watched) -> None:
    shares = {f"shop {number}": 1.0 / (number + 1) for number in range(10_000)} | {OTHER: 0.5}
    made = category_reference("shop", shares, words="shop")
    assert (len(made.values), made.values[0], made.values[-1]) == (MOST_VALUES + 1, "shop 0", REST)
    assert made.shares.sum() == pytest.approx(1) and made.unseen == 0.5
    assert made.shares[-1] == pytest.approx(0.47, abs=0.01)

    features = payments.family.features
    many = tuple(f"{number:04d}" for number in range(10_000))
    wide = replace_known(payments.family, "mcc", (*many, OTHER))
    assert "mcc" not in coded_features(wide) and "country" in coded_features(payments.family)
    rng = np.random.default_rng(2)
    values = np.array(many)[np.minimum(rng.geometric(0.002, payments.calm.num_rows), 9_999)]
    rows = payments.calm.set_column(payments.calm.column_names.index("mcc"), "mcc", pa.array(values))
    reference = table_reference(rows, wide, scratch=payments.scratch)
    assert reference.categories["mcc"].shares[-1] == pytest.approx(0.82, abs=0.03)
    calm = read_drift(read_sketch(logged_window(rows), reference, scratch=payments.scratch), reference)
    assert [each for each in calm.columns if each.level != "none"] == []
    unknown = replaced(rows, "mcc", 0.1, OTHER)
    drift = read_drift(read_sketch(logged_window(unknown), reference, scratch=payments.scratch), reference)
    assert drift.reading("new_category", "mcc").effect == pytest.approx(0.1, abs=0.02)
    assert features.known["mcc"] != wide.features.known["mcc"]


def test_a_tables_own_word_for_others_is_a_category_like_any(payments: Watched) -> None:
    features = payments.family.features
    own = tuple(value for value in features.known["country"] if value != OTHER)
    closed = replace(features, known={**features.known, "country": (*own, OTHER)}, gathered=features.gathered - {"country"})
    family = replace(payments.family, features=closed)
    rows = replaced(payments.calm, "country", 0.2, OTHER)
    reference = table_reference(rows, family, scratch=payments.scratch)
    read = reference.categories["country"]
    assert read.unseen == 0 and OTHER in read.values
    assert read.shares[read.values.index(OTHER)] == pytest.approx(0.2, abs=0.02)
    more = replaced(payments.calm, "country", 0.3, OTHER)
    drift = read_drift(read_sketch(logged_window(more), reference, scratch=payments.scratch), reference)
    assert drift.reading("new_category", "country").effect == 0
    assert OTHER in coded_features(family)["country"]
    many = {f"shop {number}": 2.0 ** -min(number, 40) for number in range(MOST_VALUES + 5)} | {OTHER: 1e-12}
    pooled = category_reference("shop", many, gathered=False)
    assert OTHER in pooled.single and (len(pooled.values), pooled.unseen) == (MOST_VALUES + 1, 0)


def test_a_column_without_any_value_is_left_out_and_said(telco: Watched) -> None:
    bare = replaced(telco.calm, "Calls_to_support", 1.1, None)
    reference = table_reference(bare, telco.family, scratch=telco.scratch)
    drift = read_drift(read_sketch(logged_window(telco.calm), reference, scratch=telco.scratch), reference)
    assert "Calls_to_support" not in reference.numbers
    assert "calls to support: not compared, as no row of the training has a value of it" in drift.remarks


def test_nobody_trains_on_the_features_that_a_log_holds(payments: Watched, tmp_path: Path) -> None:
    described = payments.family.described
    assert described is not None
    write_dataset(tmp_path, described)
    bundle = Bundle.seal(tmp_path, **SEALED)
    rows = Table(tmp_path / "nothing.parquet")
    facts = WindowFacts(model="card-payments", model_version=bundle.version, rows=5_000, labelled=5_000, simulated=0)
    config = MonitoringConfig(model="card-payments", on_drift="retrain")
    kept = export_labelled(rows, facts, bundle, config, tmp_path / "out")
    assert kept.file is None and not (tmp_path / "out").exists()
    assert kept.why.startswith("the log of the declared data set 'card-payments' holds features")
    assert "run.py --dataset FILE.yaml --source NEW_ROWS" in kept.why


def test_its_log_is_read_each_row_once_with_outcomes_and_without_what_other_versions_answered(
    payments: Watched, tmp_path: Path
) -> None:
    rows = logged_window(payments.calm.slice(0, 900)).drop_columns("label")
    log_rows(tmp_path / "log", payments.family, rows.slice(0, 600), "aaaaaaaaaaaa")
    log_rows(tmp_path / "log", payments.family, rows.slice(500, 100), "aaaaaaaaaaaa", first=500)
    log_rows(tmp_path / "log", payments.family, rows.slice(600, 300).drop_columns("mcc"), "bbbbbbbbbbbb", first=600)
    append_labels(tmp_path / "log", payments.family, [("r-7", 0, 1, START_MICROS), ("r-8", 0, 0, START_MICROS)])
    window = read_window(tmp_path / "log", payments.family, "aaaaaaaaaaaa", tmp_path / "window.parquet")
    facts = window.facts
    assert (facts.model, facts.rows, facts.repeated, facts.labelled) == ("card-payments", 600, 100, 2)
    assert facts.other_versions == {"bbbbbbbbbbbb": 300} and facts.unreadable == ()
    read = window.table.read(["request_id", "distance_km", "mcc", "label"]).sort_by("request_id").to_pylist()
    given = dict(zip((f"r-{number}" for number in range(600)), rows.slice(0, 600).to_pylist(), strict=True))
    assert [(each["distance_km"], each["mcc"]) for each in read] == [
        (given[each["request_id"]]["distance_km"], given[each["request_id"]]["mcc"]) for each in read
    ]
    assert {each["request_id"]: each["label"] for each in read if each["label"] is not None} == {"r-7": 1, "r-8": 0}
    assert sum(each["distance_km"] is None for each in read) > 40
    assert window.table.read().num_rows == 600
    assert read_sketch(window.table, payments.reference, scratch=tmp_path).total.missing["distance_km"] > 40


def test_a_model_is_found_by_the_name_of_its_data_set_and_only_rows_that_ship_are_simulated(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert usual_size("bank_churn", Drift.SPIKE) == usual_size("churn", Drift.SPIKE)
    with pytest.raises(UsageError, match=r"Rows of the model 'telco' cannot be simulated\. Choose one of fraud, churn"):
        Traffic("telco")
    with pytest.raises(UnknownChoiceError, match="telco"):
        find_log(MonitoringConfig(model="telco"), home)
    (home.predictions / "churn").mkdir(parents=True)
    assert find_log(MonitoringConfig(model="bank_churn"), home) == home.predictions


@pytest.mark.full
def test_evidently_draws_gaps_and_many_categories(payments: Watched) -> None:
    names = list(payments.family.features.model_features)
    page = evidently_page(payments.calm.select(names), payments.calm.select(names), payments.family)
    assert "distance_km" in page
