"""A declaration of a data set, drafted from what an inspection came to: YAML that a person reads, corrects and keeps."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import yaml

from fusionguard.datasets.faults import DeclarationError, Fault
from fusionguard.datasets.inspection.inspected import Inspection
from fusionguard.datasets.inspection.profile import Column
from fusionguard.datasets.reading import parse_declaration

_WIDTH = 100
_AT = 30
"""The column from which reasons are written."""


def draft_declaration(inspection: Inspection) -> str:
    """Return the draft. The same table gives the same text; no value of a private column is in it.

    Where no column is a plausible label, ``label:`` is left to be filled in, and the text is no valid declaration yet.
    """
    lines = [*_opening(inspection), *_head(inspection), *_columns(inspection), *_closing(inspection)]
    return "\n".join(lines) + "\n"


def draft_faults(inspection: Inspection, draft: str) -> tuple[Fault, ...]:
    """Return what must be mended before a draft can be read, but for a label or a problem that is to be filled in."""
    if inspection.label is None or not inspection.problem_said:
        return ()
    try:
        parse_declaration(draft)
    except DeclarationError as error:
        return error.faults
    return ()


def _opening(inspection: Inspection) -> Iterator[str]:
    profile = inspection.profile
    size = f"{profile.rows:,} rows, {len(profile.columns)} columns"
    yield from _comment(f"Drafted by `fusionguard inspect` from {', '.join(inspection.files)}: {size}.")
    yield "# Every role is a guess from names and values: read the reasons, and correct what is wrong."
    for finding in inspection.findings:
        mark = "STOP" if finding.weight == "stop" else "look"
        yield from _comment(f"{mark}: {finding.what} {finding.remedy}")
    yield ""


def _head(inspection: Inspection) -> Iterator[str]:
    yield "version: 1"
    yield f"name: {_dataset_name(inspection.files[0])}"
    if inspection.problem_said:
        yield _noted(f"problem: {inspection.problem.name}", "the family of models")
    else:
        yield _noted("problem:", f"FILL IN: {inspection.problem.name}? nothing says so; give --problem")
    yield (
        f"rows: {_scalar(inspection.files[0])}"
        if len(inspection.files) == 1
        else "# rows: several files; name a pattern, or give --source"
    )
    yield from _id(inspection)
    yield from _time(inspection)
    yield from _amount(inspection)
    yield from _label(inspection)


def _id(inspection: Inspection) -> Iterator[str]:
    for column in _having(inspection, "id"):
        yield _noted(f"id: {_scalar(column.name)}", _reason(inspection, column))


def _time(inspection: Inspection) -> Iterator[str]:
    for column in _having(inspection, "time"):
        role = inspection.roles[column.name]
        yield "time:"
        yield _noted(f"  column: {_scalar(column.name)}", _reason(inspection, column))
        line = inspection.timeline
        if line is not None:
            yield f"  # from {line.shown(line.first)} to {line.shown(line.last)}"
        if role.unit:
            yield f"  unit: {role.unit}"
            yield f"  since: {role.since}"
        if column.form.pattern is not None:
            words = "days and months may be the other way round: ask" if column.form.ambiguous else column.form.words
            yield _noted(f"  format: {_scalar(column.form.pattern)}", words)
        if role.since != "start":
            yield "  # zone: Europe/London      # of times that name none; UTC where nothing is said"


def _amount(inspection: Inspection) -> Iterator[str]:
    currencies = _having(inspection, "currency")
    for column in _having(inspection, "amount"):
        yield "amount:"
        yield _noted(f"  column: {_scalar(column.name)}", _stop(inspection, column) + _reason(inspection, column))
        codes = [value.text.upper() for each in currencies for value in each.values] or list(column.form.currencies)
        if len(codes) == 1 and re.fullmatch("[A-Z]{3}", codes[0]):
            yield f"  currency: {codes[0]}"
        else:
            yield "  # currency: GBP            # which one is not to be seen in the table"
        if currencies:
            yield f"  currency_column: {_scalar(currencies[0].name)}"
        if len(codes) > 1:
            yield "  # rate_column: ...         # several currencies: what one unit is worth in `currency`"
        yield from (f"  {setting}" for setting in _missing(inspection, column))


def _label(inspection: Inspection) -> Iterator[str]:
    label = inspection.label
    if label is None:
        yield "label:                        # FILL IN: no column with two values has a label's name"
        yield "#  column: ..."
        yield "#  positive: [...]"
        for column in inspection.candidates:
            yield _noted("#  perhaps:", f"{_scalar(column.name)}, {column.distinct} values")
        return
    rows = label.positives + label.negatives
    yield f"label:                        # {label.positives:,} of {rows:,} rows are positive ({label.share:.2%})"
    yield _noted(f"  column: {_scalar(label.column.name)}", label.reason)
    yield f"  positive: [{', '.join(_cell(label.column, text) for text in label.positive)}]"
    if label.undecided:
        left = (*label.positive, *label.undecided)
        texts = [value.text for value in label.column.values if value.text not in left]
        yield f"  negative: [{', '.join(_cell(label.column, text) for text in texts)}]"
        undecided = ", ".join(_cell(label.column, text) for text in label.undecided)
        yield f"  # STOP: undecided: {undecided}; add each to positive or negative"
    if label.column.missing:
        yield _noted("  missing: leave_out", f"{label.column.missing:,} rows have no label")
    known = _having(inspection, "known")
    if known:
        yield _noted(f"  known: {{column: {_scalar(known[0].name)}}}", _reason(inspection, known[0]))
    elif inspection.timeline is not None:
        yield "  # known: {after: 14d}      # how long it takes until a label is known; at once where nothing is said"


def _columns(inspection: Inspection) -> Iterator[str]:
    entities = _having(inspection, "entity")
    if entities:
        yield "entities:"
        names: dict[str, int] = {}
        for column in entities:
            kind = inspection.roles[column.name].entity
            names[kind] = names.get(kind, 0) + 1
            key = kind if names[kind] == 1 else f"{kind}_{names[kind]}"
            yield _noted(f"  {key}: {_scalar(column.name)}", _reason(inspection, column))
    for name in ("numeric", "categorical"):
        columns = _having(inspection, name)
        if columns:
            yield f"{name}:"
            for column in columns:
                settings = f"{{{', '.join(_missing(inspection, column))}}}".removeprefix("{}")
                yield _noted(f"  {_scalar(column.name)}: {settings}".rstrip(), _about(inspection, column))
    yield from _list(inspection, "protected", [c for c in inspection.profile.columns if inspection.roles[c.name].protected])
    yield from _list(inspection, "private", [c for c in inspection.profile.columns if inspection.roles[c.name].private])
    spare = [*_having(inspection, "currency")] if not _having(inspection, "amount") else _having(inspection, "currency")[1:]
    doubled = _having(inspection, "known")[1:]
    ignored = [c for c in inspection.profile.columns if inspection.roles[c.name].name == "ignored" or c in spare or c in doubled]
    yield from _list(inspection, "ignored", ignored)


def _closing(inspection: Inspection) -> Iterator[str]:
    types = [(column, *kind) for column in inspection.profile.columns if (kind := _type(inspection, column))]
    if types:
        yield "types:"
        for column, type_, why in types:
            yield _noted(f"  {_scalar(column.name)}: {type_}", why)
    if inspection.label is not None:
        yield "# sampling: {negatives_kept: 0.1}   # where negative rows were left out of the table: the share that is there"


def _type(inspection: Inspection, column: Column) -> tuple[str, str] | None:
    """Return the type in which training must read a column, and why, where that is not its role's; None otherwise."""
    role = inspection.roles[column.name]
    if role.name in ("numeric", "categorical") and column.form.coded:
        return "text", "digits with leading zeros"
    if not column.typed or role.name in ("numeric", "amount") or (role.name in ("time", "known") and role.unit):
        return None
    if column.form.kind == "boolean":
        return "integer", "the file holds true and false, which are read as 1 and 0"
    if column.form.kind == "number":
        return ("integer", "the file holds whole numbers") if column.whole else ("float", "the file holds numbers")
    return None


