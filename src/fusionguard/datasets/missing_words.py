"""What to declare where cells of a column of numbers hold words that may mean that nothing is known: n/a, NULL, unknown."""

from __future__ import annotations

import json

from fusionguard.datasets.declaration import Numeric
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.inspection.forms import STAND_INS
from fusionguard.datasets.table_rows import TableRows, quoted, string

_MOST_SHOWN = 6


def missing_words_remedy(findings: Findings, rows: TableRows, column: str, numeric: Numeric, wrong: str) -> str:
    """Say how to declare the words among cells that fulfil the condition ``wrong``; nothing where they are no such words.

    Words that are known to be such, and cells of few words that recur, are taken for them. Known ones are shown, unless cells
    of the column are not.
    """
    word = f"trim(CAST({quoted(column)} AS VARCHAR))"
    known = f"lower({word}) IN ({', '.join(string(each) for each in sorted(STAND_INS))})"
    found = rows.fetch(
        f"SELECT {word} AS word, COUNT(*) AS n, BOOL_AND({known}) AS known FROM given WHERE {wrong} "
        f"GROUP BY 1 ORDER BY known DESC, n DESC, word LIMIT {_MOST_SHOWN + 1}"
    )
    words = [str(text) for text, _, is_known in found if is_known]
    if not words and (len(found) > _MOST_SHOWN or sum(count for _, count, _ in found) <= len(found)):
        return ""
    write = "" if numeric.missing == "allow" else "missing: allow, "
    if not words:
        return f"If such words mean that nothing is known, list them: `{write}missing_values: [...]`."
    (said,) = rows.hits(column, f"({wrong} AND {known})")
    cells = f"{said.rows:,} cells hold" if said.rows > 1 else "one cell holds"
    if len(words) > _MOST_SHOWN or not findings.cell(column, "unknown"):
        told = f"{cells} what often means that nothing is known; if it does, list it"
        return f"{told[0].upper()}{told[1:]}: `{write}missing_values: [...]`."
    listed = [*(numeric.missing_values or ()), *words]
    shown = ", ".join(json.dumps(each, ensure_ascii=False) for each in listed)
    told = f"{cells} {' or '.join(map(repr, words))}; if nothing is known there, write"
    return f"{told[0].upper()}{told[1:]} `{write}missing_values: [{shown}]`."
