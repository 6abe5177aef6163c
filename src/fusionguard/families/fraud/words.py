"""How people speak of card fraud, of transactions and of their fields."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import yaml

from fusionguard.families.words import FamilyWords, FieldWords, FormWords, GivenValues, RefusalWords

_HOUR = r"\bhour\s*(?:=|:|of|is)?\s*"
_CLOCK = re.compile(
    rf"(?:\bat |{_HOUR}|\b)(?P<hour>\d{{1,2}})(?::(?P<minute>\d{{2}}))?\s?(?:o'clock|(?P<half>[ap])\.?m\b\.?)"
    r"|\bat (?P<hour2>\d{1,2})(?::(?P<minute2>\d{2})(?!\d)|\s?(?:h|hours?)\b)"
    rf"|{_HOUR}(?P<hour3>\d{{1,2}})(?![\d.,])|\bat (?P<named>midnight|noon)\b",
    re.IGNORECASE,
)


def read_clock(text: str, given: GivenValues) -> str:
    """Note the time of day as ``Time``, and return the text without it."""

    def note(match: re.Match[str]) -> str:
        named = match["named"]
        hour = {"midnight": 0, "noon": 12}[named.lower()] if named else int(match["hour"] or match["hour2"] or match["hour3"])
        minute = int(match["minute"] or match["minute2"] or 0)
        half = (match["half"] or "").lower()
        if hour > (12 if half else 23) or minute > 59 or (half and hour == 0):
            given.unclear.append(f"the hour in '{match[0].strip()}'")
        else:
            hour = hour % 12 + (12 if half == "p" else 0) if half else hour
            given.add("Time", 3600.0 * hour + 60.0 * minute, match[0].strip())
        return " " * len(match[0])

    return _CLOCK.sub(note, text)


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


FRAUD_WORDS = FamilyWords(
    named_by=r"fraud|fraudulent|transactions?|card[- ]fraud",
    things=("transaction", "payment"),
    chance_of="fraud",
    outcomes=("was no fraud", "was a fraud"),
    decisions={"accept": "accept it", "review": "review it"},
    worth="Expected saving",
    written_example="Amount 1250.50, V14 = -5.2",
    fields=FieldWords(
        before={"Amount": r"amount|(?:transaction|payment) (?:of|over|for|worth)", "Time": r"time"},
        numbered=("V", 28),
        money=frozenset({"Amount"}),
        any_money="Amount",
        everyday=frozenset({"Time"}),  # "this time" is no hour
        read=read_clock,
    ),
    form=FormWords(
        unusual={"Time": 10_800, "V4": 6.0, "V10": -9.0, "V11": 5.0, "V12": -11.0, "V14": -11.0, "V17": -10.0, "Amount": 412.5},
        first=("Time", "Amount"),
        rest="Components V1 to V28",
        labels={"Time": "Time (seconds)"},
    ),
    said_and_meant=(
        (r"payment|purchase|charge\b|swipe", "transaction amount"),
        (r"good (transactions|payments|rows)|honest (transactions|payments)|genuine", "legitimate"),
        (r"at night|night|evening|morning|time of day", "hour of day"),
    ),
    risk_words=(r"fraud\w*",),
    attack_words=frozenset({"fraud"}),
    refusals={
        "fraud_evasion": RefusalWords(
            message=(
                "The assistant does not help to get around fraud detection. It can tell how the model and its threshold are"
                " validated, which frauds were missed in evaluation, and how monitoring finds new patterns."
            ),
            rules=yaml.safe_load(_text("evasion.yaml")),
            languages=json.loads(_text("evasion_languages.json")),
        )
    },
)
