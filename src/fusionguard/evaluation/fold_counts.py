"""How often models are fitted to choose among them: less often the more rows there are, for more rows leave less to chance."""

from __future__ import annotations

from fusionguard.config import HoldoutConfig, where_unset

_FOLDS_AND_REPEATS = ((10_000, 5, 5), (50_000, 5, 2))
"""Up to so many rows: folds and repeats. Five times five is worth it where chance in the folds is as large as what models differ
by; on 50,000 rows one division tells as much as five do on 10,000."""
_OF_MORE_ROWS = (3, 1)


def fold_counts(config: HoldoutConfig, rows: int) -> HoldoutConfig:
    """Return the settings for a table of so many rows: folds and repeats that somebody has set stay."""
    found = next(((folds, repeats) for most, folds, repeats in _FOLDS_AND_REPEATS if rows <= most), _OF_MORE_ROWS)
    return where_unset(config, {"folds": found[0], "repeats": found[1]})
