"""How a table of transactions whose frauds are known shows itself."""

from __future__ import annotations

from fusionguard.datasets.inspection.name_words import AMOUNT, word_set
from fusionguard.datasets.inspection.problem import Problem

FRAUD_PROBLEM = Problem(
    name="fraud",
    rows="transactions",
    label_words=word_set("fraud isfraud fraudulent chargeback chargedback scam betrug fraude dispute"),
    positive_words=word_set("fraud fraudulent chargeback disputed betrug fraude"),
    negative_words=word_set("genuine legit legitimate nofraud notfraud normal"),
    table_words=word_set("amount amt merchant card terminal transaction tx mcc payment currency device"),
    amount_words=("amount", "amt", "betrag", *sorted(AMOUNT - {"amount", "amt", "betrag"})),
)
