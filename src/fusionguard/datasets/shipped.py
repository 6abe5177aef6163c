"""What the data sets that ship have besides their declarations: a contract, a simulator, and facts of the published file."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from fusionguard.errors import UnknownChoiceError

if TYPE_CHECKING:
    import pyarrow as pa

    from fusionguard.data.class_balance import UsualShare
    from fusionguard.data.contract_suites import Suite
    from fusionguard.data.schema import DatasetSchema

_SHIPPED = {
    "fraud": "fusionguard.datasets.creditcard.dataset:CREDITCARD",
    "churn": "fusionguard.datasets.bank_churn.dataset:BANK_CHURN",
}
"""Where each is found, by the name that provenance and commands have for it: nothing is imported before somebody asks."""


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


def dataset_names() -> tuple[str, ...]:
    """Return the names of the data sets that ship, in the order in which people are shown them."""
    return tuple(_SHIPPED)


def other_names() -> dict[str, str]:
    """Return what the declarations of the data sets that ship call them, as their folders are called, each with its name here."""
    return {place.split(".")[2]: name for name, place in _SHIPPED.items()}


@cache
def shipped_dataset(name: str) -> ShippedDataset:
    """Return the data set called ``name``; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name not in _SHIPPED:
        raise UnknownChoiceError("data set", name, _SHIPPED)
    module, _, attribute = _SHIPPED[name].partition(":")
    dataset: ShippedDataset = getattr(importlib.import_module(module), attribute)
    return dataset


def dataset_schema(name: str) -> DatasetSchema:
    """Return the raw layout of the data set called ``name``; raises as :func:`shipped_dataset` does."""
    return shipped_dataset(name).schema
