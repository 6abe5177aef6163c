"""Which columns are taken for somebody's, by name and by content, and which only sound so."""

from __future__ import annotations

import pytest

from fusionguard.datasets.inspection.personal import looks_personal


@pytest.mark.parametrize(
    ("name", "texts", "why"),
    [
        ("name", ["Zoe Blatt", "Ann Q"], "its name says a name"),
        ("last", ["Brastvik", "Ostrowander"], "its name says a name"),
        ("EMailAddress", ["a", "b", "c", "d"], "its name says an e-mail address"),
        ("c1", ["4111 1111 1111 1111", "-", "-"], "its cells look like card numbers"),
        ("c1", ["paid by DE89370400440532013000", "-"], "its cells look like IBANs"),
        ("c1", ["x"] * 99 + ["ask q.r@post.example"], "its cells look like e-mail addresses"),
        ("c1", ["+49 171 5551234", "0171 5551234"], "its cells look like phone numbers"),
        ("c1", ["10.0.3.17", "192.168.1.250"], "its cells look like internet addresses"),
        ("c1", ["12 Larkspur Road", "3 Mill Lane"], "its cells look like addresses"),
        ("c1", ["Anna", "Thomas", "Zzyx"], "its cells look like names"),
        ("Policyholder Name", ["Ostrow, Vil"], "its name says a name"),
        ("cust_nm", ["Q Zard"], "its name says a name"),
        ("Kundenname", ["Q Zard"], "its name says a name"),
        ("beneficiary_name", ["Q Zard"], "its name says a name"),
        ("owner", [f"Zar{'abcdefghijklmnopqrstuvwxyz'[at]} Brell" for at in range(26)], "its name says people"),
        ("Kontoinhaber", [f"Zar{'abcdefghijklmnopqrstuvwxyz'[at]} Brell" for at in range(26)], "its name says people"),
        ("owner", ["bank", "broker", "agent", "none"], None),
        ("device_name", ["pixel", "iphone", "galaxy", "nokia"], None),
        ("product_name", ["a1", "b2", "c3", "d4"], None),
        ("nino", ["QQ123456C", "QQ654321A", "QQ111111B", "QQ222222D"], "its name says a number that names a person"),
        ("NHS_number", ["492 451 5448", "461 582 5678", "1", "2"], "its name says a number that names a person"),
        ("login", ["zq763", "zw577", "zr12", "zt9"], "its name says a login"),
        ("card", ["4929000000000001", "4929000000000003"], "its name says a card, account or phone"),
        ("card", ["gold", "silver", "blue", "black"], None),
        ("account_type", ["joint", "sole", "young", "firm"], None),
        ("PhoneService", ["Yes", "No"], None),
        ("email_opt_in", ["true", "false"], None),
        ("merchant_name", ["Corner Shop", "Fuel 24"], None),
        ("country", ["France", "Spain", "Germany"], None),
        ("c1", ["4111 1111 1111 1112", "4111 1111 1111 1113"], None),
        ("c1", ["2024-01-05 00:10:08"] * 9, None),
    ],
)
def test_texts(name: str, texts: list[str], why: str | None) -> None:
    found = looks_personal(name, texts, distinct=len(set(texts)), textual=True)
    assert (found is None) == (why is None)
    assert (found or "").startswith(why or "")


@pytest.mark.parametrize(
    ("name", "largest", "why"),
    [
        ("phone_number", 441632960111.0, "its name says a phone number"),
        ("mobile_minutes", 900.0, None),
        ("zip", 99_999.0, "its name says an address"),
        ("zip_count_4w", 6_000.0, None),
        ("date_of_birth_distinct_emails_4w", 30.0, None),
        ("merch_lat", 48.0, None),
        ("name_email_similarity", 0.99, None),
    ],
)
def test_numbers(name: str, largest: float, why: str | None) -> None:
    assert looks_personal(name, [str(largest)], distinct=500, textual=False, largest=largest) == why
