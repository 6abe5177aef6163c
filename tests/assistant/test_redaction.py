"""Personal data and secrets are found in each disguise, and nothing else is taken for them."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fusionguard.assistant.redaction import find_personal_data, find_secrets, redact
from fusionguard.checksums import IBAN_LENGTHS, is_card, is_iban, luhn
from fusionguard.families.catalog import model_family
from fusionguard.serving.keys import add_key

ROOT = Path(__file__).resolve().parents[2]
CARD, IBAN = "4111111111111111", "DE89370400440532013000"


def _check_digit(payload: str) -> str:
    return next(digit for digit in "0123456789" if luhn(payload + digit))


def _iban(country: str, rest: str) -> str:
    digits = "".join(str(int(each, 36)) for each in f"{rest}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{rest}"


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.sampled_from([" ", "-", "", ".", "/", "\u00a0", "\u2011", " - "]))
def test_every_card_is_found_however_it_is_grouped(payload: str, gap: str) -> None:
    card = payload + _check_digit(payload)
    written = gap.join(card[place : place + 4] for place in range(0, 16, 4))
    assert redact(f"Was {written} flagged?").text == "Was [card removed] flagged?"


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.integers(0, 9))
def test_a_wrong_check_digit_is_no_card(payload: str, last: int) -> None:
    assume(str(last) != _check_digit(payload))
    assert not is_card(f"{payload}{last}")
    assert "card" not in find_personal_data(f"The sum is {payload}{last} in all.")


@given(st.text("0123456789", min_size=1, max_size=19), st.integers(0, 18), st.integers(1, 9))
def test_luhn_sees_each_single_wrong_digit(digits: str, place: int, step: int) -> None:
    right = digits + _check_digit(digits)
    place %= len(right)
    wrong = right[:place] + str((int(right[place]) + step) % 10) + right[place + 1 :]
    assert luhn(right) and not luhn(wrong)


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data(), st.sampled_from(["", " ", "-"]), st.booleans())
def test_every_iban_is_found(country: str, data: st.DataObject, gap: str, small: bool) -> None:
    rest = data.draw(
        st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4)
    )
    iban = _iban(country, rest)
    assert is_iban(iban)
    written = gap.join(iban[place : place + 4] for place in range(0, len(iban), 4))
    shown = redact(f"Refunds go to {written.lower() if small else written}, by hand.")
    assert "iban" in shown.kinds
    assert iban[8:] not in shown.text.upper().replace(gap or " ", "")


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.integers(0, 10**40))
def test_a_wrong_iban_is_none(country: str, number: int) -> None:
    rest = f"{number:040d}"[: IBAN_LENGTHS[country] - 4]
    right = _iban(country, rest)
    wrong = f"{right[:-1]}{(int(right[-1]) + 1) % 10}"
    assert not is_iban(wrong)
    assert not is_iban(right + "0")


@pytest.mark.parametrize(
    "written",
    [
        "４１１１ １１１１ １１１１ １１１１",
        "4111\u200b1111\u200b1111\u200b1111",
        "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1",
        "4x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1",
        "4111–1111–1111–1111",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "3782 822463 10005",
        "5555-5555-5555-4444",
        "2223003122003222",
        "6011 1111 1111 1117",
        "4111 11111111 1111 (my card)",
    ],
)
def test_a_disguised_card_is_found(written: str) -> None:
    assert find_personal_data(f"Is {written} in the data?") == ("card",)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to max.muster@example.com", "email"),
        ("max (at) example (dot) com", "email"),
        ("max [at] example [dot] com", "email"),
        ("max at example dot com", "email"),
        ("ｍａｘ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email"),
        ("m a x @ e x a m p l e . c o m", "email"),
        ("jörg@bücher.example.de", "email"),
        ("call +49 170 1234567", "phone"),
        ("+1 (212) 555-0123", "phone"),
        ("0049 30 1234567", "phone"),
        ("030 1234567", "phone"),
        ("0171/123 45 67", "phone"),
        ("01 23 45 67 89", "phone"),
        ("(212) 555-0123", "phone"),
        ("my phone is 1234567", "phone"),
        ("Telefon: 1234 567", "phone"),
        ("customer Anna Schmidt", "name"),
        ("Mr. O'Neill and Mrs Lopez", "name"),
        ("Herr Müller", "name"),
        ("Kundin Anna Weber", "name"),
        ("Mme Dubois", "name"),
        ("my name is Zoë Krüger", "name"),
        ("What about John Miller?", "name"),
        ("Surname: Hargrave", "name"),
        ("CustomerId 15634602", "customer_id"),
        ("customer_id=15634602", "customer_id"),
        ("customer no. 123456", "customer_id"),
        ("Does 15634602 leave?", "customer_id"),
    ],
)
def test_each_kind_is_found(text: str, kind: str) -> None:
    assert kind in find_personal_data(text)
    shown = redact(text)
    assert f"[{kind.replace('_', ' ')} removed]" in shown.text and kind in shown.kinds
    assert redact(shown.text).kinds == ()


@pytest.mark.parametrize(
    "text",
    [
        "recall 0.8123456789, precision 0.9012345678901234",
        "on 2026-11-20 06:29:26 and 2026-11-21T07:00:00+00:00",
        "2026-11-20 2026-11-21 2026-11-22",
        "1,296,675 rows, 284807 rows and 10_000_000 rows",
        f"sha256 {hashlib.sha256(b'x').hexdigest()}",
        "commit 8ac2d4f and 1234567890abcdef1234567890abcdef12345678",
        "123e4567-e89b-12d3-a456-426614174000",
        "EUR 1 234 567.89 or 12.345.678,90 euros",
        "| 30 | 39 | 40 | 49 | 50 | 59 | 60 |",
        "age bands 30 to 39, 40 to 49, 50 to 59, 60 and over",
        "fraud@champion and churn@challenger",
        "127.0.0.1:3000, version 3.17.0.1",
        "0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9",
        "the customer Churn column, the customer is old, Customer Lifetime",
        *(f"taken from the example customer: {each.name}, Tenure" for each in model_family("churn").request_fields.all),
        "1764138566000 milliseconds",
        "epochs 100 200 400 800 1600 3200",
        "PSI 0.0012 and KS 0.0345 at p 0.000123",
        "Great Expectations, Random Forest, Apache Spark",
    ],
)
def test_figures_and_dates_are_left_alone(text: str) -> None:
    assert redact(text).text == text


@pytest.mark.parametrize("document", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_the_projects_own_documents_hold_nothing_of_the_kind(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert find_personal_data(text) == ()
    assert find_secrets(text) == ()


def _token(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + _token("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        "ghp_" + _token(_ALNUM, 36),
        "xoxb-" + _token("0123456789", 11) + "-" + _token(_ALNUM, 24),
        "https://hooks.slack.com/services/" + "T0000/B0000/" + _token(_ALNUM, 24),
        "ZENKEY_" + _token(_ALNUM, 40),
        "hf_" + _token(_ALNUM, 34),
        "postgresql://zenml:" + _token(_ALNUM, 12) + "@db.example/zenml",
        ".".join(
            base64.urlsafe_b64encode(part).decode().rstrip("=")
            for part in (b'{"alg":"HS256"}', b'{"sub":"somebody"}', b"signature12")
        ),
        "-----BEGIN RSA PRIVATE KEY-----\n" + _token(_ALNUM, 64) + "\n-----END RSA PRIVATE KEY-----",
        "KAGGLE_KEY=" + _token("0123456789abcdef", 31) + "a1",
        "password: hunter2hunter2",
        "Authorization: Bearer 1" + _token(_ALNUM, 30),
    ],
    ids=range(12),
)
def test_a_secret_is_taken_out_whole(secret: str) -> None:
    shown = redact(f"before {secret} after")
    assert shown.kinds == ("secret",) and find_secrets(secret) == ("secret",)
    assert shown.text.startswith("before ")
    assert secret[-10:] not in shown.text


def test_our_own_keys_are_secrets(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "analyst")
    assert redact(f"use {key} here").text == "use [secret removed] here"


@pytest.mark.parametrize(
    "text", ["password: see the vault", "token = TOKEN", "api_key: str", "export KAGGLE_KEY=...", "an API key is 256 bits"]
)
def test_words_about_secrets_are_none(text: str) -> None:
    assert find_secrets(text) == ()


def test_names_that_are_known_are_found_in_any_form() -> None:
    names = frozenset({"Ada Quist", "Zygmunt", " "})
    for written in ("ada quist", "ADA  QUIST", "Ada-Quist", "ada.quist", "Ａｄａ Ｑｕｉｓｔ", "A\u200bda Quist"):
        assert redact(f"score of {written}?", names).text == "score of [name removed]?", written
    assert redact("Adaptation Quiste, Zygmunts", names).kinds == ()


def test_long_text_takes_no_longer_than_its_length() -> None:
    for unit in (
        "4 1 1 1 ",
        "a@b.",
        "0 1 2 3 4 5 6 7 8 9 ",
        "DE89 ",
        "customer Anna ",
        "a.a.a.a",
        "eyJhbGciOi.",
        "+1 ",
        "((((0",
        "x://y:",
    ):
        begin = time.process_time()
        redact(unit * (6_000 // len(unit)))
        assert time.process_time() - begin < 2, unit


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_can_be_read_and_is_stable(text: str) -> None:
    shown = redact(text)
    assert bool(shown.kinds) == (shown.text != text)
