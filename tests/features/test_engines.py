"""Both engines, however they are cut up or spread out, give the same rows in the same order to the last bit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import StorageError, UnknownChoiceError, UsageError
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.features.engine import ENGINES, EngineError
from fusionguard.features.fraud import COLUMN_TYPES, FRAUD_FEATURES
from fusionguard.features.make_engine import make_engine
from fusionguard.features.spark_engine import SparkEngine
from fusionguard.features.store import content_sha256
from tests.spark_cluster import free_port, spark_daemon, standalone_cluster, wait_for

from .conftest import MakeRaw

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPARK_MASTER", "SPARK_REMOTE"):
        monkeypatch.delenv(variable, raising=False)


def assert_identical(one: Table, other: Table) -> None:
    left, right = one.read(), other.read()
    assert left.column_names == right.column_names == list(COLUMN_TYPES)
    for name in left.column_names:
        assert left[name].type == right[name].type
        assert (
            left[name]
            .combine_chunks()
            .view(_bits(left[name].type))
            .equals(right[name].combine_chunks().view(_bits(right[name].type)))
        )
    assert content_sha256(one) == content_sha256(other)


def _bits(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if kind.bit_width == 64 else pa.int32()


def test_every_engine_is_found_by_its_name() -> None:
    assert [make_engine(name, FRAUD_FEATURES).name for name in ENGINES] == list(ENGINES)
    with pytest.raises(UnknownChoiceError, match="Valid choices: duckdb, spark"):
        make_engine("dask", FRAUD_FEATURES)


@pytest.mark.parametrize("span_rows", [2_000, 20_000])
def test_spans_make_no_difference_on_duckdb(make_raw: MakeRaw, tmp_path: Path, span_rows: int) -> None:
    raw = make_raw(30_000, duplicates=300)
    whole = DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "whole")
    spans = DuckDBEngine(FRAUD_FEATURES, span_rows).build(raw, tmp_path / "spans")
    assert len(whole.files) == 1 < len(spans.files)
    assert_identical(whole, spans)


def test_the_order_of_the_raw_rows_makes_no_difference(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw(5_000, duplicates=50)
    table = raw.read()
    pq.write_table(table.take(pa.array(range(table.num_rows - 1, -1, -1))), tmp_path / "reversed.parquet")
    assert_identical(
        DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "one"),
        DuckDBEngine(FRAUD_FEATURES, 1_000).build(Table(tmp_path / "reversed.parquet"), tmp_path / "two"),
    )


@pytest.mark.long
@needs_java
@pytest.mark.full
def test_spark_gives_the_rows_of_duckdb_and_leaves_nothing_else(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    raw = make_raw(50_000, duplicates=500)
    spark = SparkEngine(FRAUD_FEATURES).build(raw, tmp_path / "spark")
    assert_identical(spark, DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "duckdb"))
    assert list(here.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"here", raw.path.name, "spark", "duckdb"}
    assert all(path.name.startswith("part-") and path.suffix == ".parquet" for path in spark.path.iterdir())
    assert capfd.readouterr() == ("", "")


@pytest.mark.long
@needs_java
@pytest.mark.full
def test_both_engines_agree_at_a_million_rows(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw(1_000_000, duplicates=4_000)
    spark = SparkEngine(FRAUD_FEATURES).build(raw, tmp_path / "spark")
    assert len(spark.files) > 1
    assert_identical(spark, DuckDBEngine(FRAUD_FEATURES, 300_000).build(raw, tmp_path / "duckdb"))


@needs_java
def test_a_destination_that_exists_is_never_overwritten(make_raw: MakeRaw, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for engine in ENGINES:
        with pytest.raises(StorageError, match="taken"):
            make_engine(engine, FRAUD_FEATURES).build(make_raw(10), tmp_path / "taken")


@pytest.mark.parametrize("java_home", [None, "/nowhere"])
def test_without_java_the_message_says_what_to_do(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, java_home: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    if java_home:
        monkeypatch.setenv("JAVA_HOME", java_home)
    with pytest.raises(EngineError, match=r"needs Java 17 .* use --engine duckdb"):
        SparkEngine(FRAUD_FEATURES).build(make_raw(10), tmp_path / "spark")
    assert not (tmp_path / "spark").exists()


@pytest.mark.parametrize(("variable", "scheme"), [("SPARK_MASTER", "spark"), ("SPARK_REMOTE", "sc")])
def test_a_cluster_that_does_not_answer(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    address = f"{scheme}://127.0.0.1:{free_port()}"
    monkeypatch.setenv(variable, f"{address}/;token=secret")
    with pytest.raises(EngineError, match=rf"Nothing answers at the {variable} \({address}: ") as caught:
        SparkEngine(FRAUD_FEATURES).build(make_raw(10), tmp_path / "spark")
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "spark").exists()


@pytest.mark.parametrize("address", ["sc://", "sc://host:port", "host"])
def test_an_address_that_is_none(make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("SPARK_REMOTE", address)
    with pytest.raises(UsageError, match="SPARK_REMOTE does not hold an address"):
        SparkEngine(FRAUD_FEATURES).build(make_raw(10), tmp_path / "spark")


@pytest.mark.long
@pytest.mark.full
def test_what_spark_cannot_read_is_said_in_one_line(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw(10)
    broken = Table(tmp_path / "broken.parquet")
    pq.write_table(raw.read().drop_columns(["V7"]), broken.path)
    with pytest.raises(EngineError, match=r"Spark failed: .*V7") as caught:
        SparkEngine(FRAUD_FEATURES).build(broken, tmp_path / "spark")
    assert "\n" not in str(caught.value)


@pytest.mark.full
def test_an_interrupted_spark_leaves_no_process_and_no_scratch(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw(100_000)
    code = (
        "import sys; from pathlib import Path; from fusionguard.data.table import Table\n"
        "from fusionguard.features.fraud import FRAUD_FEATURES\n"
        "from fusionguard.features.spark_engine import SparkEngine\n"
        "SparkEngine(FRAUD_FEATURES).build(Table(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(raw.path), str(tmp_path / "out" / "spark")],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/.spark.*/blockmgr-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert [path for path in (tmp_path / "out").iterdir() if path.name != "spark"] == []
    assert _living(process.pid) == []


@pytest.mark.long
@pytest.mark.full
def test_a_standalone_cluster(make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = make_raw(20_000, duplicates=100)
    with standalone_cluster(tmp_path, monkeypatch):
        spark = SparkEngine(FRAUD_FEATURES).build(raw, tmp_path / "spark")
    assert_identical(spark, DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "duckdb"))


@pytest.mark.long
@pytest.mark.full
def test_spark_connect(make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    raw = make_raw(20_000, duplicates=100)
    server = [
        "org.apache.spark.deploy.SparkSubmit",
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"),
        *("--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.connect.grpc.binding.address=127.0.0.1"),
        *(
            "--conf",
            "spark.ui.enabled=false",
            "--conf",
            "spark.driver.bindAddress=127.0.0.1",
            "--conf",
            "spark.driver.host=127.0.0.1",
        ),
        "spark-internal",
    ]
    with spark_daemon(*server, cwd=tmp_path):
        wait_for(port)
        monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{port}")
        monkeypatch.setenv("PATH", str(tmp_path))  # the client needs no Java
        spark = SparkEngine(FRAUD_FEATURES).build(raw, tmp_path / "spark")
    assert_identical(spark, DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "duckdb"))


def _living(group: int, patience_seconds: float = 10) -> list[str]:
    """The processes of a group that are neither gone nor on their way out (an orphan may wait to be reaped)."""
    deadline = time.monotonic() + patience_seconds
    while True:
        listed = subprocess.run(
            ["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        living = [line for line in listed if line.split()[0] == str(group) and not line.split()[1].startswith("Z")]
        if not living or time.monotonic() > deadline:
            return living
        time.sleep(0.2)
