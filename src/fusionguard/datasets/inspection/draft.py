"""A declaration of a data set, drafted from what an inspection came to: YAML that a person reads, corrects and keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fusionguard.datasets.declared_values import ISO
from fusionguard.datasets.faults import DeclarationError, Fault
from fusionguard.datasets.inspection.bands import age_bands
from fusionguard.datasets.inspection.draft_csv import csv_lines
from fusionguard.datasets.inspection.draft_lines import cell, comment, dataset_name, noted, scalar
from fusionguard.datasets.inspection.findings import grouped
from fusionguard.datasets.inspection.inspected import Inspection
from fusionguard.datasets.inspection.profile import Column
from fusionguard.datasets.inspection.roles import PEOPLE
from fusionguard.datasets.reading import parse_declaration


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
    yield from comment(f"Drafted by `fusionguard inspect` from {', '.join(inspection.files)}: {size}.")
    yield from comment("Every role is a guess from names and values: read the reasons, and correct what is wrong.")
    for finding in grouped(inspection.findings):
        mark = "STOP" if finding.weight == "stop" else "look"
        yield from comment(f"{mark}: {finding.what} {finding.remedy}")
    yield ""


def _head(inspection: Inspection) -> Iterator[str]:
    yield "version: 1"
    yield f"name: {dataset_name(inspection.files[0])}"
    if inspection.problem_said:
        yield noted(f"problem: {inspection.problem.name}", "the family of models")
    else:
        yield noted("problem:", f"FILL IN: {inspection.problem.name}? nothing says so; give --problem")
    yield (
        f"rows: {scalar(inspection.rows)}"
        if inspection.rows is not None
        else "# rows: several files; name a pattern, or give --source"
    )
    yield from csv_lines(inspection)
    yield from _id(inspection)
    yield from _time(inspection)
    yield from _amount(inspection)
    yield from _label(inspection)


def _id(inspection: Inspection) -> Iterator[str]:
    for column in _having(inspection, "id"):
        yield noted(f"id: {scalar(column.name)}", _reason(inspection, column))


def _time(inspection: Inspection) -> Iterator[str]:
    for column in _having(inspection, "time"):
        role = inspection.roles[column.name]
        yield "time:"
        yield noted(f"  column: {scalar(column.name)}", _reason(inspection, column))
        line = inspection.timeline
        if line is not None:
            yield f"  # from {line.shown(line.first)} to {line.shown(line.last)}"
        if role.unit:
            yield f"  unit: {role.unit}"
            yield f"  since: {role.since}"
        if column.form.pattern is not None:
            words = "days and months may be the other way round: ask" if column.form.ambiguous else column.form.words
            yield noted(f"  format: {scalar(column.form.pattern)}", words)
        if role.since != "start":
            yield noted("  # zone: Europe/London", "of times that name none; UTC where nothing is said")


def _amount(inspection: Inspection) -> Iterator[str]:
    currencies = _having(inspection, "currency")
    rate = next(iter(_having(inspection, "rate")), None)
    for column in _having(inspection, "amount"):
        yield "amount:"
        yield noted(f"  column: {scalar(column.name)}", _reason(inspection, column))
        codes = [value.text.upper() for each in currencies for value in each.values] or list(column.form.currencies)
        if rate is not None:
            yield f"  currency: {inspection.roles[rate.name].base}"
        elif len(codes) == 1 and re.fullmatch("[A-Z]{3}", codes[0]):
            yield f"  currency: {codes[0]}"
        else:
            yield noted("  # currency: GBP", "which one is not to be seen in the table")
        if currencies:
            yield f"  currency_column: {scalar(currencies[0].name)}"
        if rate is not None:
            yield noted(f"  rate_column: {scalar(rate.name)}", _reason(inspection, rate))
        elif len(codes) > 1:
            yield noted("  # rate_column: ...", "several currencies: what one unit is worth in `currency`")
        yield from (f"  {setting}" for setting in _missing(inspection, column))


def _label(inspection: Inspection) -> Iterator[str]:
    label = inspection.label
    if label is None:
        yield noted("label:", "FILL IN: no two-valued column has a label's name")
        yield "#  column: ..."
        yield "#  positive: [...]"
        for column in inspection.candidates:
            yield noted("#  perhaps:", f"{scalar(column.name)}, {column.distinct} values")
        return
    rows = label.positives + label.negatives
    yield f"label:                        # {label.positives:,} of {rows:,} rows are positive ({label.share:.2%})"
    yield noted(f"  column: {scalar(label.column.name)}", label.reason)
    yield f"  positive: [{', '.join(cell(label.column, text) for text in label.positive)}]"
    if label.undecided:
        left = (*label.positive, *label.undecided)
        texts = [value.text for value in label.column.values if value.text not in left]
        yield f"  negative: [{', '.join(cell(label.column, text) for text in texts)}]"
        undecided = ", ".join(cell(label.column, text) for text in label.undecided)
        yield f"  # STOP: undecided: {undecided}; add each to positive or negative"
    if label.column.missing:
        yield noted("  missing: leave_out", f"{label.column.missing:,} rows have no label")
    known = _having(inspection, "known")
    if known:
        until = "rows without one count once nearly all of their age have theirs"
        yield noted(
            f"  known: {{column: {scalar(known[0].name)}{_other_format(inspection, known[0])}}}",
            f"{_reason(inspection, known[0])}; {until}",
        )
    elif inspection.timeline is not None:
        yield noted("  # known: {after: 14d}", "how long it takes until a label is known; at once where nothing is said")


def _other_format(inspection: Inspection, known: Column) -> str:
    """Return how a column that dates outcomes is written, where that is not as the rows' own time is."""
    time = next(iter(_having(inspection, "time")), None)
    if time is None or inspection.roles[known.name].unit:
        return ""
    if known.form.pattern == time.form.pattern and not inspection.roles[time.name].unit:
        return ""
    return f", format: {scalar(known.form.pattern or ISO)}"


