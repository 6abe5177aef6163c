"""Every family keeps its whole contract on every table: those that ship, and others with and without times, texts and gaps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from fusionguard.data.table import Table
from fusionguard.evaluation.segments import cut_rows
from fusionguard.families.card_files import write_card_files
from fusionguard.families.catalog import family_names
from fusionguard.families.family import LABEL, REASONS, TIME
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.reference_rows import UNSEEN, kept_reference, reference_rows, scored_rows
from fusionguard.registry.mlflow_model import example_rows
from fusionguard.scoring import score
from fusionguard.serving.prediction_log.schema import part_schema
from fusionguard.serving.requests import RowReader
from tests.families.pair import ROWS, Pair
from tests.families.trained import FIXTURES, PAIRS, TRAINERS, train

pytestmark = pytest.mark.full


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    kind, table = request.param
    folder = tmp_path_factory.mktemp("contract")
    shared = FIXTURES.get((kind, table))
    trained = request.getfixturevalue(shared) if shared else train(kind, table, folder)
    return Pair(kind, trained, folder)


def test_every_family_is_tried() -> None:
    assert set(TRAINERS) == set(family_names()) == {kind for kind, _ in FIXTURES}


def test_its_bundle_says_what_it_is_of(pair: Pair) -> None:
    described = pair.trained.rows.manifest.described
    assert described is not None
    assert (pair.family.name, pair.family.described) == (pair.kind, described)
    assert pair.family.model in (pair.kind, described.declaration.name)
    told = pair.family.features.words  # it calls rows as its kind of problem does
    assert pair.family.features == replace(pair.trained.rows.definition, words=told)
    assert set(told) == set(pair.trained.rows.definition.words)
    assert pair.trained.bundle.manifest.feature_schema_version == pair.family.features.schema_version
    assert (pair.model.bundle.sha256, pair.model.version) == (pair.trained.bundle.sha256, pair.trained.bundle.version)
    assert pair.online.bundle.sha256 == pair.trained.bundle.sha256


def test_it_has_learned_and_answers_in_its_columns(pair: Pair) -> None:
    assert pair.answers.schema.equals(pair.family.answer_columns) and pair.answers.num_rows == pair.label.size
    numbers, probability = pair.answers["score"].to_numpy(), pair.answers["probability"].to_numpy()
    assert roc_auc_score(pair.label, numbers) > 0.6
    assert probability == pytest.approx(1 / (1 + np.exp(-numbers)), abs=1e-6)
    flagged = pc.equal(pair.answers["decision"], pair.family.flagged).to_numpy().astype(bool)
    assert 0 < flagged.sum() < flagged.size
    worth = pair.answers[pair.family.worth].to_numpy()
    assert worth[flagged].min() > 0, "what asks for attention is worth it"


def test_raw_rows_of_a_file_and_in_memory_are_answered_alike(pair: Pair) -> None:
    scored = score(pair.model, pair.file, reasons=3, history=pair.history)
    assert isinstance(scored, pa.Table) and scored["row"].to_pylist() == list(range(ROWS))
    answers = pair.model.answer_features(pair.learned, reasons=3) if pair.history else pair.model.answer(pair.frame, reasons=3)
    assert scored.select(answers.column_names).to_pylist() == answers.to_pylist()
    assert len(set(answers["score"].to_pylist())) > ROWS / 4
    flagged = pc.equal(answers["decision"], pair.family.flagged).to_pylist()
    told = [bool(reasons) for reasons in answers[REASONS].to_pylist()]
    assert any(told) and all(is_flagged for is_flagged, has_reasons in zip(flagged, told, strict=True) if has_reasons)


def test_requests_are_answered_as_files_are(pair: Pair) -> None:
    _needs_no_past(pair)
    reader, outputs = RowReader(pair.family.request_fields), list(pair.family.outputs)
    expected = pair.model.answer(pair.frame, reasons=3).to_pylist()
    given = [reader.one(row).values for row in pair.requests]
    ones = [pair.online.one(values) for values in given]
    pair.same([dict(zip(outputs, answer.values, strict=True)) for answer in ones], expected)
    assert [answer.flagged for answer in ones] == [row["decision"] == pair.family.flagged for row in expected]
    many = pair.online.many(reader.many({"rows": pair.requests}, ROWS).columns)
    assert many.values.schema.equals(pair.family.answer_columns) and many.unexplained == 0
    pair.same(many.values.to_pylist(), expected)
    assert many.whys == [answer.why for answer in ones]
    features = pair.family.make_features(pair.frame).select(pair.family.features.model_features)
    assert many.features.column_names == list(pair.family.features.model_features)
    for name in features.column_names:
        assert many.features[name].to_pylist() == features[name].to_pylist(), name


def test_what_features_add_is_the_score(pair: Pair) -> None:
    told = pair.explanation
    assert told.names == pair.family.features.model_features and told.values.shape == told.contributions.shape
    expected = pair.answers["score"].to_numpy()[: len(told.contributions)]
    assert told.base + told.contributions.sum(axis=1) == pytest.approx(expected, abs=1e-5)
    for row in () if pair.history else pair.requests[:3]:
        one = pair.online.explain(RowReader(pair.family.request_fields).one(row).values)
        assert one.names == told.names
        assert one.base + math.fsum(one.values) == pytest.approx(one.answer.values[0], abs=1e-5)


def test_its_reading_comes_back_from_json(pair: Pair) -> None:
    assert type(pair.report) is pair.family.report
    again = pair.family.report.model_validate_json(pair.report.to_json())
    assert again == pair.report and again.to_json() == pair.report.to_json()
    assert pair.report.test_rows == pair.label.size
    assert pair.report.value("roc_auc") == pytest.approx(roc_auc_score(pair.label, pair.answers["score"].to_numpy()))
    facts, read = pair.report.gate_facts(), pair.report.metrics["average_precision"]
    assert (facts.own, facts.interval) == (read.value, (read.low, read.high))
    assert facts.positives == pair.report.test_positives == int(pair.label.sum())
    assert sum(rows for _, rows, _ in pair.family.outcomes.reliability(pair.report)) == pytest.approx(pair.label.size)


def test_flagged_rows_are_listed_with_reasons(pair: Pair) -> None:
    listed = pair.family.training.flagged_rows(pair.trained.bundle, pair.trained.rows, pair.trained.raw, most=10_000)
    flagged = pair.test.filter(pc.equal(pair.answers["decision"], pair.family.flagged))
    answers = pair.model.answer_features(flagged, reasons=3)
    shown = ["probability", REASONS]
    ours, right = (sorted(zip(*(rows[name].to_pylist() for name in shown), strict=True)) for rows in (listed, answers))
    assert [reasons for _, reasons in ours] == [reasons for _, reasons in right] and any(reasons for _, reasons in ours)
    assert [chance for chance, _ in ours] == pytest.approx([chance for chance, _ in right], abs=1e-9)


def test_a_refitted_model_keeps_the_one_that_was_read(pair: Pair) -> None:
    training = pair.family.training
    refitted = training.refit(pair.folder / "refitted", pair.trained.bundle, pair.trained.rows, pair.trained.config)
    assert refitted.sha256 != pair.trained.bundle.sha256
    assert family_of(refitted).described == pair.family.described
    read = pair.family.load(refitted, evaluated=True).answer_features(pair.test)
    assert read.to_pydict() == pair.answers.to_pydict()
    new = pair.family.load(refitted).answer_features(pair.test)["score"].to_numpy()
    assert np.isfinite(new).all() and np.abs(new - pair.answers["score"].to_numpy()).max() > 1e-6
    _check_reference_of_refitted(pair, pair.family.load(refitted))


def _needs_no_past(pair: Pair) -> None:
    """Skip where a service looks the past of a row up: ``tests/serving/test_past_service.py`` asks such a one."""
    if pair.history:
        pytest.skip("a service looks the past up")


def _check_reference_of_refitted(pair: Pair, delivered: ScoringModel) -> None:
    """Rows that one of the two has not seen are scored as the delivered one spreads what both were fitted on."""
    before = reference_rows(pair.model, pair.trained.rows, seed=7)
    kept = reference_rows(pair.model, pair.trained.rows, seed=7, delivered=delivered)
    assert kept.drop_columns("probability").equals(before.drop_columns("probability"))
    unseen = before[UNSEEN].to_numpy()
    old, new = before["probability"].to_numpy(), kept["probability"].to_numpy()
    assert np.array_equal(new[~unseen], old[~unseen])
    if not unseen.any():
        return
    order = np.argsort(old[unseen], kind="stable")
    assert (np.diff(new[unseen][order]) >= 0).all() and np.abs(new[unseen] - old[unseen]).max() > 1e-6


def test_rows_are_kept_to_compare_with(pair: Pair, tmp_path: Path) -> None:
    kept = reference_rows(pair.model, pair.trained.rows, seed=7)
    assert kept.column_names == [*pair.family.features.model_features, "probability", "decision", UNSEEN]
    pa.parquet.write_table(kept, tmp_path / "reference.parquet")
    rows = Table(tmp_path / "reference.parquet")
    reference = kept_reference(pair.trained.bundle, rows, scratch=tmp_path, seed=7)
    assert {*reference.numbers, *reference.categories} >= {*pair.family.features.known}
    assert scored_rows(rows, ["probability"]).num_rows > 0


def test_outcomes_of_logged_rows_are_read(pair: Pair) -> None:
    outcomes = pair.family.outcomes
    rows, log = pair.logged, {*part_schema(pair.family).names}
    assert {*outcomes.columns, TIME, *rows.column_names} - {LABEL} <= log
    reading = outcomes.read(rows, pair.model, seed=3)
    metrics = reading.metrics(np.ones(rows.num_rows, dtype=np.bool_))
    assert metrics["roc_auc"].value == pytest.approx(roc_auc_score(pair.label, pair.answers["score"].to_numpy()))
    assert {*outcomes.judged} <= set(metrics) and reading.unjudged == ()
    assert [each.value is None for each in (metrics[name] for name in outcomes.judged)] == [False] * len(outcomes.judged)


def test_rows_are_cut_into_segments(pair: Pair) -> None:
    definition = pair.family.features
    table = pair.trained.rows.features.read()
    for rows, cuts in (
        (table, (*definition.segmentations, *definition.attributes)),
        (pair.logged, definition.log_segmentations),
    ):
        for cut, segments in zip(cuts, cut_rows(rows, cuts), strict=True):
            assert segments.name == cut.name
            assert sum(int(flags.sum()) for _, flags in segments.parts()) == rows.num_rows
            assert len(set(segments.names)) == len(segments.names) and all(segments.names)


def test_the_example_is_a_row_that_is_answered(pair: Pair) -> None:
    _needs_no_past(pair)
    example = pair.family.example_row
    assert list(example) == [field.name for field in pair.family.request_fields.all]
    values = RowReader(pair.family.request_fields).read_one(json.dumps(example).encode()).values
    told = dict(zip(pair.family.outputs, pair.online.decide(values).values, strict=True))
    for rows in (pa.Table.from_pylist([pair.family.example]), example_rows(pair.family)):
        pair.same([told], pair.model.answer(rows).to_pylist())


def test_its_card_is_written(pair: Pair) -> None:
    card = pair.family.training.write_card(pair.card_inputs)
    assert card.startswith("# ") and pair.trained.bundle.version in card
    assert f"{pair.report.value('roc_auc'):.3f}" in card
    pair.readable(card)


def test_its_plots_and_pages_are_drawn(pair: Pair) -> None:
    training = pair.family.training
    plots = training.plots(pair.report)
    assert plots and all(image.startswith(b"\x89PNG") for image in plots.values())
    written = write_card_files(training, pair.card_inputs, pair.trained.bundle, pair.trained.rows, plots)
    assert {f"plots/{name}.png" for name in plots} <= {*written.plots}
    for name, text in written.texts.items():
        assert text.startswith("<!DOCTYPE html>" if name.endswith(".html") else "# "), name
        pair.readable(text)


def test_people_can_speak_of_it(pair: Pair) -> None:
    words, fields = pair.family.words, {field.name for field in pair.family.request_fields.all}
    assert pair.family.flagged in words.decisions and {*pair.answers["decision"].to_pylist()} <= {*words.decisions}
    spoken = words.fields
    named = {*spoken.before, *spoken.after, *spoken.money, *spoken.optional}
    assert named <= fields and ({spoken.any_money} - {None}) <= fields
    assert {*words.form.first, *words.form.unusual} <= fields
