"""What a materializer stores it gives back; nothing is pickled, and no row of data leaves the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.errors import BundleError, StorageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle

pytestmark = pytest.mark.usefixtures("zenml_store")


@pytest.fixture
def store(home: Home) -> Any:
    """The artifact store of a home's local stack."""
    from stacks.provision import provision
    from stacks.session import active_stack, open_client

    with active_stack(provision("local", home).id):
        yield open_client().active_stack.artifact_store


def _folder(store: Any) -> str:
    uri = f"{store.path}/{uuid4()}"
    store.makedirs(uri)
    return uri


def _round_trip(value: object, store: Any) -> tuple[Any, Path]:
    """Store a value with the materializer that ZenML chooses for its type, and read it back with a fresh one."""
    from zenml.materializers.materializer_registry import materializer_registry

    import materializers  # noqa: F401

    kind = materializer_registry[type(value)]
    uri = _folder(store)
    kind(uri, store).save(value)
    return kind(uri, store).load(type(value)), Path(uri)


def _table(folder: Path, parts: int = 1) -> Table:
    folder.mkdir()
    for part in range(parts):
        pq.write_table(pa.table({"id": [10 * part, 10 * part + 1], "amount": [1.5, 2.5]}), folder / f"part-{part}.parquet")
    return Table(folder if parts > 1 else folder / "part-0.parquet")


def test_a_report_is_read_back_as_its_familys_where_a_step_asks_for_any(store: Any) -> None:
    from fusionguard.evaluation.report import Report
    from materializers import ReportMaterializer
    from tests.evaluation.conftest import small_report

    report, uri = small_report(), _folder(store)
    ReportMaterializer(uri, store).save(report)
    assert ReportMaterializer(uri, store).load(Report) == report
    assert (Path(uri) / "report.json").read_text() == report.to_json()
    assert ReportMaterializer(uri, store).load(type(report)) == report


@pytest.mark.parametrize("pages", [{}, {"insights": "<h1>Wer geht? é</h1>", "more": "<p>2</p>"}])
def test_pages_come_back_in_order_and_each_is_shown(store: Any, pages: dict[str, str]) -> None:
    from materializers.pages import Pages, PagesMaterializer

    back, folder = _round_trip(Pages(pages), store)
    assert list(back.pages.items()) == list(pages.items())
    shown = PagesMaterializer(str(folder), store).save_visualizations(back)
    assert [Path(name).read_text() for name in shown] == list(pages.values())


@pytest.mark.parametrize("parts", [1, 3])
def test_a_table_comes_back_row_by_row(store: Any, tmp_path: Path, parts: int) -> None:
    table = _table(tmp_path / "table", parts)
    back, folder = _round_trip(table, store)
    assert back.read().equals(table.read())
    assert back.path.is_relative_to(store.path)
    assert sorted(path.suffix for path in folder.rglob("*") if path.is_file()) == [".parquet"] * parts


def test_a_table_outlives_the_file_it_was_made_from(store: Any, tmp_path: Path) -> None:
    table = _table(tmp_path / "table")
    back, _ = _round_trip(table, store)
    table.path.unlink()
    assert back.rows == 2


def test_a_table_on_another_file_system_is_copied(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    back, _ = _round_trip(_table(tmp_path / "table"), store)
    assert back.rows == 2


def test_metadata_of_a_table_holds_counts_and_types_and_no_value(store: Any, tmp_path: Path) -> None:
    from materializers import TableMaterializer

    metadata = TableMaterializer(_folder(store), store).extract_metadata(_table(tmp_path / "table"))
    assert metadata == {"rows": 2, "columns": {"id": "int64", "amount": "double"}}


def test_a_report_comes_back_equal_and_reads_the_same_every_time(store: Any) -> None:
    report = Provenance(dataset="fraud", origin="local", description="x", sha256="0" * 64, rows=3, negative_sampling_rate=0.1)
    back, folder = _round_trip(report, store)
    again, other = _round_trip(report, store)
    assert back == again == report
    assert (folder / "report.json").read_bytes() == (other / "report.json").read_bytes()


def test_a_damaged_report_is_a_clear_error(store: Any) -> None:
    from materializers import ReportMaterializer

    uri = _folder(store)
    (Path(uri) / "report.json").write_text('{"dataset": ')
    with pytest.raises(StorageError, match="--no-cache"):
        ReportMaterializer(uri, store).load(Provenance)


def test_a_booster_predicts_the_same(store: Any) -> None:
    import xgboost as xgb

    import materializers.boosters  # noqa: F401

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(x, y), num_boost_round=5)
    back, folder = _round_trip(booster, store)
    np.testing.assert_array_equal(back.inplace_predict(x), booster.inplace_predict(x))
    assert [path.name for path in folder.iterdir()] == ["booster.ubj"]


def test_a_network_comes_back_byte_by_byte(store: Any) -> None:
    import onnx
    from onnx import TensorProto, helper

    shape = [None, 2]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph)
    back, _ = _round_trip(model, store)
    assert isinstance(back, onnx.ModelProto)
    assert back.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)


def _bundle(folder: Path) -> Bundle:
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"weights")
    return Bundle.seal(
        folder,
        model="fraud",
        origin="simulated",
        features_sha256="1" * 64,
        source_sha256="0" * 64,
        negative_sampling_rate=1.0,
        feature_schema_version=1,
        train_range_seconds=(0, 1),
        seed=1,
        config={},
    )


def test_a_bundle_keeps_its_identity(store: Any, tmp_path: Path) -> None:
    bundle = _bundle(tmp_path / "bundle")
    back, _ = _round_trip(bundle, store)
    assert back.sha256 == bundle.sha256


def test_an_altered_bundle_is_refused(store: Any, tmp_path: Path) -> None:
    _, folder = _round_trip(_bundle(tmp_path / "bundle"), store)
    file = folder / "bundle" / "weights.bin"
    file.unlink()
    file.write_bytes(b"Weights")
    from materializers import BundleMaterializer

    with pytest.raises(BundleError, match=r"weights\.bin"):
        BundleMaterializer(str(folder), store).load(Bundle)


def test_figures_come_back_and_their_page_needs_no_network(store: Any) -> None:
    from materializers import FiguresMaterializer
    from materializers.figures import Figures

    figures = Figures("A <title>", {"one": b"\x89PNG one", "two": b"\x89PNG two"})
    back, folder = _round_trip(figures, store)
    assert back == figures
    (page,) = FiguresMaterializer(str(folder), store).save_visualizations(figures)
    text = Path(page).read_text()
    assert "A &lt;title&gt;" in text
    assert text.count("data:image/png;base64,") == 2
    assert "http" not in text


def test_a_type_without_a_materializer_is_refused(store: Any) -> None:
    class Strange:
        pass

    with pytest.raises(TypeError, match="No materializer stores Strange"):
        _round_trip(Strange(), store)


def test_content_that_is_the_same_has_the_same_hash(tmp_path: Path, store: Any) -> None:
    from materializers import TableMaterializer

    one, other = _table(tmp_path / "one"), _table(tmp_path / "other")
    materializer = TableMaterializer(_folder(store), store)
    assert materializer.compute_content_hash(one) == materializer.compute_content_hash(other)
    longer = _table(tmp_path / "longer", parts=2)
    assert materializer.compute_content_hash(one) != materializer.compute_content_hash(longer)
