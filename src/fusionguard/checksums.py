"""Checksums that tell a card number or an IBAN from any other row of digits."""

from __future__ import annotations

# Lengths by country: IBAN Registry, release 99 (SWIFT, https://www.swift.com/standards/data-standards/iban).
_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ DZ ES MD PK RO SA SE SK TN VG YE",
    25: "AO CV GW LY MZ PT ST",
    26: "IS TR IR",
    27: "BF BI BJ CF CG CI CM DJ EG FR GA GF GP GQ GR IT KM MC MG ML MQ MR NC PF PM RE SM SN TD TF TG WF YT",
    28: "AL AZ BY CY DO GT HN HU LB MA NE NI PL SV",
    29: "BR PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_LENGTHS = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries.split()}
"""The number of characters of an IBAN, by its country."""

_ISSUERS = (  # first digits and the lengths that go with them: ISO/IEC 7812, as the schemes publish them
    (("4",), (13, 16, 19)),
    (("51", "52", "53", "54", "55"), (16,)),
    (tuple(str(each) for each in range(2221, 2721)), (16,)),
    (("34", "37"), (15,)),
    (("300", "301", "302", "303", "304", "305", "36", "38", "39"), (14, 16, 19)),
    (("6011", "644", "645", "646", "647", "648", "649", "65", "62", "60", "81"), (16, 17, 18, 19)),
    (tuple(str(each) for each in range(3528, 3590)), (16, 17, 18, 19)),
    (("50", "56", "57", "58", "63", "67", "2200", "2201", "2202", "2203", "2204", "9792"), (13, 14, 15, 16, 17, 18, 19)),
)


def luhn(digits: str) -> bool:
    """Return whether the last of some ASCII digits is their check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Return whether ASCII digits are a card number: an issuer's first digits, a length it uses, a check digit that fits."""
    known = any(digits.startswith(starts) and len(digits) in lengths for starts, lengths in _ISSUERS)
    return known and luhn(digits)


def is_iban(text: str) -> bool:
    """Return whether capital letters and digits without spaces are an IBAN: its country's length, and 1 modulo 97 (ISO 13616)."""
    if len(text) != IBAN_LENGTHS.get(text[:2]) or not (text.isascii() and text.isalnum() and text[2:4].isdigit()):
        return False
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1
