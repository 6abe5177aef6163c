"""What a card says of the data set that ships, which is anonymised, and of no other."""

from __future__ import annotations

NOT_FOR_OTHERS = "its inputs are principal components that only their publisher can compute"

DATA = (
    "Each row is one transaction: its time, its amount and 28 anonymised components (V1 to V28), with a label that says"
    " whether it was fraud. Exact duplicates are dropped before anything is split, so that no row can be in two slices."
)

LIMITS = (
    "**Anonymised inputs.** V1 to V28 have no names, so reasons name components, not causes; and without card, customer or"
    " merchant the model cannot see a card's habits. The same holds for fairness: there is nothing to measure it by.",
    "**Labels as they were published.** How long it took until a fraud was known is not recorded. In use, the latest days"
    " are not labelled yet, and frauds that nobody noticed count as legitimate here.",
)
