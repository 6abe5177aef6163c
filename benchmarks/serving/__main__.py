"""``python -m benchmarks.serving``: measure the service against its peers and write its section of docs/fraud_serving.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.measure import CHECKOUT
from benchmarks.serving.arithmetic import VCPU_SECOND_DOLLARS
from benchmarks.serving.material import make_material
from benchmarks.serving.measuring import SINGLE_ROWS, measure_model_time, measure_rounds
from benchmarks.serving.results import ServingResults
from benchmarks.serving.section import place_section, write_section
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_json, write_text
from fusionguard.models.packages import XGBOOST

TREES, QUICK_TREES = 600, 30

_DOCUMENT = CHECKOUT / "docs" / "fraud_serving.md"
_LIBRARIES = (
    "bentoml",
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "orjson",
    "onnxruntime",
    XGBOOST,
    "lightgbm",
    "catboost",
    "pyarrow",
)


def main(arguments: list[str] | None = None) -> int:
    """Measure what the arguments ask for; return the exit status: 0, 1 for a failure, 2 for a mistake in the command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.quick and options.output is None:
        parser.error("name a file with --output: docs/fraud_serving.md holds whole measurements only")
    if options.rounds < 1 or options.seconds <= 0 or options.vcpu_second_dollars < 0:
        parser.error("rounds, seconds and the price must be above 0")
    document: Path = options.output or _DOCUMENT
    numbers = document.with_suffix(".json")
    try:
        found = document.read_text(encoding="utf-8") if document.exists() else None
        place_section(found, "")  # better to fail now than when all was measured
        results = measure_all(full_size=not options.quick, rounds=options.rounds, seconds=options.seconds)
        write_json(numbers, results.model_dump(mode="json"))
        write_text(document, place_section(found, write_section(results, options.vcpu_second_dollars, numbers)))
        _say(f"wrote {document}")
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: nothing was written.\n")
        return 130
    return 0


def measure_all(*, full_size: bool, rounds: int, seconds: float) -> ServingResults:
    """Measure everything in a temporary folder that goes afterwards."""
    begin = time.monotonic()
    machine = describe_machine(_LIBRARIES)
    with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
        folder = Path(temporary)
        _say("training both models on simulated rows")
        material = make_material(folder / "models", TREES if full_size else QUICK_TREES)
        _say("10,000 rows without HTTP")
        model_time = measure_model_time(material, folder / "model-time")
        measured = measure_rounds(material, folder, rounds=rounds, seconds=seconds, say=_say)
    return ServingResults(
        day=datetime.now(UTC).date(),
        machine=machine,
        full_size=full_size,
        seconds=time.monotonic() - begin,
        load_seconds=seconds,
        rounds=rounds,
        requests_sent=SINGLE_ROWS,
        requests_flagged=measured.flagged,
        readings=measured.readings,
        starts=measured.starts,
        batches_ms=measured.batches_ms,
        batch_rows=model_time.rows,
        batch_flagged=measured.batch_flagged,
        model_time=model_time,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description="Measure the scoring service against its peers, and write the section of docs/fraud_serving.md.",
    )
    add = parser.add_argument
    add("--seconds", type=float, default=3.0, help="how long each load takes (default: 3)")
    add("--rounds", type=int, default=3, help="how often everything is measured; medians are shown (default: 3)")
    add(
        "--vcpu-second-dollars",
        type=float,
        default=VCPU_SECOND_DOLLARS,
        help=f"the price that costs are told at (default: {VCPU_SECOND_DOLLARS}, Cloud Run's)",
    )
    add("--quick", action="store_true", help="few trees: with --seconds 0.5 --rounds 1 it shows that the measuring works")
    add("--output", metavar="FILE.md", type=Path, help="where to write, with a .json beside it (default: docs/fraud_serving.md)")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
