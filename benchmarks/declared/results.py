"""What each table gave when it was last measured: ``results.json``, in which measuring a table renews its own entry alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from benchmarks.declared.measure import TableQuality
from benchmarks.machine import Machine
from fusionguard.files import write_text

RESULTS = Path(__file__).with_name("results.json")


class TableResult(BaseModel):
    """One table as one family's problem, when and on what it was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: str
    name: str
    day: date
    machine: Machine
    quality: TableQuality


_LIST = TypeAdapter(tuple[TableResult, ...])


def read_results(file: Path) -> tuple[TableResult, ...]:
    """Return what is kept; nothing where nothing was."""
    return _LIST.validate_json(file.read_bytes()) if file.is_file() else ()


def renew(results: Iterable[TableResult], measured: TableResult) -> tuple[TableResult, ...]:
    """Return ``results`` with ``measured`` in the place of the same table's entry, or behind them."""
    by_table = {(each.problem, each.name): each for each in results}
    return tuple((by_table | {(measured.problem, measured.name): measured}).values())


def keep(measured: TableResult, file: Path) -> None:
    """Write what one table gave into ``file``, beside what is kept there of the others."""
    text = _LIST.dump_json(renew(read_results(file), measured), indent=1).decode()
    write_text(file, f"{text}\n")
