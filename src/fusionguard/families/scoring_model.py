"""A loaded model of any family, as those know it who score rows with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    import pandas as pd

    from fusionguard.evaluation.explanation import Explanation


class ScoringModel(Protocol):
    """A loaded model of any family."""

    @property
    def bundle(self) -> Bundle:
        """The folder it was loaded from."""

    @property
    def version(self) -> str:
        """The first 12 digits of the bundle's SHA-256."""

    def answer(self, rows: pd.DataFrame | pa.Table, *, reasons: int = 0) -> pa.Table:
        """Return one row for each of ``rows``, raw rows in the data set's own columns: the columns of ``family.outputs``.

        With ``reasons`` above 0, at most so many reason codes are told for each flagged row; it costs about 1 ms a flagged row.

        Raises
        ------
        DataError
            A column is missing, or a cell is empty, unknown, of another type or out of range.
        """

    def answer_features(self, features: pa.Table, *, reasons: int = 0) -> pa.Table:
        """Return the same of rows that hold the family's model features, which are not checked again."""

    def explain(self, rows: pa.Table) -> Explanation:
        """Explain every one of ``rows``, which hold the family's model features: give a sample, or the flagged rows."""
