"""Declarations that are wrong, each with every line that its reader is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from fusionguard.datasets.faults import ContradictionError, DeclarationError, Fault
from fusionguard.datasets.prepared_names import TAKEN, prepared_names
from fusionguard.datasets.reading import parse_declaration, read_declaration
from fusionguard.errors import UsageError
from fusionguard.expressions.expression import parse_rows
from fusionguard.expressions.grammar import KEYWORDS
from fusionguard.expressions.tree import RawColumn

PROBLEMS = ("churn", "fraud")

GOOD = """\
version: 1
name: payments
problem: fraud
id: payment_id
time: {column: booked_at, zone: Europe/London}
amount: {column: amount, currency: GBP}
label: {column: chargeback, positive: [Y], known: {column: chargeback_at}}
entities: {card: card_token, merchant: merchant_id}
categorical:
  mcc: {label: merchant's trade}
  country: {unseen: other}
numeric:
  distance_km: {range: [0, 20000], missing: allow}
  age: {}
derived: {far: distance_km / (amount + 1)}
calendar: [hour_of_day, weekend]
bands: {age_band: {column: age, edges: [30, 60]}}
protected: [age_band]
private: [card_token]
ignored: [note]
optional: [note]
types: {age: integer}
windows:
  card: {spans: [1h, 7d], of: [count, mean, new(merchant)]}
  merchant: {spans: [1d], of: [count, label_rate]}
sampling: {negatives_kept: 0.0818}
"""
"""The lines that cases below replace are named by what they begin with."""


def _changed(**replaced: str) -> str:
    """Return the right declaration with some lines replaced: those that begin, behind blanks, with a key's name."""
    lines = GOOD.splitlines()
    for key, new in replaced.items():
        (at,) = [at for at, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
        lines[at] = new
    return "\n".join(lines) + "\n"


def _faults(text: str | bytes, problems: tuple[str, ...] | None = PROBLEMS) -> list[tuple[int | None, str]]:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text, "bank.yaml", problems=problems)
    assert str(caught.value) == "\n".join(f"bank.yaml, line {fault.line}: {fault.what}" for fault in caught.value.faults)
    return [(fault.line, fault.what) for fault in caught.value.faults]


def test_the_right_one_is_right() -> None:
    declared = parse_declaration(GOOD, problems=PROBLEMS)
    assert declared.declaration.features == ("distance_km", "age", "amount", "hour_of_day", "weekend", "far", "mcc", "country")
    assert declared.declaration.columns[:3] == ("payment_id", "booked_at", "amount")
    assert declared.line(("categorical", "country", "unseen")) == 11
    assert declared.declaration.windows["card"].span_seconds == (3_600, 604_800)


CASES: dict[str, tuple[str | bytes, list[tuple[int, str]]]] = {
    # What is no plain YAML
    "empty": ("", [(1, "it is empty; it must hold keys and values, the first of them `version: 1`")]),
    "a remark only": ("# nothing\n", [(1, "it is empty; it must hold keys and values, the first of them `version: 1`")]),
    "a list": ("\n- version: 1\n", [(2, "it holds a list; it must hold keys and values")]),
    "a word": ("fraud\n", [(1, "it holds a single value; it must hold keys and values")]),
    "latin-1": ("version: 1\nname: caf\xe9\n".encode("latin-1"), [(2, "it is not UTF-8 text; save it as UTF-8")]),
    "utf-16": (GOOD.encode("utf-16"), [(1, "it is UTF-16 text; save it as UTF-8")]),
    "a tab": ("version: 1\nlabel:\n\tcolumn: a\n", [(3, "it holds a tab where YAML allows none; indent with blanks")]),
    "a zero byte": ("version: 1\nname: a\0b\n", [(2, "it holds the control character U+0000; remove it")]),
    "an open brace": ("version: 1\nlabel: {column: a\n", [(3, "it is no YAML: expected ',' or '}', but got '<stream end>'")]),
    "a key of keys": ("version: 1\n? {a: 1}\n: b\n", [(2, "it is no YAML: a key must be a single word or text")]),
    "depth": ("a: " + "[" * 5_000, [(1, "it is no YAML: it is nested more than 12 deep")]),
    "an alias bomb": (
        "a: &a [x, x]\nb: &b [*a, *a]\n",
        [
            (1, "it has the anchor &a; write out what is meant"),
            (2, "it has the anchor &b; write out what is meant"),
            (2, "it refers to another place with *a; write out what is meant"),
        ],
    ),
    "a tag": (
        "version: !!python/object/apply:os.system [id]\n",
        [(1, "it has the tag tag:yaml.org,2002:python/object/apply:os.system; write the plain value")],
    ),
    "two documents": ("version: 1\n---\nversion: 1\n", [(2, "it holds a second document; a file is one declaration")]),
    "a key twice": (GOOD + "time: booked_at\n", [(27, "'time' is there twice, first in line 5; keep one")]),
    "a section twice": (
        _changed(ignored="ignored: [note]\nnumeric:\n  age: {missing: *x}"),
        [
            (21, "'numeric' is there twice, first in line 12; keep one"),
            (22, "it refers to another place with *x; write out what is meant"),
        ],
    ),
    "a column twice": (
        _changed(age="  age: {}\n  age: {missing: allow}"),
        [(15, "'numeric.age' is there twice, first in line 14; keep one")],
    ),
    "too large": (b"#" * 1_100_000, [(1, "it has 1,100,000 bytes; a declaration has 1,048,576 at most")]),
    # Versions
    "newer": (_changed(version="version: 2"), [(1, "made by a newer version: 2; this one reads 1. Install a newer FusionGuard")]),
    "unknown": (_changed(version="version: 0"), [(1, "made by an unknown version: 0; this one reads 1")]),
    "no version": ("name: a\n", [(1, "version is missing; write `version: 1`")]),
    "a version in words": (_changed(version='version: "1"'), [(1, 'version is "1"; it must be a whole number, today 1')]),
    # Keys and values
    "an unknown choice": (
        _changed(country="  country: {unseen: ignore}"),
        [(11, 'categorical.country.unseen is "ignore"; it must be one of other, refuse, missing')],
    ),
    "a choice misspelt": (
        _changed(country="  country: {unseen: othr}"),
        [(11, "categorical.country.unseen is \"othr\"; it must be one of other, refuse, missing. Did you mean 'other'?")],
    ),
    "a section misspelt": (
        _changed(private="privat: [card_token]"),
        [(19, "'privat' is no known key. Did you mean 'private'?")],
    ),
    "a key misspelt": (
        _changed(mcc="  mcc: {lable: trade}"),
        [(10, "'categorical.mcc.lable' is no known key. Did you mean 'label'?")],
    ),
    "a key like no other": (
        _changed(mcc="  mcc: {xyzzy: 1}"),
        [(10, "'categorical.mcc.xyzzy' is no known key. It must be one of label, values, unseen, missing, missing_values")],
    ),
    "what is needed": (
        "version: 1\nlabel: {positive: [1]}\n",
        [(1, "name is missing"), (1, "problem is missing"), (2, "label.column is missing")],
    ),
    "an unknown problem": (
        _changed(problem="problem: frud"),
        [(3, "problem is \"frud\"; it must be one of churn, fraud. Did you mean 'fraud'?")],
    ),
    "a list of numbers": (
        "version: 1\nname: a\nproblem: fraud\nlabel: y\nnumeric: [a, b]\n",
        [(5, 'numeric is ["a", "b"]; it must hold keys and values')],
    ),
    "no list": (_changed(private="private: card_token"), [(19, 'private is "card_token"; it must be a list, such as [a, b]')]),
    "a column that is a number": (
        _changed(id="id: 2020"),
        [(4, "id is 2020; it must be the name of a column (in quotes, where it looks like a number)")],
    ),
    "a name in capitals": (
        _changed(name="name: Pay Ments"),
        [(2, 'name is "Pay Ments"; it must be small letters, digits, - and _, 40 at most')],
    ),
    "an entity with a blank": (
        _changed(entities="entities: {the card: card_token, card: card_token2, merchant: merchant_id}"),
        [(8, 'entities."the card": it must be a name of letters, digits and underscores that begins with a letter')],
    ),
    "an unknown zone": (
        _changed(time="time: {column: booked_at, zone: Europe/Lndon}"),
        [(5, 'time.zone is "Europe/Lndon"; it must be the name of a time zone, such as Europe/London or UTC')],
    ),
    "a zone that is a path": (
        _changed(time="time: {column: booked_at, zone: ../../etc/passwd}"),
        [(5, 'time.zone is "../../etc/passwd"; it must be the name of a time zone, such as Europe/London or UTC')],
    ),
    "a format without a year": (
        _changed(time='time: {column: booked_at, format: "%H:%M"}'),
        [(5, 'time.format is "%H:%M"; it must say how year, month and day are written, such as "%d.%m.%Y %H:%M:%S"')],
    ),
    "a unit and a format": (
        _changed(time='time: {column: booked_at, unit: seconds, format: "%Y-%m-%d"}'),
        [(5, "time: it has a unit, of numbers, and a format, of texts; one of them must go")],
    ),
    "a start with a zone": (
        _changed(time="time: {column: booked_at, unit: seconds, since: start, zone: UTC}"),
        [(5, "time: it counts from a start without a date, and so can have no zone")],
    ),
    "a currency in words": (
        _changed(amount="amount: {column: amount, currency: pounds}"),
        [(6, 'amount.currency is "pounds"; it must be a currency\'s three capital letters, such as GBP')],
    ),
    "rates into nothing": (
        _changed(amount="amount: {column: amount, currency_column: ccy, rate_column: fx}"),
        [(6, "amount: its rate_column needs a currency_column and the currency into which rates convert")],
    ),
    "a duration in words": (
        _changed(label="label: {column: chargeback, known: {after: two weeks}}"),
        [(7, 'label.known.after is "two weeks"; it must be a duration, such as 90s, 30m, 6h, 14d or 2w')],
    ),
    "known in two ways": (
        _changed(label="label: {column: chargeback, known: {after: 14d, column: chargeback_at}}"),
        [(7, "label.known: it must have either a column or after, a duration")],
    ),
    "yes and no": (
        _changed(label="label: {column: chargeback, positive: [Y, P], negative: [N, P]}"),
        [(7, "label: P is both positive and negative")],
    ),
    "no positive value": (
        _changed(label="label: {column: chargeback, positive: [], known: {after: 14d}}"),
        [(7, "label.positive is []; it must hold at least one value")],
    ),
    "a range upside down": (
        _changed(distance_km="  distance_km: {range: [5, 1], missing: allow}"),
        [(13, "numeric.distance_km.range is [5, 1]; its lower bound is above its upper one")],
    ),
    "a range of three": (
        _changed(distance_km="  distance_km: {range: [1, 2, 3]}"),
        [(13, "numeric.distance_km.range is [1, 2, 3]; it must be two numbers, such as [0, 100]")],
    ),
    "a range of words": (
        _changed(distance_km='  distance_km: {range: [0, "9"]}'),
        [(13, 'numeric.distance_km.range is "9"; it must be a number')],
    ),
    "a share above one": (
        _changed(sampling="sampling: {negatives_kept: 8.18}"),
        [(26, "sampling.negatives_kept is 8.18; it must be 1 at most")],
    ),
    "no share": (_changed(sampling="sampling: {negatives_kept: 0}"), [(26, "sampling.negatives_kept is 0; it must be above 0")]),
    "a formula cut off": (
        _changed(derived="derived: {far: distance_km / (amount + 1}"),
        [(15, 'derived.far.formula is "distance_km / (amount + 1"; a parenthesis is not closed')],
    ),
    "a formula of Python": (
        _changed(derived="derived: {far: \"__import__('os').system(1)\"}"),
        [(15, 'derived.far.formula is "__import__(\'os\').system(1)"; character 12, "\'", cannot be part of a formula')],
    ),
    "a formula of SQL": (
        _changed(derived='derived: {far: "1; DROP TABLE raw"}'),
        [(15, "derived.far.formula is \"1; DROP TABLE raw\"; character 2, ';', cannot be part of a formula")],
    ),
    "an unknown function": (
        _changed(derived='derived: {far: "log(amount)"}'),
        [(15, "derived.far.formula is \"log(amount)\"; there is no function 'log'; there are abs and floor")],
    ),
    "an unknown aggregate": (
        _changed(merchant="  merchant: {spans: [1d], of: [median]}"),
        [
            (
                25,
                'windows.merchant.of is "median"; it must be one of count, since_last, label_count, label_rate, '
                "label_since_positive, label_since_negative, label_run, sum, mean, maximum, ratio, change, peak, new(ENTITY), "
                "distinct(ENTITY)",
            )
        ],
    ),
    "a change between one span": (
        _changed(card="  card: {spans: [7d], of: [peak, change]}"),
        [(24, "windows.card.of: change sets shorter spans against the longest, and there is one; add a span")],
    ),
    "rows without a past": (
        GOOD + "without_history: 503\n",
        [(27, "without_history is 503; it must be one of refuse, score")],
    ),
    "rows without a past where none is read": (
        GOOD[: GOOD.index("windows:")] + "without_history: score\n",
        [(23, "without_history is about windows, and there are none; declare some, or remove it")],
    ),
    "SQL outside the folder": (
        GOOD + "sql: {rows: ../secret.sql, features: {a: {}}}\n",
        [(27, 'sql.rows is "../secret.sql"; it must lie beside the declaration or in a folder there')],
    ),
    # What contradicts itself
    "two roles": (
        _changed(ignored="ignored: [note, mcc]"),
        [(20, "ignored: 'mcc' is categorical.mcc in line 10, too; a column has one role")],
    ),
    "the label is learned": (
        _changed(age="  age: {}\n  chargeback: {}"),
        [(15, "numeric.chargeback: 'chargeback' is the label (or when it is known in line 7); to learn from it would be a leak")],
    ),
    "a formula of the label": (
        _changed(derived="derived: {far: chargeback + 1}"),
        [(15, "derived.far: 'chargeback' is the label (or when it is known); to learn from it would be a leak")],
    ),
    "a private number": (
        _changed(private="private: [card_token, age]"),
        [
            (14, "numeric.age: 'age' is private; its values are never learned"),
            (17, "bands.age_band.column: 'age' is private; its values are never shown"),
        ],
    ),
    "a private group": (
        _changed(protected="protected: [age_band, card_token]"),
        [(18, "protected: 'card_token' is private; its values would be reported as names of groups")],
    ),
    "windows over nobody": (
        _changed(card="  crad: {spans: [1h], of: [count]}"),
        [(24, "windows: 'crad' is no entity; there are card, merchant. Did you mean 'card'?")],
    ),
    "an entity of wrong columns": (
        _changed(entities="entities: {card: card_token, shop: [mcc, mcc]}"),
        [(8, 'entities.shop is ["mcc", "mcc"]; it names mcc twice')],
    ),
    "windows of nothing": (
        _changed(card="  card: {spans: [1h], of: [new(shop), mean(mcc), new(card)]}"),
        [
            (24, "windows.card.of: mean(mcc): 'mcc' is no numeric column; there are distance_km, age, amount"),
            (24, "windows.card.of: new(card) asks of card whether it is itself; name another entity"),
            (24, "windows.card.of: new(shop): 'shop' is no entity; there are card, merchant"),
        ],
    ),
    "one span twice": (
        _changed(card="  card: {spans: [24h, 1d], of: [count]}"),
        [(24, "windows.card.spans holds one span twice, written in two ways; keep one")],
    ),
    "a formula of nobody": (
        _changed(derived="derived: {far: distance / amount}"),
        [(15, "derived.far: 'distance' is no numeric column; there are distance_km, age, amount. Did you mean 'distance_km'?")],
    ),
    "a name that a column has": (
        _changed(derived="derived: {Amount: distance_km / 2}"),
        [(15, "derived.Amount has the name of the column 'amount'; choose another one")],
    ),
    "names in two cases": (
        _changed(age="  age: {}\n  Age: {}"),
        [(15, "numeric.Age: 'Age' and 'age' differ in upper and lower case only; rename one of them")],
    ),
    "optional and needed": (
        _changed(optional="optional: [note, age, booked_at, merchant_id, nothing]"),
        [
            (21, "optional: 'age' may be absent, and numeric.age.missing is refuse; write `missing: allow` there"),
            (21, "optional: 'booked_at' is time, which every row needs"),
            (21, "optional: 'merchant_id' says whose history a row belongs to, which every row needs"),
            (
                21,
                "optional: 'nothing' is no declared column; there are payment_id, booked_at, amount, chargeback, chargeback_at, "
                "card_token, merchant_id, distance_km and more",
            ),
        ],
    ),
    "a number of text": (
        _changed(types="types: {age: text}"),
        [(22, "types.age is text, and the column is a number by its role; remove one of the two")],
    ),
    "optional, and one of several of a role": (
        _changed(
            amount="amount: {column: amount, currency: GBP, currency_column: money, rate_column: rate}",
            optional="optional: [chargeback, chargeback_at, rate, money, amount]",
        ),
        [
            (21, "optional: 'amount' is amount, which every row needs"),
            (21, "optional: 'chargeback' is label, which every row needs"),
            (21, "optional: 'chargeback_at' is label.known, which every row needs"),
            (21, "optional: 'money' is amount.currency_column, which every row needs"),
            (21, "optional: 'rate' is amount.rate_column, which every row needs"),
        ],
    ),
    "bands of a category": (
        _changed(bands="bands: {mcc_band: {column: mcc, edges: [30, 60]}}", protected="protected: [mcc, mcc_band]"),
        [(17, "bands.mcc_band.column: 'mcc' is categorical, and bands cut numbers; declare it as numeric")],
    ),
    "what is missing of a number that models read": (
        _changed(bands='bands: {age_band: {column: age, edges: [30, 60], missing_values: ["?"]}}'),
        [(17, "bands.age_band.missing_values: models read 'age'; write there what means that nothing is known")],
    ),
    "bands of a text that no model reads": (
        _changed(
            bands="bands: {born_band: {column: born, edges: [1970]}}", protected="protected: [born]", types="types: {born: text}"
        ),
        [(22, "types.born is text, and the column is a number by its role; remove one of the two")],
    ),
    "one label of two numbers, and of a number and a clock": (
        _changed(distance_km="  distance_km: {label: Weekend, missing: allow}", age="  age: {label: far}"),
        [
            (13, "'distance_km' is called 'Weekend', as 'weekend' is; give one of them another label"),
            (15, "'far' is called 'far', as 'age' in line 14 is; give one of them another label"),
        ],
    ),
    "one label of two categories, and of a band and a protected column": (
        _changed(
            country="  country: {label: merchant's trade}",
            bands="bands: {age_band: {column: age, edges: [30, 60], label: Sex}}",
            protected="protected: [age_band, sex, mcc]",
        ),
        [
            (11, "'country' is called 'merchant's trade', as 'mcc' in line 10 is; give one of them another label"),
            (18, "'sex' is called 'sex', as 'age_band' in line 17 is; give one of them another label"),
        ],
    ),
    "a group that is called as a part of the day": (
        _changed(country="  country: {label: time of day}"),
        [(11, "'country' is called 'time of day', as 'time of day' is; give one of them another label")],
    ),
    "a date where there is none": (
        _changed(time="time: {column: booked_at, unit: seconds, since: start}"),
        [
            (16, "calendar: weekend needs a date, and time counts from a start without one"),
            (
                25,
                "windows.merchant.of: label_rate: outcomes have dates, and time counts from a start without one, so no service"
                " can compare them; declare label.known as a delay, such as {after: 14d}",
            ),
        ],
    ),
    "nothing to learn from": (
        "version: 1\nname: a\nproblem: fraud\nlabel: y\n",
        [(1, "it declares nothing to learn from: no numeric, categorical or derived column, and no amount")],
    ),
    "no time": (
        "version: 1\nname: a\nproblem: fraud\nnumeric: {a: }\nlabel: {column: y, known: {after: 1d}}\ncalendar: [night]\n"
        "entities: {card: c}\nwindows: {card: {spans: [1d], of: [count]}}\n",
        [
            (5, "label.known needs a time, and there is none; declare the column, or remove known"),
            (6, "calendar needs a time, and there is none; declare the column, or remove calendar"),
            (8, "windows.card needs a time, and there is none; declare the column, or remove the windows"),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_fault_is_told_with_its_line(case: str) -> None:
    text, expected = CASES[case]
    assert _faults(text) == expected


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = _changed(
        time="time: {column: booked_at, zone: Mars}",
        country="  country: {unseen: ignore}",
        ignored="ignored: [mcc, note]",
        card="  cart: {spans: [0h], of: [count]}",
    )
    assert [(line, what.partition(";")[0]) for line, what in _faults(text)] == [
        (5, 'time.zone is "Mars"'),
        (11, 'categorical.country.unseen is "ignore"'),
        (24, 'windows.cart.spans is "0h"'),
    ]


def test_a_wrong_value_hides_no_contradiction() -> None:
    text = _changed(time="time: {column: booked_at, zone: Mars}", ignored="ignored: [mcc, note]")
    assert [(line, what.partition(";")[0]) for line, what in _faults(text)] == [
        (5, 'time.zone is "Mars"'),
        (20, "ignored: 'mcc' is categorical.mcc in line 10, too"),
    ]


def test_codes_of_countries_and_answers_stay_texts() -> None:
    text = _changed(
        country="  country: {values: [NO, on, 0123, 12:30, 1_0, 7, 2.5, true]}",
        label="label: {column: chargeback, positive: [yes], negative: [no, null_], known: {after: 14d}}",
    )
    declaration = parse_declaration(text).declaration
    assert declaration.categorical["country"].values == ("NO", "on", "0123", "12:30", "1_0", 7, 2.5, True)
    assert (declaration.label.positive, declaration.label.negative) == (("yes",), ("no", "null_"))


def test_short_forms_mean_the_long_ones() -> None:
    short = "version: 1\nname: a\nproblem: churn\nlabel: left\nnumeric: {x: how long}\ntime: day\nderived: {twice: x * 2}\n"
    long = (
        "version: 1\nname: a\nproblem: churn\nlabel: {column: left}\nnumeric: {x: {label: how long}}\ntime: {column: day}\n"
        "derived: {twice: {formula: x * 2}}\n"
    )
    assert parse_declaration(short).declaration == parse_declaration(long).declaration


def test_a_folder_holds_its_declaration(tmp_path: Path) -> None:
    folder = tmp_path / "payments"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"holds no declaration\.yaml\."):
        read_declaration(folder)
    with pytest.raises(UsageError, match=re.escape(f"There is no declaration '{folder / 'other.yaml'}'.")):
        read_declaration(folder / "other.yaml")
    (folder / "declaration.yaml").write_text(GOOD.replace("version: 1", "version: one"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"^payments/declaration\.yaml, line 1: version is \"one\"; it must be"):
        read_declaration(folder)
    text = "\ufeff" + GOOD + "sql: {rows: more.sql, features: {near: how near}}\n"
    (folder / "declaration.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        read_declaration(folder, PROBLEMS)
    assert caught.value.faults == (Fault(27, 'sql.rows is "more.sql"; there is no such file beside the declaration'),)
    (folder / "more.sql").write_text("SELECT age AS near FROM raw", encoding="utf-8")
    declared = read_declaration(folder, PROBLEMS)
    assert declared.sql == "SELECT age AS near FROM raw"
    assert (declared.folder, declared.declaration.features[-3:]) == (folder, ("near", "mcc", "country"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("derived: {order: a + 1}", "line 6: derived.order: 'order' is a word of SQL"),
        ("derived: {Score: a + 1}", "line 6: derived.Score: 'Score' is a name that answers, logs or tables of features"),
        ("derived: {event_seconds: a + 1}", "line 6: derived.event_seconds: 'event_seconds' is a name that answers"),
        ("bands: {between: {column: a, edges: [1]}}", "line 6: bands.between: 'between' is a word of SQL"),
    ],
)
def test_what_is_made_has_no_name_of_others(entry: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        parse_declaration(f"version: 1\nname: t\nproblem: churn\nlabel: y\nnumeric: {{a: null}}\n{entry}\n")


def test_prepared_names_stand_in_sql_without_quotes() -> None:
    with duckdb.connect() as database:
        words = [str(word) for (word,) in database.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()]
        columns = [*words, *KEYWORDS, *TAKEN, "ä ö", "Ä-Ö", "1st", "x", "X y", "x_y", "x-y", "日本", "日 本", "a" * 120, "b" * 63]
        columns = list({column.casefold(): column for column in columns}.values())
        listed = ", ".join(f"{json.dumps(column)}: null" for column in columns)
        declaration = parse_declaration(
            f"version: 1\nname: t\nproblem: churn\nlabel: outcome\nnumeric: {{{listed}}}\n"
        ).declaration
        names = prepared_names(declaration)
        assert len({name.lower() for name in names.values()}) == len(columns) + 1
        for name in names.values():
            row = f"SELECT {name} + 0e0 AS {name} FROM (SELECT 1e0 AS {name}) AS raw WHERE {name} IS NOT NULL ORDER BY {name}"
            assert database.execute(row).fetchall() == [(1.0,)], name
            parse_rows(f"SELECT\n    {name} + 0e0 AS {name}\nFROM raw\n", {name: RawColumn("float")})


def test_an_age_and_its_bands_may_be_called_alike() -> None:
    text = _changed(
        age="  age: {label: age}",
        bands="bands: {age_band: {column: age, edges: [30, 60], label: age}}",
        protected="protected: [age, age_band]",
    )
    assert parse_declaration(text, problems=PROBLEMS).declaration.bands["age_band"].label == "age"


@pytest.mark.parametrize("kind", [DeclarationError, ContradictionError])
def test_an_error_without_a_fault_cannot_be_made(kind: type[DeclarationError] | type[ContradictionError]) -> None:
    with pytest.raises(ValueError, match="must say what is wrong"):
        kind("bank.yaml", [])
