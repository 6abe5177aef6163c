"""What a batch costs without any HTTP: XGBoost against ONNX Runtime on the same trees and rows, and the whole model.

python -m benchmarks.serving.model_time BUNDLE TRANSACTIONS.json THREADS REPEATS WRITTEN.json
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import onnxruntime
import pyarrow as pa

from benchmarks.serving.material import read_rows
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.families.fraud.model import BOOSTER_ONNX, load
from fusionguard.files import write_json
from fusionguard.models.bundle import Bundle
from fusionguard.threads import wait_politely

SETTLE_SECONDS = 0.5


def main(arguments: list[str]) -> None:
    """Write the medians in milliseconds, and what the model is made of, as JSON."""
    bundle, transactions, written = Path(arguments[0]), Path(arguments[1]), Path(arguments[4])
    threads, repeats = int(arguments[2]), int(arguments[3])
    model = load(Bundle(bundle))
    rows = read_rows(transactions)
    table = FRAUD_FAMILY.make_features(pa.Table.from_pylist(rows))
    x = model.encoding.matrix(table)
    model.booster.set_param({"nthread": threads})
    session = _session(bundle / BOOSTER_ONNX, threads)
    work: dict[str, Callable[[], Any]] = {
        "xgboost_ms": lambda: model.margins(x),
        "onnx_ms": lambda: session.run(["margins"], {"features": x}),
        "answer_ms": lambda: model.answer_features(table),
    }
    found = {name: _median_ms(run, repeats) for name, run in work.items()}
    about = {"rows": len(rows), "trees": model.trees, "threads": threads}
    write_json(written, found | about | {"uses_autoencoder": model.fusion.uses_autoencoder})


def _median_ms(run: Callable[[], Any], repeats: int) -> float:
    """Return the median of runs in a row: ONNX Runtime's threads spin for a while after one, and take a core from others."""
    time.sleep(SETTLE_SECONDS)
    taken = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        run()
        taken.append(1e3 * (time.perf_counter() - begin))
    return median(taken[1:])  # the first one warms up


def _session(file: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    wait_politely()
    main(sys.argv[1:])
