"""Columns of features as a table that models read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.families.request_fields import Columns
from fusionguard.features.definition import FeatureDefinition


def feature_table(columns: Columns, definition: FeatureDefinition) -> pa.Table:
    """Return the model features of a definition, typed as in the feature store, of columns (n,) by name."""
    types = {name: pa.type_for_alias(definition.column_types[name]) for name in definition.model_features}
    arrays = [
        pa.array(columns[name].astype(np.int32) if pa.types.is_int32(kind) else columns[name], kind)
        for name, kind in types.items()
    ]
    return pa.table(arrays, schema=pa.schema(list(types.items())))
