"""How a table of customers of whom some have left shows itself."""

from __future__ import annotations

from fusionguard.datasets.inspection.name_words import word_set
from fusionguard.datasets.inspection.problem import Problem

CHURN_PROBLEM = Problem(
    name="churn",
    rows="customers",
    label_words=word_set(
        "churn churned exited attrition attrited left cancelled canceled lapse lapsed closed terminated "
        "gekundigt gekuendigt kundigung kuendigung abwanderung abgewandert"
    ),
    opposite_words=word_set("renewed retained active stayed"),
    positive_words=word_set(
        "churn churned exited attrited attritedcustomer left cancelled canceled closed lapsed terminated "
        "gekundigt gekuendigt abgewandert"
    ),
    negative_words=word_set("existing existingcustomer stayed active retained renewed loyal open"),
    table_words=word_set("tenure contract customer plan subscription balance products months member salary charges"),
)
