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
_DECRYPT = "Decrypt it first."
_TABLE = "Give the table itself."

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or Word document, or one with a password", _AS_CSV),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "packed with xz", _UNPACK),
    (b"\x5d\x00\x00", "packed with lzma", _UNPACK),
    (b"LZIP", "packed with lzip", _UNPACK),
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
    (b"X\n\x00\x00\x00", "an R object (.rds)", _CONVERT),
    (b"MATLAB 5.0", "a MATLAB file", _CONVERT),
    (b"$FL2", "an SPSS file", _CONVERT),
    (b"<stata_dta>", "a Stata file", _CONVERT),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60", "a SAS data set", _CONVERT),
    (b"\x00\x01\x00\x00Standard ", "an Access database", _CONVERT),
    (b"-----BEGIN PGP", "encrypted or signed with PGP", _DECRYPT),
    (b"age-encryption.org", "encrypted with age", _DECRYPT),
    (b"Salted__", "encrypted with OpenSSL", _DECRYPT),
    (b"\x7fELF", "a program", _TABLE),
    (b"MZ\x90", "a program", _TABLE),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"{\\rtf", "an RTF document", _AS_CSV),
    (b"\x89PNG", "a picture", _TABLE),
    (b"\xff\xd8\xff", "a picture", _TABLE),
    (b"GIF8", "a picture", _TABLE),
    (b"II*\x00", "a picture", _TABLE),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Fetch the file itself with `git lfs pull`."),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]|\([dl]p?\d*\n|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n[(p]")
_PGP_PACKETS = re.compile(rb"[\x84\x85\x8c\xa3\xc1\xc3]")
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
_DUCKDB_MAGIC_AT = 8
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BEGINNING_BYTES = 512


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
    if start[_DUCKDB_MAGIC_AT : _DUCKDB_MAGIC_AT + 4] == b"DUCK":
        raise DataError(f"{name} is a DuckDB database.", _CONVERT)
    if name.lower().endswith((".gpg", ".pgp")) and _PGP_PACKETS.match(start):
        raise DataError(f"{name} is encrypted or signed with PGP.", _DECRYPT)
    if _PICKLE.match(start):
        raise DataError(f"{name} is a pickled Python object, which is never read.", _CONVERT)
    for mark, encoding in _TEXTS:
        if start.startswith(mark):
            raise DataError(f"{name} is {encoding} text; it is not UTF-8 text.", _UTF8)
    if b"\0" in start.partition(b"\n")[0]:
        _refuse_zero_bytes(name, start)
    _refuse_binary(name, start)
    _refuse_other_texts(name, start)


def _refuse_zero_bytes(name: str, start: bytes) -> None:
    """Say what has zero bytes where a header should be: nothing but them, text of wide characters without a mark, or no text."""
    if not start.strip(b"\0"):
        raise DataError(f"{name} begins with {len(start):,} zero bytes and no text: a copy or download did not end.", AGAIN)
    for encoding, step in (("UTF-16", 2), ("UTF-32", 4)):
        first, last = start[::step], start[step - 1 :: step]
        for letters, zeros in ((first, last), (last, first)):  # the small end first, or the big one
            if zeros.count(0) > 0.8 * len(zeros) and letters.count(0) < 0.2 * len(letters):
                raise DataError(f"{name} is {encoding} text; it is not UTF-8 text.", _UTF8)
    _refuse_binary(name, start)
    raise DataError(f"{name} has a zero byte in its header, which no text has: it is damaged.", AGAIN)


def _refuse_binary(name: str, start: bytes) -> None:
    beginning = start.partition(b"\n")[0][:_BEGINNING_BYTES]
    if len(_CONTROLS.findall(beginning)) > max(2, 0.03 * len(beginning)):
        raise DataError(f"{name} is binary, of a kind that is not known, and no text.", _CONVERT)


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
