"""What names of columns say, in the words that banks and telephone companies use for them, English and a little German."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_JOINED = re.compile(
    "(customer|client|user|member|account|card|merchant|terminal|device|transaction|payment|kunden|konto|karten|row)"
    "(ids?|no|nr|num|numbers?|nummer|token|hash|key|index)"
)
"""Two words that are often written as one."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a column's name in small letters without accents: ``TX_DATETIME``, ``customerID``, ``card-token``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    found = (word.lower() for word in _PARTS.findall(plain))
    return tuple(part for word in found for part in _unjoined(word))


def _unjoined(word: str) -> tuple[str, ...]:
    joined = _JOINED.fullmatch(word)
    return (word,) if joined is None else joined.groups()


def says(name: str, among: frozenset[str]) -> str | None:
    """Return the first word of a name, or the first two neighbours as one, that is among some; None where none is."""
    parts = name_words(name)
    for word in (*(a + b for a, b in pairwise(parts)), *parts):
        if word in among:
            return word
    return None


ID = word_set("id ids number no nr num uuid guid key reference ref identifier nummer rownumber rowid index kennung")
COUNTS = word_set("of count number num cnt anzahl many times")
ENTITY = {
    "card": word_set("card cards pan cc karte kreditkarte cardholder token"),
    "merchant": word_set("merchant merchants merch shop seller store payee haendler handler"),
    "terminal": word_set("terminal terminals pos atm till"),
    "customer": word_set("customer customers client clients user users cust kunde kunden member subscriber party nameorig orig"),
    "account": word_set("account accounts acct konto iban namedest dest beneficiary"),
    "device": word_set("device devices ip fingerprint browser session geraet"),
}
"""Kinds of entities, and the words that name their columns; the kind is what the draft calls the entity."""

TIME = word_set(
    "time timestamp epoch unix datetime date booked booking transaction event created occurred posted ts day "
    "moment at when zeit datum "
    "zeitstempel buchung snapshot asof month period"
)
OTHER_TIME = word_set(
    "birth dob born birthday geburt geburtsdatum geburtstag opened opening open joined join since start started "
    "registered signup "
    "expiry expires expiration valid end closed closing updated modified last first due eroffnet seit beginn ende "
    "contract signed activation activated enrolled enrolment enrollment onboarded onboarding subscription subscribed acquired "
    "vertrag vertragsbeginn vertragsabschluss vertragsdatum abschluss kundeseit"
)
TENURE = word_set(
    "tenure age months years seniority vintage lifetime membership duration alter monate jahre laufzeit dauer "
    "vertragsdauer vertragslaufzeit zugehorigkeit"
)
"""Words for how long something has lasted when a row is made."""
AMOUNT = word_set("amount amt value betrag total sum price paid payment umsatz")
CODE = word_set(
    "code codes mcc type kind category cat class segment region zip postcode plz branch country state city channel product plan "
    "group level grade status flag bin filiale"
)
PROTECTED = word_set(
    "gender sex ageband agegroup agerange race ethnicity ethnic religion nationality marital maritalstatus disability disabled "
    "pregnant pregnancy seniorcitizen citizenship geschlecht"
)
PROTECTED_IF_ALONE = word_set("age alter")
"""Words for what is protected, unless other words beside them speak of something else, such as an account's age."""
PERSONAL = {
    "a name": word_set(
        "surname firstname lastname fullname forename givenname familyname middlename nachname vorname maiden cardholdername "
        "customername clientname holdername username"
    ),
    "a login": word_set("login loginname userlogin"),
    "an e-mail address": word_set("email mail emailaddress"),
    "a phone number": word_set("phone mobile telephone tel telefon handy cell msisdn fax phonenumber"),
    "an address": word_set(
        "address street addr strasse adresse anschrift housenumber postcode postalcode zipcode zip plz "
        "latitude longitude lat lon lng"
    ),
    "a date of birth": word_set("birth birthday dob birthdate geburtsdatum geburtstag geburt dateofbirth"),
    "a number that names a person": word_set(
        "ssn passport nin nino nationalinsurance nhsnumber nhsno nhsid taxid steuerid socialsecurity nationalid "
        "driverlicense licence"
    ),
    "a card or account number": word_set(
        "pan iban cardnumber ccnumber ccnum cardno creditcard accountnumber acctno acctnumber kontonummer sortcode bankleitzahl"
    ),
    "an internet address": word_set("ip ipaddress ipv4 ipv6 mac macaddress imei"),
    "a secret": word_set("password passwd secret pin cvv cvc"),
}
"""What columns hold that say who somebody is, and the words that name them."""
PERSONAL_ALONE = word_set("name names first last middle")
"""Words that name a person only where they are the whole name."""
PEOPLE_WORDS = word_set(
    "holder accountholder cardholder policyholder customer cust client clnt member insured assured patient subscriber owner "
    "beneficiary borrower applicant claimant payer employee guest contact person first given last family full maiden legal "
    "kunden inhaber kontoinhaber karteninhaber versicherungsnehmer begunstigter"
)
"""Words for people: before ``name`` they make a person's name, and alone they do where the cells look like names."""
NAME_WORDS = word_set("name names nm nme")
NUMBERED = word_set("card cards cc pan acct account accounts acc phone mobile tel telefon telephone handy konto karte")
"""Words for what has a long number that is somebody's, where no other word but these says what the column holds."""
NUMBER_SIDE = word_set("from to primary main line contact work home old new orig dest source target in spaced plain raw full")
FREE_TEXT = word_set(
    "comment comments note notes remark remarks memo message description text narrative freetext reason bemerkung notiz kommentar"
)
