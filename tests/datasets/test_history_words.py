"""Features of what happened before as people read them: exact sentences, with what is usual, one and many, none and unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history_words import HistoryWords, RowWords, duration_text, number_text, plural, span_text
from fusionguard.datasets.resolved import ResolvedDataset, ResolvedLabel

NAN = float("nan")
PAYMENTS = RowWords("payment", "payments", "was fraud", "were fraud", "was no fraud", frozenset({"merchant", "terminal"}))
OF = ["count", "sum", "mean", "ratio", "maximum", "new(merchant)", "distinct(merchant)", "since_last", "mean(km far)"]
WINDOWS = {
    "card": {"spans": ["1h", "30d"], "of": OF},
    "terminal": {"spans": ["1d", "7d"], "of": ["count", "label_count", "label_rate", "mean", "new(card)", "since_last"]},
    "device_id": {"spans": ["30m"], "of": ["count", "since_last", "new(merchant)", "label_rate"]},
}
ENTITIES: dict[str, Any] = {"card": "card number", "merchant": "merchant", "terminal": "terminal", "device_id": "device"}


def words_of(
    windows: dict[str, Any] | None = None, rows: RowWords = PAYMENTS, medians: dict[str, float] | None = None, **changed: Any
) -> HistoryWords:
    """Return the words of a declaration of payments."""
    declared: dict[str, Any] = {
        "version": 1,
        "name": "payments",
        "problem": "fraud",
        "time": {"column": "at", "unit": "seconds"},
        "amount": {"column": "paid", "currency": "GBP", "label": "amount"},
        "label": {"column": "fraud", "known": {"after": "7d"}},
        "entities": ENTITIES,
        "numeric": {"km far": {"label": "distance from home", "unit": "km"}},
        "private": ["card number"],
        "windows": windows or WINDOWS,
    }
    label = ResolvedLabel(positive=(1,), negative=(0,), positive_rows=1, negative_rows=9, unlabelled_rows=0)
    declaration = Declaration.model_validate(declared | changed)
    described = ResolvedDataset(declaration=declaration, rows=10, learned_rows=(0, 8), columns={}, categories={}, label=label)
    return HistoryWords(described, rows, medians)


WORDS = words_of()


def told(name: str, words: HistoryWords = WORDS, **values: float) -> str | None:
    """Return a feature in words, of a row in which all is missing but these, in single precision as models read it."""
    row = dict.fromkeys(words.features, NAN) | values
    return words.describe(name, {each: float(np.float32(value)) for each, value in row.items()})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"card_count_1h": 5, "card_count_30d": 144}, "5 payments in 1 h, usually 0.2"),
        ({"card_count_1h": 1, "card_count_30d": 2412}, "1 payment in 1 h, usually 3.4"),
        ({"card_count_1h": 0, "card_count_30d": 3}, "no payment in 1 h, usually less than 0.01"),
        ({"card_count_1h": 1204, "card_count_30d": 14_400}, "1,204 payments in 1 h, usually 20"),
        ({"card_count_1h": 4, "card_count_30d": 4}, "4 payments in 1 h, none earlier in 30 d"),
        ({"card_count_1h": 0, "card_count_30d": 0}, "no payment in 1 h, usually 0"),
        ({"card_count_30d": 1}, "1 payment in 30 d"),
        ({"card_count_30d": 0}, "no payment before in 30 d"),
        ({"card_count_1h": NAN, "card_count_30d": NAN}, "card: not known"),
        ({"terminal_count_1d": 35, "terminal_count_7d": 140}, "35 payments at this terminal in 1 d, usually 20"),
        ({"terminal_count_7d": 0}, "no payment before at this terminal in 7 d"),
        ({"device_id_count_30m": 2}, "2 payments of this device id in 30 min"),
        ({"card_sum_1h": 420.5, "card_sum_30d": 7200.0}, "amount adds up to 420.50 GBP in 1 h, usually 10"),
        ({"card_sum_30d": 80}, "amount adds up to 80 GBP in 30 d"),
        ({"card_mean_1h": 84.2, "card_mean_30d": 20.1}, "mean amount 84.20 GBP in 1 h, usually 20.10"),
        ({"card_mean_30d": 0.125}, "mean amount 0.125 GBP in 30 d"),
        (
            {"card_mean_1h": NAN, "card_mean_30d": 20.1, "card_count_1h": 0, "card_count_30d": 72},
            "no payment in 1 h, usually 0.1",
        ),
        ({"card_mean_1h": NAN, "card_count_1h": NAN}, "card: not known"),
        ({"card_mean_1h": NAN, "card_count_1h": 3, "card_count_30d": 5}, "mean amount in 1 h: not known"),
        ({"terminal_mean_1d": 1234567.0}, "mean amount at this terminal 1,234,567 GBP in 1 d"),
        ({"card_mean_km_far_30d": 12.5}, "mean distance from home 12.50 km in 30 d"),
        ({"card_ratio_30d": 4.2}, "amount 4.2 times this card's usual of 30 d"),
        ({"card_ratio_30d": 15.4}, "amount 15 times this card's usual of 30 d"),
        ({"card_ratio_30d": NAN, "card_count_30d": 0}, "no payment before in 30 d"),
        ({"card_ratio_30d": NAN, "card_count_30d": 7}, "amount against this card's usual of 30 d: not known"),
        ({"card_maximum_1h": 310.5, "card_maximum_30d": 940}, "largest amount 310.50 GBP in 1 h, 940 in 30 d"),
        ({"card_maximum_30d": 940}, "largest amount 940 GBP in 30 d"),
        ({"card_new_merchant_30d": 1}, "first time at this merchant in 30 d"),
        ({"card_new_merchant_30d": 0}, "not the first time at this merchant in 30 d"),
        ({"card_new_merchant_30d": NAN, "card_count_30d": 4}, "first time at this merchant: not known"),
        ({"terminal_new_card_7d": 1}, "first time of this terminal with this card in 7 d"),
        ({"device_id_new_merchant_30m": 1}, "first time of this device id at this merchant in 30 min"),
        ({"card_distinct_merchant_1h": 7, "card_distinct_merchant_30d": 12}, "7 different merchants in 1 h, 12 in 30 d"),
        ({"card_distinct_merchant_30d": 1}, "1 merchant in 30 d"),
        ({"card_distinct_merchant_30d": 0}, "no merchant in 30 d"),
        ({"card_distinct_merchant_30d": 1000}, "at least 1,000 different merchants in 30 d"),
        ({"card_since_last": 40, "card_count_30d": 144}, "40 s since the last payment, usually 5 h"),
        ({"card_since_last": 86_400, "card_count_30d": 1}, "1 d since the last payment"),
        ({"card_since_last": NAN, "card_count_30d": 0}, "no payment before in 30 d"),
        ({"card_since_last": NAN, "card_count_30d": NAN}, "card: not known"),
        ({"terminal_since_last": 5400, "terminal_count_7d": 56}, "1.5 h since the last payment at this terminal, usually 3 h"),
        ({"terminal_label_count_7d": 40}, "40 outcomes of this terminal's payments became known in 7 d"),
        ({"terminal_label_count_7d": 1}, "1 outcome of this terminal's payments became known in 7 d"),
        ({"terminal_label_count_7d": 0}, "no outcome of this terminal's payments became known in 7 d"),
        (
            {"terminal_label_rate_7d": 0.05, "terminal_label_count_7d": 40},
            "2 of this terminal's last 40 payments were fraud (known in 7 d)",
        ),
        (
            {"terminal_label_rate_7d": 1 / 3, "terminal_label_count_7d": 3},
            "1 of this terminal's last 3 payments was fraud (known in 7 d)",
        ),
        (
            {"terminal_label_rate_7d": 0, "terminal_label_count_7d": 1204},
            "none of this terminal's last 1,204 payments was fraud (known in 7 d)",
        ),
        (
            {"terminal_label_rate_7d": 1, "terminal_label_count_7d": 4},
            "all of this terminal's last 4 payments were fraud (known in 7 d)",
        ),
        ({"terminal_label_rate_7d": 1, "terminal_label_count_7d": 1}, "this terminal's last payment was fraud (known in 7 d)"),
        ({"terminal_label_rate_7d": 0, "terminal_label_count_7d": 1}, "this terminal's last payment was no fraud (known in 7 d)"),
        (
            {"terminal_label_rate_7d": NAN, "terminal_label_count_7d": 0, "terminal_count_7d": 9},
            "no outcome of this terminal's payments known in 7 d",
        ),
        ({"terminal_label_rate_7d": NAN, "terminal_count_7d": NAN}, "terminal: not known"),
        ({"device_id_label_rate_30m": 0.125}, "12 % of this device id's payments were fraud (known in 30 min)"),
        ({"device_id_label_rate_30m": 0}, "none of this device id's payments was fraud (known in 30 min)"),
    ],
)
def test_each_measure_has_its_sentence(values: dict[str, float], sentence: str) -> None:
    assert told(next(iter(values)), **values) == sentence


def test_of_the_longest_span_the_median_of_the_rows_learned_from_is_told() -> None:
    medians = {"card_count_30d": 96.0, "card_mean_30d": 20.5, "card_since_last": 14_760.0, "card_distinct_merchant_30d": 3.0}
    words = words_of(medians=medians | {"card_count_1h": 0.0, "card_maximum_30d": 51.0, "card_sum_30d": 1050.0})
    assert told("card_count_30d", words, card_count_30d=412) == "412 payments in 30 d, median 96"
    assert told("card_count_30d", words, card_count_30d=0) == "no payment before in 30 d, median 96"
    own = told("card_count_1h", words, card_count_1h=5, card_count_30d=144)
    assert own == "5 payments in 1 h, usually 0.2", "its own is nearer"
    assert told("card_mean_30d", words, card_mean_30d=3) == "mean amount 3 GBP in 30 d, median 20.50"
    assert told("card_since_last", words, card_since_last=90) == "1.5 min since the last payment, median 4.1 h"
    assert told("card_distinct_merchant_30d", words, card_distinct_merchant_30d=8) == "8 different merchants in 30 d, median 3"
    assert told("card_maximum_30d", words, card_maximum_30d=8.5) == "largest amount 8.50 GBP in 30 d, median 51"
    assert told("card_sum_30d", words, card_sum_30d=8.5) == "amount adds up to 8.50 GBP in 30 d, median 1,050"


def test_without_a_count_beside_it_what_is_missing_has_two_causes() -> None:
    words = words_of({"card": {"spans": ["30d"], "of": ["since_last", "mean", "label_rate"]}})
    assert told("card_since_last", words) == "no payment before in 30 d, or card not known"
    assert told("card_mean_30d", words) == "mean amount in 30 d: not known"
    assert told("card_label_rate_30d", words) == "no outcome of this card's payments known in 30 d, or card not known"


def test_dated_outcomes_are_counted_against_the_rows_of_the_span() -> None:
    windows = {
        "terminal": {"spans": ["1d", "7d"], "of": ["label_rate", "count"]},
        "card": {"spans": ["7d"], "of": ["label_rate"]},
    }
    words = words_of(windows, label={"column": "fraud", "known": {"column": "told_at"}})

    def of_terminal(rate: float, count: float) -> str | None:
        return told("terminal_label_rate_7d", words, terminal_label_rate_7d=rate, terminal_count_7d=count, terminal_count_1d=11)

    known = "it became known in 7 d that"
    assert of_terminal(0.05, 40) == f"{known} 2 of this terminal's payments were fraud, against 40 payments in that time"
    assert of_terminal(8, 1) == f"{known} 8 of this terminal's payments were fraud, against 1 payment in that time"
    assert of_terminal(0.25, 4) == f"{known} 1 of this terminal's payments was fraud, against 4 payments in that time"
    none = "of none of this terminal's payments it became known in 7 d that it was fraud, against 4 payments in that time"
    assert of_terminal(0, 4) == none
    assert of_terminal(NAN, 0) == "no payment before at this terminal in 7 d"
    alone = "for each 100 of this card's payments in 7 d, it became known of 150 that they were fraud"
    assert told("card_label_rate_7d", words, card_label_rate_7d=1.5) == alone
    assert told("card_label_rate_7d", words) == "no payment before in 7 d, or card not known"


def test_a_feature_of_nothing_before_is_told_by_others() -> None:
    assert told("paid", paid=3.0) is None
    rows = words_of({"card": {"spans": ["2w"], "of": ["count", "label_rate"]}}, RowWords())
    assert told("card_count_2w", rows, card_count_2w=2) == "2 rows in 2 weeks"
    assert told("card_label_rate_2w", rows, card_label_rate_2w=0.5) == "50 % of this card's rows were positive (known in 2 weeks)"


def test_a_measure_without_words_of_its_own_has_plain_ones() -> None:
    odd = replace(WORDS.features["card_count_1h"], name="card_spread_1h", aggregate="spread")
    words = words_of()
    words.features["card_spread_1h"] = odd
    assert words.name(odd) == "card spread 1h"
    assert told("card_spread_1h", words, card_spread_1h=3) is None, "its family says it as any other number"


def test_names_say_no_value_and_no_two_are_alike() -> None:
    names = [WORDS.name(each) for each in WORDS.features.values()]
    assert len({*names}) == len(names) == len(WORDS.features)
    assert not any("card number" in name for name in names), "what is private is not even named"
    features = {name: WORDS.name(each) for name, each in WORDS.features.items()}
    assert features["card_count_1h"] == "payments in 1 h"
    assert features["terminal_count_1d"] == "payments at this terminal in 1 d"
    assert features["card_sum_1h"] == "sum of amount in 1 h"
    assert features["card_mean_km_far_30d"] == "mean distance from home in 30 d"
    assert features["card_ratio_30d"] == "amount against this card's usual of 30 d"
    assert features["card_maximum_30d"] == "largest amount in 30 d"
    assert features["card_new_merchant_30d"] == "first time at this merchant in 30 d"
    assert features["card_distinct_merchant_30d"] == "different merchants in 30 d"
    assert features["device_id_since_last"] == "seconds since the last payment of this device id"
    assert features["terminal_label_count_7d"] == "outcomes of this terminal's payments known in 7 d"
    assert features["terminal_label_rate_7d"] == "share of this terminal's payments that were fraud, known in 7 d"
    dated = words_of(label={"column": "fraud", "known": {"column": "told"}})
    name = dated.name(dated.features["terminal_label_rate_7d"])
    assert name == "this terminal's payments that were fraud, told in 7 d, for each payment in that time"


def test_numbers_durations_spans_and_plurals_are_those_of_plain_english() -> None:
    numbers = [number_text(value) for value in (3, 1204, 84.2, 0.0125, -2.5, 1e18)]
    assert numbers == ["3", "1,204", "84.20", "0.0125", "-2.50", "1e+18"]
    told = [duration_text(value) for value in (1, 59, 90, 5_400, 43_200, 86_400 * 12.4)]
    assert told == ["1 s", "59 s", "1.5 min", "1.5 h", "12 h", "12 d"]
    assert [span_text(each) for each in ("90s", "30m", "6h", "1w", "2w")] == ["90 s", "30 min", "6 h", "1 week", "2 weeks"]
    assert [plural(each) for each in ("merchant", "city", "day", "address")] == ["merchants", "cities", "days", "addresses"]


AGAINST = words_of(
    {
        "card": {"spans": ["1d", "30d"], "of": ["count", "change", "peak"]},
        "terminal": {"spans": ["7d"], "of": ["label_since_positive", "label_since_negative", "label_run", "peak(km far)"]},
    }
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"card_change_1d": 3.44, "card_count_1d": 2}, "mean amount in 1 d is 3.4 times this card's usual of 30 d"),
        ({"card_peak_1d": 12.4}, "largest amount in 1 d is 12 times this card's usual of 30 d"),
        ({"card_peak_30d": 1.5}, "largest amount in 30 d is 1.5 times this card's usual of 30 d"),
        ({"card_change_1d": NAN, "card_count_1d": 0, "card_count_30d": 60}, "no payment in 1 d, usually 2"),
        (
            {"terminal_label_since_positive_7d": 90_000},
            "1 d since it became known that one of this terminal's payments was fraud",
        ),
        (
            {"terminal_label_since_negative_7d": 9_000},
            "2.5 h since it became known that one of this terminal's payments was no fraud",
        ),
        ({"terminal_label_run_7d": 302_400}, "all of this terminal's payments that became known for 3.5 d were fraud"),
        ({"terminal_label_since_positive_7d": NAN}, "none of this terminal's payments was fraud, as far as known in 7 d"),
        ({"terminal_label_since_negative_7d": NAN}, "none of this terminal's payments was no fraud, as far as known in 7 d"),
        ({"terminal_label_run_7d": NAN}, "not all of this terminal's payments were fraud, as far as known in 7 d"),
        (
            {"terminal_peak_km_far_7d": 4},
            "largest distance from home at this terminal in 7 d is 4 times this terminal's usual of 7 d",
        ),
    ],
)
def test_what_is_set_against_the_usual_and_when_outcomes_were_told(values: dict[str, float], sentence: str) -> None:
    assert told(next(iter(values)), AGAINST, **values) == sentence


def test_names_of_what_is_set_against_the_usual() -> None:
    names = {each.name: AGAINST.name(each) for each in AGAINST.features.values()}
    assert names["card_change_1d"] == "mean amount in 1 d against the usual of 30 d"
    assert names["card_peak_1d"] == "largest amount in 1 d against the usual of 30 d"
    assert names["terminal_label_run_7d"] == "seconds for which all of this terminal's payments were fraud, known in 7 d"


def test_an_entity_of_several_columns_is_called_by_all_of_them() -> None:
    windows = {"pair": {"spans": ["1d"], "of": ["count", "new(terminal)", "label_rate"]}}
    words = words_of(windows, entities=ENTITIES | {"pair": ["card number", "device", "km far"]})
    whom = "of this card and device id and distance from home"
    assert told("pair_count_1d", words, pair_count_1d=3) == f"3 payments {whom} in 1 d"
    assert told("pair_new_terminal_1d", words, pair_new_terminal_1d=1) == f"first time {whom} at this terminal in 1 d"
    assert words.describe("pair_count_1d", {"pair_count_1d": NAN}) == "card and device id and distance from home: not known"
