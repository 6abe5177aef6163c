"""The groups of customers that fairness is read by: what the data set calls its attributes, at most a dozen groups each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fusionguard.errors import UsageError
from fusionguard.expressions.expression import RowsText, parse_expression
from fusionguard.expressions.tree import RawColumn
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.features.definition import FeatureDefinition, Segmentation

MOST_GROUPS = 12
"""Groups of one attribute that are told apart, at most: the rest are taken together."""

NOT_KNOWN, THE_OTHERS = "not known", "all others"
"""What the customers are called of whom a group is not known, and those beyond ``MOST_GROUPS``."""

Groups = NDArray[np.str_]

_PART = "part"


def attribute_columns(definition: FeatureDefinition) -> list[str]:
    """Return the columns of a training table that groups are read from."""
    return [column_of(cut) for cut in definition.attributes]


def column_of(cut: Segmentation) -> str:
    """Return the column that a segmentation reads."""
    return cut.column or cut.expression


def asked_attributes(definition: FeatureDefinition, columns: Collection[str]) -> tuple[Segmentation, ...]:
    """Return the attributes whose groups a table with only these ``columns`` tells, such as a log of answers."""
    return tuple(cut for cut in definition.attributes if column_of(cut) in columns)


def group_names(rows: pa.Table, cut: Segmentation) -> Groups:
    """Return the group (n,) of each row by name.

    Where there are more than ``MOST_GROUPS``, those first in the segmentation's names keep theirs, or the most frequent of these
    rows where it names none; the others are together ``THE_OTHERS``.
    """
    found = _parts(rows, cut).dictionary_encode()
    encoded: pa.DictionaryArray = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    named = [cut.names.get(value, _plain(value)) for value in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(named)).to_numpy(zero_copy_only=False)
    counted = np.bincount(codes, minlength=len(named) + 1)
    listed = list(cut.names.values()) or [named[place] for place in np.argsort(-counted[:-1], kind="stable")]
    kept = set(listed if len(listed) <= MOST_GROUPS else listed[: MOST_GROUPS - 1])
    names = [name if name in kept or len(listed) <= MOST_GROUPS else THE_OTHERS for name in named]
    return np.asarray(np.array([*names, NOT_KNOWN], dtype=np.str_)[codes])


def mitigated_attribute(definition: FeatureDefinition, config: FairnessConfig) -> Segmentation | None:
    """Return the attribute whose groups get bars of their own, or would; None where no request tells a group.

    Raises
    ------
    UsageError
        Mitigation is asked for by an attribute that there is not, or that no request tells.
    """
    by_name = {cut.name: cut for cut in definition.attributes}
    told = asked_attributes(definition, definition.model_features)
    asked = config.mitigated_attribute
    known = f"The attributes are: {', '.join(by_name)}." if by_name else "Declare protected columns, or set it to none."
    cut = by_name.get(asked) if asked is not None else next(iter((*told, *by_name.values())), None)
    if config.mitigation == "none":
        return cut if cut in told else None
    if cut is None:
        what = "customers have no groups" if asked is None else f"customers are not grouped by '{asked}'"
        raise UsageError(f"fairness.mitigation cannot even out offers: {what}.", known)
    if cut not in told:
        raise UsageError(
            f"fairness.mitigation cannot even out offers by '{cut.name}': no request tells it, since no model reads it.",
            "Declare the column as a feature, too, or set fairness.mitigation to none.",
        )
    return cut


def _parts(rows: pa.Table, cut: Segmentation) -> pa.ChunkedArray | pa.Array:
    """Return the values of the segmentation's expression, which the service evaluates as the engines do."""
    column = column_of(cut)
    values = rows[column]
    if cut.expression == column:
        return values
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    made = parse_expression(cut.expression, {column: RawColumn("text" if text else "float", True)})
    given = values.to_numpy() if text else values.to_numpy().astype(np.float64)
    return RowsText({_PART: made.node}).table({column: given}, [_PART])[_PART]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
