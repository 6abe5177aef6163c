"""How a table of customers of whom some have left shows itself."""

from __future__ import annotations

from fusionguard.datasets.inspection.name_words import word_set
from fusionguard.datasets.inspection.problem import Problem

CHURN_PROBLEM = Problem(
    name="churn",
    rows="customers",
    label_words=word_set("churn churned exited attrition attrited left cancelled canceled gekundigt kundigung"),
    positive_words=frozenset(
        ["churn", "churned", "exited", "attrited", "attritedcustomer", "left", "cancelled", "canceled", "closed", "gekundigt"]
    ),
    negative_words=word_set("existing existingcustomer stayed active retained loyal open"),
    table_words=word_set("tenure contract customer plan subscription balance products months member salary charges"),
)
