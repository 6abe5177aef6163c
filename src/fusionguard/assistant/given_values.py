"""The fields of a made-up transaction or customer that a question names: ``V14 = -5``, ``an amount of 250``, ``aged 52``."""

from __future__ import annotations

import re

_NUMBER = r"([-+]?\d+(?:,\d{3})*(?:\.\d+)?)"
_IS = r"\s*(?:=|:|is|of|at)?\s*"
_MONEY = r"(?:EUR|USD|€|\$|euros?|dollars?)?\s*"

_FRAUD = (
    ("Amount", re.compile(rf"\bamount{_IS}{_MONEY}{_NUMBER}", re.IGNORECASE)),
    ("Amount", re.compile(rf"(?:EUR|USD|€|\$)\s*{_NUMBER}|{_NUMBER}\s*(?:EUR|USD|€|\$|euros?|dollars?)", re.IGNORECASE)),
    ("Amount", re.compile(rf"\b(?:transaction|payment) (?:of|over|for|worth){_IS}{_NUMBER}", re.IGNORECASE)),
    ("Time", re.compile(rf"\btime{_IS}{_NUMBER}", re.IGNORECASE)),
)
_V = re.compile(rf"\bV(\d{{1,2}}){_IS}{_NUMBER}", re.IGNORECASE)
_HOUR = re.compile(r"\bat (\d{1,2})(?::00)? ?(?:o'clock|h\b|hours?\b|:00)|\bhour\s*(?:=|of)?\s*(\d{1,2})\b", re.IGNORECASE)

_CHURN_WHOLE = (
    ("CreditScore", re.compile(rf"\bcredit ?score{_IS}{_NUMBER}", re.IGNORECASE)),
    ("Age", re.compile(rf"\baged?{_IS}{_NUMBER}|{_NUMBER}[- ]years?[- ]old", re.IGNORECASE)),
    ("Tenure", re.compile(rf"\btenure{_IS}{_NUMBER}", re.IGNORECASE)),
    ("NumOfProducts", re.compile(rf"\b(?:num ?of ?products|products){_IS}{_NUMBER}|{_NUMBER} products?\b", re.IGNORECASE)),
    ("HasCrCard", re.compile(rf"\bhas ?cr ?card{_IS}{_NUMBER}", re.IGNORECASE)),
    ("IsActiveMember", re.compile(rf"\bis ?active ?member{_IS}{_NUMBER}", re.IGNORECASE)),
)
_CHURN = (
    ("Balance", re.compile(rf"\bbalance{_IS}{_MONEY}{_NUMBER}", re.IGNORECASE)),
    ("EstimatedSalary", re.compile(rf"\b(?:estimated ?)?salary{_IS}{_MONEY}{_NUMBER}", re.IGNORECASE)),
)
_CHURN_WORDS = (
    ("Geography", re.compile(r"\b(France|Germany|Spain)\b", re.IGNORECASE)),
    ("Geography", re.compile(r"\b(French|German|Spanish)\b", re.IGNORECASE)),
    ("Gender", re.compile(r"\b(Female|Male)\b", re.IGNORECASE)),
)
_COUNTRIES = {"French": "France", "German": "Germany", "Spanish": "Spain"}
_INACTIVE = re.compile(r"\b(?:inactive|not active)\b", re.IGNORECASE)
_ACTIVE = re.compile(r"\bactive\b", re.IGNORECASE)


def given_values(question: str, family: str) -> dict[str, float | int | str]:
    """Return the fields that a question gives, as the model's requests have them; whether they are in range is not checked."""
    return _fraud(question) if family == "fraud" else _churn(question)


def _fraud(question: str) -> dict[str, float | int | str]:
    values: dict[str, float | int | str] = {f"V{found[1]}": _number(found[2]) for found in _V.finditer(question)}
    _read(values, _FRAUD, question)
    hour = _HOUR.search(question)
    if hour and "Time" not in values:
        values["Time"] = 3600.0 * int(hour[1] or hour[2])
    return values


def _churn(question: str) -> dict[str, float | int | str]:
    values: dict[str, float | int | str] = {}
    _read(values, _CHURN, question)
    _read(values, _CHURN_WHOLE, question)
    for name, _ in _CHURN_WHOLE:
        number = values.get(name)
        if isinstance(number, float) and number.is_integer():
            values[name] = int(number)
    for name, pattern in _CHURN_WORDS:
        found = pattern.search(question)
        if found and name not in values:
            word = found[1].capitalize()
            values[name] = _COUNTRIES.get(word, word)
    if "IsActiveMember" not in values and _ACTIVE.search(question):
        values["IsActiveMember"] = 0 if _INACTIVE.search(question) else 1
    elif "IsActiveMember" not in values and _INACTIVE.search(question):
        values["IsActiveMember"] = 0
    return values


def _read(values: dict[str, float | int | str], patterns: tuple[tuple[str, re.Pattern[str]], ...], question: str) -> None:
    for name, pattern in patterns:
        found = pattern.search(question)
        if found and name not in values:
            values[name] = _number(next(group for group in found.groups() if group))


def _number(text: str) -> float:
    return float(text.replace(",", ""))
