"""The part of a draft that says how CSV files are written."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fusionguard.datasets.inspection.draft_lines import noted
from fusionguard.datasets.inspection.findings import read_as_written
from fusionguard.datasets.inspection.inspected import Inspection

_WIDTH = 80


def csv_lines(inspection: Inspection) -> Iterator[str]:
    """Yield how CSV files are written, where that is not with commas and plain numbers."""
    profile = inspection.profile
    if profile.layout != "CSV":
        return
    said: dict[str, str] = {}
    if len(profile.separators) == 1 and profile.separators[0] != ",":
        said["separator"] = json.dumps(profile.separators[0])
    if profile.encoding != "utf-8" and not profile.oddities:
        said["encoding"] = profile.encoding
    forms = [column.form for column in profile.columns if column.form.kind == "number" and not column.typed]
    if read_as_written(profile):
        if any("decimal commas" in form.words for form in forms):
            said |= {"decimal": '","', "thousands": '"."'}
        elif any("commas between thousands" in form.words for form in forms):
            said["thousands"] = '","'
        signs = sorted({sign for form in forms for sign in (*form.currencies, *(["%"] if "per cent" in form.words else []))})
        if signs:
            said["signs"] = json.dumps(signs, ensure_ascii=False)
    if not said:
        return
    entries, note = [f"{key}: {value}" for key, value in said.items()], "how the file is written"
    if len(line := f"csv: {{{', '.join(entries)}}}") <= _WIDTH:
        yield noted(line, note)
    else:
        yield noted("csv:", note)
        yield from (f"  {entry}" for entry in entries)
