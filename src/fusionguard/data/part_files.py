"""Folders of part files, as Spark and others write a table: which files are parts, and in which order."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from fusionguard.errors import DataError
from fusionguard.files import sha256_file

_PART = re.compile(r"(?i)part[-_.]?\d")
_BESIDE = (".crc", ".yaml")
_TABLE_LOGS = {"_delta_log": "Delta Lake", ".hoodie": "Hudi"}
"""Folders that say which files are of the table today; others lie beside them, and are of its past."""
_UNFINISHED = "_temporary"


def part_files(folder: Path) -> tuple[Path, ...]:
    """Return the part files of a folder in order; none where it is not one.

    What begins with ``_`` or ``.``, checksums (``.crc``) and declarations are no parts, and empty files hold nothing.

    Raises
    ------
    DataError
        The job that wrote the folder did not end, its parts lie in folders, there are other files between the parts, or
        it is a table whose log says which of them count.
    """
    if not folder.is_dir():
        return ()
    for log, kind in _TABLE_LOGS.items():
        if (folder / log).is_dir():
            raise DataError(
                f"{folder.name} is a {kind} table, whose log says which of the files still belong to it.",
                "Write it as plain parquet.",
            )
    seen = [path for path in folder.iterdir() if not path.name.startswith(("_", ".")) and not path.name.lower().endswith(_BESIDE)]
    parts = [path for path in seen if path.is_file() and _PART.match(path.name)]
    partitions = sorted(path.name for path in seen if path.is_dir() and "=" in path.name)
    if partitions:
        raise DataError(
            f"{folder.name} is partitioned: its parts lie in folders such as '{partitions[0]}', and lack that column.",
            "Write the table without partitionBy.",
        )
    if not parts:
        return ()
    if (folder / _UNFINISHED).exists():
        raise DataError(
            f"{folder.name} holds '{_UNFINISHED}': the job that wrote it has not ended.", "Let it write the folder anew."
        )
    others = sorted(path.name for path in seen if path not in parts)
    if others:
        raise DataError(f"{folder.name} holds '{others[0]}' beside its part files.", "Keep only the parts of one table there.")
    whole = [path for path in parts if path.stat().st_size]
    if not whole:
        raise DataError(f"{folder.name} holds empty part files only.", "Let it be written anew.")
    return tuple(
        sorted(whole, key=lambda path: [int(each) if each.isdigit() else each for each in re.split(r"(\d+)", path.name)])
    )


def sha256_parts(parts: tuple[Path, ...]) -> str:
    """Return one SHA-256 for a table in parts: that of their SHA-256s in order, whatever the files are called."""
    return hashlib.sha256("".join(f"{sha256_file(part)}\n" for part in parts).encode()).hexdigest()