def _list(inspection: Inspection, key: str, columns: list[Column]) -> Iterator[str]:
    if columns:
        yield f"{key}:"
        for column in columns:
            yield _noted(f"  - {_scalar(column.name)}", _reason(inspection, column))


def _having(inspection: Inspection, role: str) -> list[Column]:
    return [column for column in inspection.profile.columns if inspection.roles[column.name].name == role]


def _reason(inspection: Inspection, column: Column) -> str:
    role = inspection.roles[column.name]
    return role.reason + {"sure": "", "likely": "", "guess": "; only a guess"}[role.sure]


def _stop(inspection: Inspection, column: Column) -> str:
    """Return the words before a column's reason where it knows the label too well."""
    for finding in inspection.findings:
        if finding.kind in ("leak_alone", "filled_after", "label_copy") and column.name in finding.columns:
            return f"STOP: {finding.what.removesuffix('.')}; "
    return ""


def _about(inspection: Inspection, column: Column) -> str:
    told = [inspection.roles[column.name].reason]
    told[0] = _stop(inspection, column) + told[0]
    if column.missing:
        told.append(f"{column.missing / column.rows:.1%} missing")
    if column.form.kind == "number" and not inspection.hidden(column) and column.smallest is not None:
        told.append(f"{column.smallest:g} to {column.largest:g}")
    return ", ".join(told)


def _missing(inspection: Inspection, column: Column) -> Iterator[str]:
    """Yield that cells may be missing, and which words and numbers mean that they are."""
    marks = [_scalar(value.text) for value in column.said]
    if column.name in inspection.sentinels:
        marks.append(f"{inspection.sentinels[column.name][0]:.0f}")
    if column.missing or column.misfits or marks:
        yield "missing: allow"
    if marks:
        yield f"missing_values: [{', '.join(marks)}]"


def _noted(line: str, note: str) -> str:
    return f"{line:{_AT - 1}} # {_one_line(note)}"


def _comment(text: str) -> Iterator[str]:
    """Wrap a comment, the lines after the first set in."""
    line = "#"
    for word in _one_line(text).split(" "):
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = "#  "
        line += f" {word}"
    yield line


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _scalar(text: str) -> str:
    """Return a name as YAML has it: plain where it reads back as the same text, else in quotes."""
    plain = re.fullmatch(r"[^\W\d][\w .-]*", text) is not None and text == text.strip()
    return text if plain and yaml.safe_load(text) == text else json.dumps(text, ensure_ascii=False)


def _cell(column: Column, text: str) -> str:
    """Return a value of the label as YAML: a number or a boolean where the column holds such, else a text."""
    if column.form.kind == "number":
        number: Any = float(text)
        return str(int(number)) if number.is_integer() else repr(number)
    if column.form.kind == "boolean":
        return "1" if text.lower() == "true" else "0"  # as they are read
    return _scalar(text)


def _dataset_name(file: str) -> str:
    plain = unicodedata.normalize("NFKD", file.partition(".")[0]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")[:40] or "my_table"
