"""What e-mail addresses, phone numbers, customers' numbers and names look like in folded text."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.declared_words import spelled
from fusionguard.given_names import GIVEN_NAMES

_AT, _DOT = r"(?:\s?@\s?|\s?[\[({]\s?at\s?[\])}]\s?)", r"(?:\s?\.\s?|\s?[\[({]\s?dot\s?[\])}]\s?)"
EMAIL = re.compile(
    rf"(?<![\w.+-])(?<!ssh )(?<!HPC=)[\w.+-]{{1,64}}(?:{_DOT}[\w+-]{{1,64}})?{_AT}"
    rf"\w[\w-]{{0,62}}(?:{_DOT}\w[\w-]{{0,62}}){{0,5}}?{_DOT}[a-z]{{2,18}}(?![\w@])"
    r"|(?<!\w)(?:[\w.] ){1,64}@ (?:[\w-] ){1,64}\. (?:[\w] ?){2,6}"
    r"|(?<![\w.])[\w.]{1,64} at [\w-]+ dot (?:com|org|net|de|fr|es|it|io|co|uk|eu|nl|pl|pt|tr|in|jp|cn|ru)\b",
    re.I,
)

HEX = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{7,128}(?![0-9A-Za-z])|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I
)
"""Commit ids, SHA-256, UUIDs: rows of digits in them mean nothing."""

_PHONE_WORD = (
    r"(?:tele?(?:ph|f)one?s?|phone|mobile|cell|handy(?:nummer)?|fon|fax|whatsapp|t[ée]l(?:[ée]phone)?|telefon[oa]?|telefoonnummer"
    r"|t[eé]l[eé]fono|cellulare|celular|telem[oó]vel|call me|ring me|rufnummer|телефон|电话|手机|電話|携帯|هاتف|फोन|फ़ोन|\btel)"
)
_GAP = r"[ \-./]{0,2}"
PHONE = re.compile(
    rf"(?P<international>(?<![\w.+])(?:\+{_GAP}|00{_GAP}(?=[1-9]))(?:\(?\d\)?{_GAP}){{7,14}}\d)(?!\w)"
    r"|(?P<north_american>(?<![\w.-])(?<!\d )(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-]|\.\d| \d))"
    rf"|(?P<national>(?<![\w.,:/-])\(?0[1-9]\d{{0,4}}\)?(?: ?/ ?|[ -])\d{{2,4}}(?:[ \-/]?\d{{2,4}}){{1,4}}(?![\w%]|[.,]\d))"
    rf"|{_PHONE_WORD}[^\d\n+]{{0,20}}(?P<named>\(?\d(?:[ \-./()]{{0,3}}\d){{6,14}})(?!\w)",
    re.I,
)

_CUSTOMER_NUMBER = (
    r"(?:customer|client|kunden?|cliente|klant)[ _-]?(?:id|no|nr|num(?:ber|mer)?|numéro|número)?s?\.?[ :=#\"']{0,4}"
    r"(?P<named>\d{5,12})(?![\w%]|[.,]\d)"
)


@cache
def customer_number() -> re.Pattern[str]:
    """Return what a customer's number looks like: one that is called so, or one of those that a family's data have."""
    known = "|".join(numbers for name in family_names() if (numbers := model_family(name).words.personal_numbers))
    range_of_data = rf"|(?<![\w.,:/€$£+-])(?P<known>{known})(?![\w%]|[.,]\d| ?(?:rows|eur|euro|usd|€|\$|£))" if known else ""
    return re.compile(_CUSTOMER_NUMBER + range_of_data, re.I)


@lru_cache(maxsize=16)
def private_value(columns: frozenset[str]) -> re.Pattern[str]:
    """Return what a value of some private columns looks like: behind the column's name, something with a digit, or set by a mark.

    A column that is called ``id`` alone would take a request's id along, which is nobody's.
    """
    called = "|".join(sorted(map(spelled, columns), key=lambda each: (-len(each), each)))
    return re.compile(
        rf"(?<!request )(?<!request-)(?<!request_)(?<!\w)(?:{called})(?!\w)"
        r"(?:\s*[:=]\s*[\"'“‘]?(?P<set>[^\s,;\"'”’]+)|\s*(?:is|of|no\.?|number|#)?\s*[\"'“‘]?(?P<named>(?=\S*\d)\w[\w.@/+-]*\w))",
        re.I,
    )


_CAPITALISED = r"[A-ZÀ-ÖØ-ÞŁŚŻŹČŠŽĞİА-ЯΑ-Ω][\w'’-]*[a-zà-öø-ÿłśżźčšžğıа-яα-ω][\w'’-]*"
_FULL = rf"{_CAPITALISED}(?: (?:(?:van|von|de|del|di|da|der|den|la|le|el|bin|al) ){{0,2}}{_CAPITALISED}){{0,3}}"
# With a capitalised word after it, a given name is somebody.
_GIVEN = "|".join(GIVEN_NAMES)
_TITLES = (
    "mr|mrs|ms|miss|mx|herrn?|frau|monsieur|madame|mme|mlle|señora?|signora?|sig|sra|senhora?|pan[ia]?|mevrouw|meneer|bay|bayan"
)
_ROLES = (
    "customer|cardholder|card holder|account holder|client|kund(?:e|in)|karteninhaber(?:in)?|titulaire|clienta|klant(?:e)?"
    "|klient(?:ka)?|müşteri"
)
_CALLED = r"(?: (?:is |was )?(?:named|called|namens|nommée?|llamad[oa]|with the name|by the name of))?:?"
_NAMING = (
    r"(?:surname|last name|first name|full name|my name is|nachname|vorname|ich heiße|je m'appelle|me llamo)\b[\"']?(?: is)?[:=]?"
)
NAME = re.compile(
    rf"(?i:\b(?:{_TITLES})\b\.?) (?P<title>{_FULL})"
    rf"|(?i:\b(?:{_ROLES}){_CALLED}) (?P<customer>{_FULL})"
    rf"|(?i:\b{_NAMING} ?[\"']?) ?(?P<surname>{_FULL})"
    rf"|\b(?P<given>(?:{_GIVEN}) (?:[A-Z]\. )?{_FULL})"
)
_NOT_A_NAME = frozenset(
    {
        *("Id", "ID", "Ids", "Relationship", "Service", "Support", "Score", "Scores", "Risk", "Data", "Number", "Numbers"),
        *("Column", "Columns", "Value", "Experience", "Segment", "Segments", "Insights", "Dataset", "Rows", "Features"),
        *("Guide", "The", "A", "An", "And", "Or"),
    }
)


@cache
def not_a_name() -> frozenset[str]:
    """Return capitalised words that follow "customer" and are no names."""
    return _NOT_A_NAME.union(*(model_family(name).words.not_names for name in family_names()))
