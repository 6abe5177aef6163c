"""What the data sets that ship have besides their declarations.

Those that have a family's name are read in a layout of their own, and have a contract and facts of a published file; of others
there is the declaration alone, as of anybody's own table. All have a simulator.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from fusionguard.errors import UnknownChoiceError

if TYPE_CHECKING:
    import pyarrow as pa

    from fusionguard.data.class_balance import UsualShare
    from fusionguard.data.contract_suites import Suite
    from fusionguard.data.drifting import Drifting
    from fusionguard.data.schema import DatasetSchema

_SHIPPED = {
    "fraud": "fusionguard.datasets.creditcard.dataset:CREDITCARD",
    "churn": "fusionguard.datasets.bank_churn.dataset:BANK_CHURN",
}
"""Where each that has a layout of its own is found, by the name that provenance and commands have for it: nothing is imported
before somebody asks."""

_DECLARED = {"card_transactions": "fusionguard.datasets.card_transactions.dataset:CARD_TRANSACTIONS"}
"""Where the simulator of each other one is found, by what its declaration calls it."""


@dataclass(frozen=True)
class ShippedDataset:
    """A data set that ships.

    Parameters
    ----------
    schema
        Its raw layout.
    published_rows
        How many rows the published file has.
    rows
        What they are: ``transactions``.
    suite
        Returns the contract on a raw table of its layout, or of one that lacks optional columns (:meth:`DatasetSchema.within`).
    simulate
        Yields simulated rows: how many, from which seed, in which columns; a chunk depends on the seed and its number only.
    package
        Where the simulator and its ``statistics.json`` are.
    usual_share
        The share of ones in whole files, where rows are often left out.
    """

    schema: DatasetSchema
    published_rows: int
    rows: str
    suite: Callable[[DatasetSchema], Suite]
    simulate: Callable[[int, int, pa.Schema], Iterator[pa.RecordBatch]]
    package: str
    usual_share: UsualShare | None = None

    def statistics(self) -> bytes:
        """Return the file of what the simulator follows."""
        return resources.files(self.package).joinpath("statistics.json").read_bytes()


@dataclass(frozen=True)
class Wanted:
    """What a simulator is asked for.

    Parameters
    ----------
    rows, seed
        How many rows, and from which seed: the same give the same.
    without
        Kinds of positive rows that are left out; all other rows stay as they are.
    since, until
        Rows of this day and later, and of days before that one; others are left out.
    after
        So many rows of the same seed were asked for before, and these are what comes next.
    """

    rows: int
    seed: int
    without: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    after: int = 0


@dataclass(frozen=True)
class SimulatedRows:
    """Rows that a simulator has made, how many they are, and of the positive ones what only the simulator knows."""

    rows: int
    batches: Iterator[pa.RecordBatch]
    truth: pa.RecordBatch


@dataclass(frozen=True)
class Simulator:
    """The simulator of a data set that is read by its declaration alone.

    Parameters
    ----------
    version
        Goes up when the same seed gives other rows.
    usual_rows, usual_seed
        How many are made, and from which seed, where nobody says.
    rows
        What they are: ``transactions``.
    columns
        Those of a table, in their order.
    simulate
        Makes rows in columns of these types; raises :class:`UnknownChoiceError` for a kind that there is not.
    drifting
        Where drifts show in them.
    """

    version: int
    usual_rows: int
    usual_seed: int
    rows: str
    columns: tuple[str, ...]
    simulate: Callable[[Wanted, pa.Schema], SimulatedRows]
    drifting: Drifting


def dataset_names() -> tuple[str, ...]:
    """Return the names of the data sets that have a layout of their own, in the order in which people are shown them."""
    return tuple(_SHIPPED)


def other_names() -> dict[str, str]:
    """Return what the declarations of these call them, as their folders are called, each with its name here."""
    return {place.split(".")[2]: name for name, place in _SHIPPED.items()}


@cache
def shipped_dataset(name: str) -> ShippedDataset:
    """Return the data set called ``name``; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name not in _SHIPPED:
        raise UnknownChoiceError("data set", name, _SHIPPED)
    dataset: ShippedDataset = _imported(_SHIPPED[name])
    return dataset


def declared_names() -> tuple[str, ...]:
    """Return the names of the other data sets that ship."""
    return tuple(_DECLARED)


@cache
def simulator(name: str) -> Simulator | None:
    """Return the simulator of one of these; None for any other data set."""
    found: Simulator | None = _imported(_DECLARED[name]) if name in _DECLARED else None
    return found


def dataset_schema(name: str) -> DatasetSchema:
    """Return the raw layout of the data set called ``name``; raises as :func:`shipped_dataset` does."""
    return shipped_dataset(name).schema


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
