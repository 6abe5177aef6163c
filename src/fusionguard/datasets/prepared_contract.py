"""What the prepared rows of a declared data set must hold."""

from __future__ import annotations

import pyarrow as pa

from fusionguard.data.contract_suites import CellRule, Suite, between, not_null, one_of
from fusionguard.data.table import CARRIED
from fusionguard.datasets.prepared_names import CLOCK, EVENT, GROUP, OTHER, prepared_names
from fusionguard.datasets.resolved import ResolvedDataset


def prepared_suite(described: ResolvedDataset, columns: pa.Schema) -> Suite:
    """Return the contract on a prepared table with these columns.

    The declaration's own sentences have been held against the raw rows before, see :mod:`resolving`; this is the record of what
    was prepared.
    """
    declaration = described.declaration
    names = prepared_names(declaration)
    label = names[declaration.label.column]
    cells: list[CellRule] = [not_null(name) for name in (CLOCK, EVENT, GROUP) if name in columns.names]
    for name, (_, numeric) in declaration.measured.items():
        if numeric.missing == "refuse" and name not in declaration.optional:
            cells.append(not_null(names[name]))
        if numeric.range is not None:
            cells.append(between(names[name], *numeric.range))
    for name, categorical in declaration.categorical.items():
        if categorical.missing == "refuse" and categorical.unseen != "missing" and name not in declaration.optional:
            cells.append(not_null(names[name]))
        known = described.categories[name].values if name in described.categories else ()
        if len(known) <= _MOST_LISTED:
            cells.append(one_of(names[name], (*known, OTHER)))
    return Suite(
        columns={field.name: (str(field.type),) for field in columns if field.name != CARRIED},
        cells=(*cells, not_null(label), one_of(label, (0, 1))),
        unique=(),
        label=label,
        label_share=declaration.label.share or (0.0, 1.0),
        rows=(_FEWEST_ROWS, None),
        order=EVENT if EVENT in columns.names else None,
        private=frozenset(names[name] for name in declaration.private),
    )


_MOST_LISTED = 100
_FEWEST_ROWS = 200