def _columns(inspection: Inspection) -> Iterator[str]:
    entities = _entities(inspection)
    if entities:
        yield "entities:"
        if len(entities) > 1:
            yield from comment("Without a time, rows of one value of the first are kept together.")
        names: dict[str, int] = {}
        for column in entities:
            kind = inspection.roles[column.name].entity
            names[kind] = names.get(kind, 0) + 1
            key = kind if names[kind] == 1 else f"{kind}_{names[kind]}"
            yield noted(f"  {key}: {scalar(column.name)}", _reason(inspection, column))
    for name in ("numeric", "categorical"):
        columns = _having(inspection, name)
        if columns:
            yield f"{name}:"
            for column in columns:
                settings = f"{{{', '.join(_missing(inspection, column))}}}".removeprefix("{}")
                yield noted(f"  {scalar(column.name)}: {settings}".rstrip(), _about(inspection, column))
    protected = [c for c in inspection.profile.columns if inspection.roles[c.name].protected]
    bands = [(column, *band) for column in protected if (band := age_bands(inspection.profile, column))]
    if bands:
        yield "bands:"
        for column, name, edges in bands:
            cut = (f"column: {scalar(column.name)}", f"edges: [{', '.join(map(str, edges))}]", *_marks(inspection, column))
            yield f"  {name}: {{{', '.join(cut)}}}"
    yield from _list(inspection, "protected", protected)
    for column, name, _ in bands:
        yield noted(f"  - {name}", f"bands of '{column.name}', in which people think")
    yield from _list(inspection, "private", [c for c in inspection.profile.columns if inspection.roles[c.name].private])
    spare = [*_having(inspection, "currency")] if not _having(inspection, "amount") else _having(inspection, "currency")[1:]
    doubled = _having(inspection, "known")[1:]
    ignored = [c for c in inspection.profile.columns if inspection.roles[c.name].name == "ignored" or c in spare or c in doubled]
    yield from _list(inspection, "ignored", ignored)


def _entities(inspection: Inspection) -> list[Column]:
    """Return the columns of entities, those of people first: a merchant's rows are everybody's."""

    def place(column: Column) -> int:
        kind = inspection.roles[column.name].entity
        return PEOPLE.index(kind) if kind in PEOPLE else len(PEOPLE)

    return sorted(_having(inspection, "entity"), key=place)


def _closing(inspection: Inspection) -> Iterator[str]:
    types = [(column, *kind) for column in inspection.profile.columns if (kind := _type(inspection, column))]
    if types:
        yield "types:"
        for column, type_, why in types:
            yield noted(f"  {scalar(column.name)}: {type_}", why)
    if _having(inspection, "time") and _entities(inspection):
        yield noted("# validation: {}", "judge models on folds in time, as they are used; waits as `known` says")
    if inspection.label is not None:
        yield noted("# sampling: {negatives_kept: 0.1}", "where negative rows were left out: the share that is there")


def _type(inspection: Inspection, column: Column) -> tuple[str, str] | None:
    """Return the type in which training must read a column, and why, where that is not its role's; None otherwise."""
    role = inspection.roles[column.name]
    if role.name in ("numeric", "categorical") and column.form.coded:
        return "text", "digits with leading zeros"
    if role.protected and not column.typed and age_bands(inspection.profile, column):
        return ("integer" if column.whole else "float"), "numbers that are cut into bands"
    if not column.typed or role.name in ("numeric", "amount", "rate") or (role.name in ("time", "known") and role.unit):
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
            yield noted(f"  - {scalar(column.name)}", _reason(inspection, column))


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
    marks = [*_marks(inspection, column)]
    if column.missing or column.misfits or marks:
        yield "missing: allow"
    yield from marks


def _marks(inspection: Inspection, column: Column) -> Iterator[str]:
    """Yield which words and numbers mean that a cell is missing, where any do."""
    marks = [scalar(value.text) for value in column.said]
    if column.name in inspection.sentinels:
        marks.append(f"{inspection.sentinels[column.name][0]:.0f}")
    if marks:
        yield f"missing_values: [{', '.join(marks)}]"
