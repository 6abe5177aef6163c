"""Makes features of raw rows where no engine is: in the service, by what is generated from the definition's own SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.features.definition import FeatureDefinition


class FeatureMaker:
    """Makes what models read of raw rows that have been checked; to the last bit what DuckDB and Spark make of them.

    Parameters
    ----------
    definition
        The features; of a model, those that its bundle was made with.
    """

    def __init__(self, definition: FeatureDefinition) -> None:
        self._rows, self.names = definition.parsed_rows, definition.model_features
        self.one = self._rows.row_function(definition.model_columns, self.names)
        """From a row's raw values, in the order of ``model_columns``, to its features in the order of ``names``."""

    def many(self, columns: Mapping[str, NDArray[Any]]) -> pa.Table:
        """Return the features of raw columns (n,) by name: numbers, where NaN is a missing one, and texts as objects.

        Raises
        ------
        RowError
            A feature cannot be made of a row, such as an integer that leaves its type's range.
        """
        return self._rows.table(columns, self.names)

    def place(self, feature: str) -> int:
        """Return where a feature stands among ``names``."""
        return self.names.index(feature)
