"""The simulated card transactions, as the catalog of what ships has them."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from fusionguard.datasets.card_transactions.drifting import CARD_DRIFTING
from fusionguard.datasets.shipped import SimulatedRows, Simulator, Wanted
from fusionguard.errors import UnknownChoiceError

COLUMNS = (
    *("transaction_id", "booked_at", "customer", "card", "age_group", "merchant", "terminal", "category", "entry"),
    *("amount", "distance_km", "fraud", "reported_at"),
)
"""The columns of a table, in their order."""


def _simulate(wanted: Wanted, columns: pa.Schema) -> SimulatedRows:
    from fusionguard.datasets.card_transactions.settings import KINDS, Settings
    from fusionguard.datasets.card_transactions.simulator import simulate_transactions

    _check_kinds(wanted.without, KINDS)
    made = simulate_transactions(wanted.rows, wanted.seed, Settings(), after=wanted.after)
    chosen = made.wanted(wanted.without, wanted.since, wanted.until)
    return SimulatedRows(len(chosen), made.table(columns, chosen), made.truth(chosen))


def _check_kinds(without: Collection[str], known: Collection[str]) -> None:
    for kind in without:
        if kind not in known:
            raise UnknownChoiceError("kind", kind, known)


CARD_TRANSACTIONS = Simulator(
    version=1, usual_rows=300_000, usual_seed=7, rows="transactions", columns=COLUMNS, simulate=_simulate, drifting=CARD_DRIFTING
)
