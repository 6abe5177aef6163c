"""How people speak of customers who leave, and of what is known of a customer."""

from __future__ import annotations

import re

from fusionguard.families.churn.said_of_customer import said_of_customer
from fusionguard.families.words import FamilyWords, FieldWords, FormWords, GivenValues

_IN_WORDS = tuple(
    (name, value, re.compile(words, re.IGNORECASE))
    for name, value, words in (
        ("Balance", 0.0, r"\b(?:no|without(?: an?y?)?) balance\b|\bbalance (?:of |is )?nothing\b"),
        ("NumOfProducts", 0, r"\b(?:no|without(?: any)?) products?\b(?!\s*[=:])"),
        ("NumOfProducts", 1, r"\b(?:a )?single product\b(?!\s*[=:])"),
    )
)
"""Values that no number writes."""
_NO_NUMBER = re.compile(r"\b(?:zero|nil)(?=\s+(?:activit|cards?\b|credit[- ]?card))", re.IGNORECASE)
"""A number that says of a flag that it is not set, and is no field's value."""


def read_words(text: str, given: GivenValues) -> str:
    """Note what is said of a customer in words, and return the text without what is a number there."""
    rest = text
    for name, value, pattern in _IN_WORDS:
        for found in pattern.finditer(text):
            given.add(name, value, found[0])
            # What is denied here is nothing else: a mark ends the clause.
            rest = f"{rest[: found.start()]},{' ' * (len(found[0]) - 1)}{rest[found.end() :]}"
    said = said_of_customer(rest)
    given.values.update(said.values)
    given.unclear += said.unclear
    given.unsaid += said.unsaid
    return _NO_NUMBER.sub(lambda found: " " * len(found[0]), rest)


CHURN_WORDS = FamilyWords(
    named_by=r"churn|retention|customers?",
    things=("customer", "client"),
    chance_of="leaving",
    outcomes=("stayed", "left"),
    decisions={"offer": "make an offer", "no_offer": "make no offer", "none": "make no offer"},
    worth="Expected profit of an offer",
    written_example="Age 52, not active",
    fields=FieldWords(
        before={
            "Balance": r"balance",
            "EstimatedSalary": r"(?:estimated ?)?salary",
            "CreditScore": r"credit ?score",
            "Age": r"aged?",
            "Tenure": r"tenure",
            "NumOfProducts": r"num(?:ber)? ?of ?products|products",
            "HasCrCard": r"has ?cr ?card|(?<![-\w])(?:credit[- ])?card(?=\s*[=:])",
            "IsActiveMember": r"is ?active ?member|(?<![-\w])(?<!non )active(?: member)?(?=\s*[=:])",
        },
        after={
            "Age": r"[- ]?(?:years?|yrs?)[- ]?old|[- ]?y/?o",
            "NumOfProducts": r" ?products?",
            "Balance": r" ?balance",
            "EstimatedSalary": r" ?(?:estimated )?salary",
            "CreditScore": r" ?credit ?score",
            "Tenure": r" ?years? (?:of )?tenure",
        },
        money=frozenset({"Balance", "EstimatedSalary"}),
        in_words=frozenset({"active", "member", "isactivemember", "card", "creditcard", "geography", "country", "gender", "sex"}),
        read=read_words,
    ),
    form=FormWords(
        unusual={"Age": 58, "NumOfProducts": 3, "IsActiveMember": 0, "Geography": "Germany", "Balance": 121_000.0, "Tenure": 1},
    ),
    said_and_meant=(
        (r"quit|churn|attrition|cancel|walks? (out|away)|los(e|ing) (a )?customers", "leave left leavers churn"),
        (r"elder|senior|pensioner|old(er)? (people|customers)|young|teenager|how old", "age"),
        (r"\bm[ae]n\b|\bwom[ae]n\b|\bmale|\bfemale|\bsex\b", "gender"),
        (r"german", "Germany"),
        (r"french", "France"),
        (r"spanish|spaniard", "Spain"),
        (r"nationalit|countr", "geography country"),
        (r"incentive|discount|voucher|retention", "offer retention"),
    ),
    risk_words=("churn", r"leav\w*"),
    of_all_words=("churn",),
    not_names=frozenset(
        {
            *("Churn", "Attrition", "Lifetime", "Retention", "CreditScore", "EstimatedSalary", "NumOfProducts", "HasCrCard"),
            *("IsActiveMember", "Age", "Geography", "Gender", "Balance", "Tenure"),
        }
    ),
    personal_numbers=r"15(?:5[6-9]|[67]\d|8[01])\d{4}",  # the range of the data set's customers
)
