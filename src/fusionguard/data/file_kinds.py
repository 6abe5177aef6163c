"""What a file is, read from its first bytes: the kinds that are read, and the many others, each named with what to do."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Literal

from fusionguard.errors import DataError

FileKind = Literal["csv", "gzip", "zip", "parquet"]

START_BYTES = 1 << 16
"""How much of a file is looked at."""

AGAIN = "Get it again from where it came."
_AS_CSV = "Save it as CSV (UTF-8), and give that."
_UNPACK = "Unpack it, or pack it as gzip or zip."
_CONVERT = "Write it as CSV or parquet."
_UTF8 = "Save it as UTF-8."

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls), or one with a password", _AS_CSV),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
    (b"\x04\x22\x4d\x18", "packed with lz4", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", "packed with snappy", _UNPACK),
    (b"\x1f\x9d", "packed with compress (.Z)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"PARE", "an encrypted parquet file", "Write it without encryption."),
    (b"ARROW1", "an Arrow (Feather) file", _CONVERT),
    (b"FEA1", "a Feather file", _CONVERT),
    (b"\xff\xff\xff\xff", "an Arrow stream", _CONVERT),
    (b"ORC", "an ORC file", _CONVERT),
    (b"Obj\x01", "an Avro file", _CONVERT),
    (b"SQLite format 3\x00", "an SQLite database", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _CONVERT),
    (b"\x93NUMPY", "a NumPy array", _CONVERT),
    (b"RDX", "an R workspace", _CONVERT),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"{\\rtf", "an RTF document", _AS_CSV),
    (b"\x89PNG", "a picture", "Give the table itself."),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Fetch the file itself with `git lfs pull`."),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_HTML = re.compile(rb"(?is)(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype html|<html|<head|<body)")
_SEPARATOR_LINE = re.compile(rb'(?i)"?sep=.?"?\s*[\r\n]')
_DVC = re.compile(rb"(?m)\A(outs|deps|md5):")
_WORKBOOKS = (
    ("xl/", "an Excel workbook"),
    ("word/", "a Word document"),
    ("Index/", "a Numbers workbook"),
    ("content.xml", "an OpenDocument workbook"),
)
_TEXTS = (b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")
_BOM = b"\xef\xbb\xbf"
_TAR_MAGIC_AT = 257


def file_kind(file: Path) -> FileKind:
    """Return what a file is by its content; raise :class:`DataError` where its name promises another kind that is read."""
    with file.open("rb") as stream:
        start = stream.read(START_BYTES)
    if start.startswith(b"PK\x03\x04") or start.startswith(b"PK\x05\x06"):
        found: FileKind = "zip"
        _refuse_workbooks(file)
    else:
        found = "gzip" if start.startswith(b"\x1f\x8b") else "parquet" if start.startswith(b"PAR1") else "csv"
    if found == "csv":
        refuse_other_kinds(file.name, start)
    promised = {".gz": "gzip", ".zip": "zip", ".parquet": "parquet"}.get(file.suffix.lower())
    if promised and found != promised:
        really = "plain text" if found == "csv" else found
        raise DataError(f"{file.name} is named as {promised} but its content is not: it is {really}.", f"{AGAIN} Or rename it.")
    return found


def refuse_other_kinds(name: str, start: bytes) -> None:
    """Raise a :class:`DataError` that says what it is, where text that should be CSV does not begin as such."""
    for magic, what, remedy in _MAGIC:
        if start.startswith(magic):
            raise DataError(f"{name} is {what}.", remedy)
    if start[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise DataError(f"{name} is a tar archive.", _UNPACK)
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"PAR1")):
        inner = {b"P": "a zip archive or a workbook", b"\x1f": "packed with gzip once more"}[start[:1]]
        raise DataError(f"{name} holds another file inside: {'parquet' if start[:4] == b'PAR1' else inner}.", "Unpack it once.")
    if _PICKLE.match(start):
        raise DataError(f"{name} is a pickled Python object, which is never read.", _CONVERT)
    for mark, encoding in _TEXTS:
        if start.startswith(mark):
            raise DataError(f"{name} is {encoding} text; it is not UTF-8 text.", _UTF8)
    _refuse_other_texts(name, start)


def _refuse_other_texts(name: str, start: bytes) -> None:
    if start.startswith(_BOM + _BOM):
        raise DataError(f"{name} starts with two byte order marks.", "Remove one: save it as UTF-8 without a mark.")
    text = start.removeprefix(_BOM).lstrip()
    if _HTML.match(text):
        raise DataError(
            f"{name} is an HTML page (of a login or an error, perhaps), not a table.",
            "Download it again, logged in where need be.",
        )
    if text.startswith(b"<"):
        raise DataError(f"{name} is XML, not a table.", _AS_CSV)
    if text[:1] in (b"{", b"["):
        raise DataError(f"{name} is JSON, not CSV.", _CONVERT)
    if _SEPARATOR_LINE.match(text):
        raise DataError(
            f"{name} begins with a 'sep=' line, a hint for Excel, instead of a header.",
            "Remove that line, and separate columns by commas.",
        )
    if _DVC.match(text):
        raise DataError(f"{name} is a DVC pointer, not the file it stands for.", "Fetch the file itself with `dvc pull`.")


def _refuse_workbooks(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return  # whoever unpacks it says so
    office = "[Content_Types].xml" in names or "mimetype" in names or any(name.endswith(".iwa") for name in names)
    for member, what in _WORKBOOKS if office else ():
        if any(name.startswith(member) for name in names):
            raise DataError(f"{file.name} is {what}.", _AS_CSV)
