"""Where the state of a data set lies: beside those of others, and of what other declarations remember."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import entities_of, memories, numbers_of
from fusionguard.features.online.plan import fingerprint


def state_file(folder: Path, declaration: Declaration) -> Path:
    """Return the file of a declaration's state in a folder; declarations share it that find the same events in the same rows."""
    return folder / f"{declaration.name}-{_digest(declaration)}.sqlite"


def is_same_past(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations find the same events in the same rows, and remember the same of them."""
    return _digest(one) == _digest(other)


def _digest(declaration: Declaration) -> str:
    plan, amount, time, known = memories(declaration), declaration.amount, declaration.time, declaration.label.known
    columns = [*(declaration.entities[each] for each in entities_of(plan)), *numbers_of(plan)]
    told = [
        fingerprint(plan),
        columns,
        [declaration.missing_values.get(column, ()) for column in columns],
        None if time is None else time.model_dump(mode="json", exclude={"range", "ordered"}),
        None if amount is None else [amount.column, amount.currency, amount.currency_column, amount.rate_column],
        None if known is None else known.after,
        declaration.id,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
