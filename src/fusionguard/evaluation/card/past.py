"""What a card says of a model that reads what happened before a row."""

from __future__ import annotations

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import MOST_TILES, Span

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def reads_of_the_past(declaration: Declaration) -> str:
    """Say of whom, over which spans and how coarsely the model reads the past, and what scoring needs for that.

    Nothing where a declaration has no windows.
    """
    if not declaration.windows:
        return ""
    read = "; ".join(
        f"of the same {entity} ({', '.join(declaration.columns_of(entity))})"
        f" over {', '.join(_span(text) for text in windows.spans)}"
        for entity, windows in declaration.windows.items()
    )
    return (
        f"**What happened before.** The model sees a row and what is remembered of rows of earlier seconds: {read}."
        f" A window moves by tiles of a {MOST_TILES}th of its span and is up to one of them longer; what lies further back is"
        " not seen. Scoring needs those earlier rows, too: a file beside them (`fusionguard score --history`), a service in its"
        " state (`fusionguard state build`). A row whose past is not there looks like that of somebody new. A row that does not"
        " say whose it is has no past. In reasons, what is *usual* is what the entity's own longest span makes of a shorter one,"
        " and a *median* is that of the rows that the model learned from."
    )


def _span(text: str) -> str:
    return f"{text} (tiles of {_duration(Span.of(text).tile_seconds)})"


def _duration(seconds: int) -> str:
    """Return seconds as people write them: ``1 d``, ``2 min``, ``13.3 h``."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds / size:.3g} {unit}"
