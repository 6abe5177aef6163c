"""The delivered fraud model knows every row, with as many rounds as the evaluated one, which stays beside it to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud import refit
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.families.fraud.model import load
from fusionguard.families.fraud.refit import refit_fraud_bundle
from fusionguard.models.bundle import Bundle

from .conftest import CONFIG, Trained


@pytest.fixture(scope="module")
def refitted(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("refit") / "bundle"
    return refit_fraud_bundle(folder, trained.bundle, trained.features, trained.plan, CONFIG, negative_weight=1.0)


def test_the_trees_alone_are_fitted_anew_with_the_rounds_of_the_evaluated_ones(refitted: Bundle, trained: Trained) -> None:
    before, after = trained.bundle.manifest, refitted.manifest
    assert set(after.files) - set(before.files) == {"evaluated_booster.ubj", "evaluated_booster.onnx"}
    for name, sha256 in before.files.items():
        assert (after.files[name] != sha256) == name.startswith("booster")
        assert after.files.get(f"evaluated_{name}", sha256) == sha256
    assert load(refitted).booster.num_boosted_rounds() == trained.booster.num_boosted_rounds() > 0
    assert (after.refitted_rows, before.refitted_rows) == (trained.features.rows, None)
    assert after.train_range_seconds == before.train_range_seconds


@pytest.mark.parametrize("engine", ["native", "onnx"])
def test_the_evaluated_model_is_found_again_and_the_delivered_one_knows_the_test_rows(
    refitted: Bundle, trained: Trained, engine: str
) -> None:
    rows = trained.features.read(None, trained.plan.test.start, trained.plan.test.stop)
    label = rows["Class"].to_numpy()
    evaluated = load(trained.bundle).score(rows, engine).score  # type: ignore[arg-type]
    again = load(refitted, evaluated=True).score(rows, engine).score  # type: ignore[arg-type]
    delivered = load(refitted).score(rows, engine).score  # type: ignore[arg-type]
    assert np.array_equal(again, evaluated)
    assert average_precision_score(label, delivered) > average_precision_score(label, evaluated) + 0.05
    native = FRAUD_FAMILY.load(refitted, evaluated=True).answer_features(rows)["score"].to_numpy()
    assert np.allclose(native, evaluated, atol=1e-5)


def test_a_refit_repeats_itself_to_the_bit(refitted: Bundle, trained: Trained, tmp_path: Path) -> None:
    again = refit_fraud_bundle(tmp_path / "again", trained.bundle, trained.features, trained.plan, CONFIG, negative_weight=1.0)
    assert again.sha256 == refitted.sha256 != trained.bundle.sha256


def test_rows_whose_outcome_is_not_known_when_the_data_ends_are_neither_fitted_on_nor_counted(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = trained.features.read()
    known = table["time_seconds"].to_numpy() + 1
    known[[2, 3, 5]] += 10**6
    unknown = known > table["time_seconds"].to_numpy()[-1]
    pq.write_table(table.append_column("known", pa.array(known, mask=unknown)), tmp_path / "features.parquet")
    last = int(np.count_nonzero(unknown[6:]))
    columns = trained.plan.columns.model_copy(update={"known": "known"})
    fitted: list[int] = []

    def train(features: Table, plan: SplitPlan, *_: object, **__: object) -> object:
        fitted.extend(plan.train.places(features).tolist())
        return trained.booster

    monkeypatch.setattr(refit, "train_booster", train)
    plan = trained.plan.model_copy(update={"columns": columns})
    made = refit_fraud_bundle(
        tmp_path / "bundle", trained.bundle, Table(tmp_path / "features.parquet"), plan, CONFIG, negative_weight=1.0
    )
    assert last > 0 and not {2, 3, 5, table.num_rows - 1} & set(fitted)
    assert made.manifest.refitted_rows == len(fitted) == table.num_rows - 3 - last
