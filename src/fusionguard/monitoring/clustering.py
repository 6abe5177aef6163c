"""How far rows come in groups that are alike: forty frauds of eight campaigns tell as much as eight frauds, not as forty."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.data.table import Table

_KEY = b"design_effect"
_POSITIVES_A_BLOCK = 3.0
_FEWEST_POSITIVES = 60


def design_effect(label: NDArray[np.int8]) -> float:
    """Return by how many times the number of positives varies more than that of independent ones would, at least 1.

    Rows are cut, in their order, into blocks that hold about three positives. Between independent rows the variance of a block's
    count is its mean; what it is more is the design effect (Kish, *Survey Sampling*, 1965, section 5.4), by which chi-squared
    tests of clustered counts are to be divided (Rao and Scott, "A simple method for the analysis of clustered binary data",
    Biometrics 48, 1992). The variance is taken from the differences of neighbouring blocks, so that a slow rhythm, such as that
    of the day, does not count (von Neumann et al., "The mean square successive difference", Ann. Math. Stat. 12, 1941).

    Parameters
    ----------
    label
        (n,) outcomes in order of time. Of fewer than 60 positives nothing can be told, and 1 is returned.
    """
    positives = int(label.sum())
    if positives < _FEWEST_POSITIVES:
        return 1.0
    borders = np.linspace(0, label.size, round(positives / _POSITIVES_A_BLOCK) + 1).astype(np.int64)[:-1]
    count = np.add.reduceat(label.astype(np.float64), borders)
    return max(1.0, float(np.mean(np.diff(count) ** 2) / 2 / count.mean()))


def with_design_effect(rows: pa.Table, effect: float) -> pa.Table:
    """Return rows that carry a design effect as metadata."""
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), _KEY: repr(effect).encode()})


def kept_design_effect(rows: Table) -> float:
    """Return the design effect that rows carry; 1 where they carry none, as those that older versions kept."""
    return float((rows.schema.metadata or {}).get(_KEY, b"1"))
