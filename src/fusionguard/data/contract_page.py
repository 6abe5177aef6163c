"""A contract report as one HTML page without scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

from html import escape

from fusionguard.data.contract_report import Check, ContractReport

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.verdict { padding: .6rem 1rem; border-left: .4rem solid transparent; }
td.holds, td.broken, td.warning { border-left: .25rem solid transparent; }
/* Last, and as narrow as the rules above: "border-left" sets a colour, too. */
p.holds, td.holds { border-left-color: #2a7d4f; }
p.broken, td.broken { border-left-color: #b3261e; }
p.warning, td.warning { border-left-color: #b26a00; }
"""


def contract_page(report: ContractReport) -> str:
    """Return a contract report as one HTML page that needs no network: the verdict, what is broken, then every check."""
    title = f"Contract on the {report.dataset} {report.stage}"
    broken, warnings = report.broken, report.warnings
    verdict = (
        "The contract holds." if report.success else f"The contract is broken: {len(broken)} of {len(report.checks)} checks fail."
    )
    if warnings:
        verdict += f" {len(warnings)} warning{'s' if len(warnings) > 1 else ''}."
    state = "broken" if broken else "warning" if warnings else "holds"
    failed = _section("What fails", [*broken, *warnings]) if broken or warnings else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f'<p class="verdict {state}">{escape(verdict)} {report.rows:,} rows were read. Row 0 is the first row of data.</p>\n'
        f"{failed}{_section('Every check', report.checks)}</body>\n</html>\n"
    )


def _section(title: str, checks: list[Check]) -> str:
    names = ("Verdict", "Column", "Rule", "Expected", "Found", "Broken rows", "Such as rows")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<h2>{escape(title)}</h2>\n<table>\n<thead>{head}</thead>\n<tbody>\n{''.join(map(_row, checks))}</tbody>\n</table>\n"


def _row(check: Check) -> str:
    state = "holds" if check.success else "broken" if check.severity == "stop" else "warning"
    examples = ", ".join(map(str, check.example_rows))
    cells = "".join(
        f"<td>{escape(text)}</td>" for text in (check.column or "whole table", check.rule, check.expected, check.observed)
    )
    return f'<tr><td class="{state}">{state}</td>{cells}<td class="number">{check.broken_rows:,}</td><td>{examples}</td></tr>\n'
