"""What is no expression is refused with its place, what is wrong, and what would be right."""

from __future__ import annotations

import pickle

import pytest

from fusionguard.expressions.errors import ExpressionError, RowError
from fusionguard.expressions.expression import parse_expression, parse_rows, parse_select
from fusionguard.expressions.tokens import LONGEST_TEXT
from fusionguard.expressions.tree import RawColumn

COLUMNS = {"amount": "float", "income": RawColumn("float", missing=True), "age": "integer", "country": "text"}


@pytest.mark.parametrize(
    ("text", "character", "message"),
    [
        ("amount / (incom + 1)", 11, "there is no column 'incom'. Did you mean 'income'? Columns: amount, income, age, country."),
        ("Amount", 1, "Did you mean 'amount'?"),
        ("FLOR(amount)", 1, "there is no function 'FLOR'. Did you mean 'FLOOR'?"),
        ("ROUND(amount)", 1, "The engines differ in it; write FLOOR(x + 0.5) to round."),
        ("EXP(amount)", 1, "Its last bit depends on the machine."),
        ("__import__('os')", 1, "there is no function '__import__'"),
        ("amount.real", 7, "'.' is not known here"),
        ("amount[0]", 7, "'[' is not known here"),
        ("amount; DROP TABLE raw", 7, "one expression, not several statements. Remove the semicolon."),
        ("(SELECT amount FROM raw)", 2, "SELECT is not allowed in an expression. An expression looks at one row alone."),
        (
            "country + 1",
            9,
            "'country' is a text, and '+' takes numbers. Make a number of it: CASE WHEN x = 'a' THEN 1 ELSE 0 END.",
        ),
        ("amount + (age > 3)", 8, "a condition, and '+' takes numbers. Make a number of it: CAST(condition AS INT)."),
        ("amount > 3", 1, "a condition is no feature. Write CAST(condition AS INT), which is 1 or 0."),
        ("CASE WHEN age THEN 1 ELSE 0 END", 1, "an integer stands where a condition should"),
        ("CASE WHEN age > 3 THEN 1 ELSE 'a' END", 1, "the branches of CASE are of different kinds"),
        ("CASE age WHEN 3 THEN 1 END", 6, "'age' stands where WHEN should"),
        ("CAST(age > country AS INT)", 10, "a text is compared with a number"),
        ("CAST(country < 'a' AS INT)", 14, "texts have no order here"),
        ("CAST(income = NULL AS INT)", 13, "'=' does not compare NULL. Write x IS NULL."),
        ("CAST(1 < age < 3 AS INT)", 14, "a comparison of a comparison. Join two comparisons with AND."),
        (
            "CAST(amount AS INT)",
            1,
            "DuckDB rounds a fraction that is cast to an integer, Spark cuts it off. Write CAST(FLOOR(x) AS INT)",
        ),
        ("CAST(amount AS VARCHAR)", 1, "CAST does not make a number a VARCHAR"),
        ("CAST(age AS DATE)", 13, "there is no type 'DATE'. Types: INT, BIGINT, DOUBLE, VARCHAR(20)."),
        ("CONCAT(country, age)", 1, "CONCAT joins texts, not an integer"),
        ("CONCAT(country)", 1, "CONCAT takes 2 or more arguments, not 1"),
        ("amount / 0", 8, "'/' by zero"),
        ("amount +", 9, "the text ends where a value should stand"),
        ("(amount", 8, "the text ends where ')' should stand"),
        ("amount 3", 8, "'3' stands where an operator or the end should"),
        ("amount - - - 3", 12, "two signs"),
        ("amount --3", 8, "'--' begins a comment in SQL"),
        ("amount BETWEEN 1 AND 2", 8, "BETWEEN is not known here. Write x >= low AND x <= high."),
        ("1x", 1, "a number that does not end where it should"),
        ("1e999", 1, "1e999 is larger than a number can be"),
        ("99999999999999999999", 1, "is larger than an integer can be"),
        ("'it", 1, "a text without its closing quote"),
        ("CONCAT(country, 'a\\b')", 17, "a backslash in a text begins an escape in Spark"),
        ("CONCAT(country, '${x}')", 17, "'${' in a text begins a variable in Spark"),
        ('"amount"', 1, "names a column in DuckDB and is a text in Spark"),
        ("NULL", 1, "NULL alone"),
        ("", 1, "the text ends where a value should stand"),
        ("(" * 70 + "age" + ")" * 70, 61, "more than 60 expressions within each other"),
        ("age" + " + 1" * 201, 805, "more than 200 terms in a row"),
        ("NOT NOT age > 1", 5, "two NOTs"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, character: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, COLUMNS)
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column, caught.value.position) == (1, character, character - 1)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_a_text_without_end_is_not_read() -> None:
    with pytest.raises(ExpressionError, match=f"{LONGEST_TEXT + 4:,} characters"):
        parse_expression("age+" * (LONGEST_TEXT // 4) + "age1", COLUMNS)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("SELECT\n    amount * 0.5 AS half\nFROM raw", 2, "0.5 is a DECIMAL to the engines. Write 0.5e0."),
        ("SELECT\n    age * 2 AS twice\nFROM raw", 2, "'age' is stored as INT or BIGINT, and overflows accordingly"),
        ("SELECT\n    FLOOR(amount) AS whole\nFROM raw", 2, "'whole' keeps the sign of a zero that FLOOR gives in DuckDB"),
        ("SELECT\n    age\nFROM raw", 2, "Write CAST(age AS INT) AS age."),
        ("SELECT\n    amount AS x,\n    income AS x\nFROM raw", 3, "the column 'x' is defined twice"),
        ("SELECT amount\nFROM other", 2, "rows are made from 'other'. Write FROM raw."),
        ("SELECT amount\nFROM raw\nWHERE amount > 0e0", 3, "WHERE is not allowed"),
        ("SELECT CAST(age AS VARCHAR) AS text\nFROM raw", 1, "Spark wants a length of VARCHAR"),
        ("SELECT -age AS negative\nFROM raw", 1, "Write 0 - x."),
        ("SELECT amount + 1e0\nFROM raw", 2, "'FROM' stands where AS and a name should"),
    ],
)
def test_what_engines_run_as_it_stands_must_be_portable(text: str, line: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_rows(text, COLUMNS)
    assert message in str(caught.value)
    assert caught.value.line == line


def test_an_expression_knows_its_columns_and_its_sql() -> None:
    found = parse_expression("amount / (income + 1) - .5", COLUMNS)
    assert found.columns == ("amount", "income")
    assert found.sql() == "(amount / NULLIF(income + 1, 0e0)) - 0.5e0 + 0e0"
    make = parse_rows(f"SELECT {found.sql()} AS ratio FROM raw", COLUMNS).row_function(found.columns, ["ratio"])
    assert [make(row) for row in ([22.0, 3], [22.0, -1.0], [22.0, None])] == [[5.0], [None], [None]]
    assert str(make([2, 3.0])) == "[0.0]"


def test_what_a_person_selects_is_written_anew_as_doubles() -> None:
    text = """SELECT -- plainer than what engines run
        age / 3 - .5 AS third, CAST(country = 'a' AS INT) AS a, amount - 1 - (income - 2) * 3 * age AS chain FROM raw"""
    found = parse_select(text, COLUMNS)
    assert {name: each.number_sql() for name, each in found.items()} == {
        "third": "(CAST(age AS BIGINT) / 3) - 0.5e0 + 0e0",
        "a": "CAST(CAST(country = 'a' AS INT) AS DOUBLE) + 0e0",
        "chain": "amount - 1 - ((income - 2) * 3 * CAST(age AS BIGINT)) + 0e0",
    }
    assert [each.columns for each in found.values()] == [("age",), ("country",), ("amount", "income", "age")]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("SELECT age AS a,\n  country AS b FROM raw", (2, 3), "'b' is a text, and must be a number. Write CASE WHEN x = 'a'"),
        ("SELECT age > 3 AS a FROM raw", (1, 8), "'a' is a condition, and must be a number. Write CAST(condition AS INT)"),
        ("SELECT\n age AS a,\n NULL AS b FROM raw", (3, 2), "'b' is NULL, and must be a number"),
        ("SELECT age AS a\nFROM raw WHERE age > 3", (2, 10), "WHERE is not allowed"),
    ],
)
def test_a_person_selects_numbers_alone(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_select(text, COLUMNS)
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column) == place


def test_a_row_that_leaves_a_type_is_refused_with_the_feature() -> None:
    make = parse_rows("SELECT amount AS same, CAST(FLOOR(amount) AS INT) AS whole FROM raw", COLUMNS).row_function(
        ["amount"], ["same", "whole"]
    )
    assert make([2_147_483_647.9]) == [2_147_483_647.9, 2_147_483_647]
    with pytest.raises(RowError, match=r"feature 'whole' cannot be made of this row: a number is out of the range of INT"):
        make([2_147_483_648.0])


def test_no_name_of_a_row_reaches_the_code() -> None:
    columns = dict.fromkeys(("class", "float", "values", "column_0", "__builtins__", "refuse"), "float")
    text = "SELECT " + ", ".join(f"{name} + 1e0 AS {name}" for name in columns) + " FROM raw"
    make = parse_rows(text, columns).row_function(list(columns), list(columns))
    assert make([1, 2, 3, 4, 5, 6]) == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
