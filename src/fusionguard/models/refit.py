"""A bundle whose models are fitted anew on all rows, with the models of the final reading kept beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusionguard.files import atomic_folder, write_bytes
from fusionguard.models.bundle import EVALUATED, Bundle


def write_refitted(destination: Path, evaluated: Bundle, files: Mapping[str, bytes], *, rows: int) -> Bundle:
    """Write a copy of ``evaluated`` in which ``files`` stand in place of those of the same names, whole or not at all.

    What they replace is kept as ``evaluated_<name>``: only a model that has not seen the test rows can be compared on them, see
    :meth:`Bundle.file`. All else is the same, so the manifest's facts (the rows held out, the window of time) stand for the
    evaluated model.

    Parameters
    ----------
    rows
        How many rows the new files were fitted on.
    """
    with atomic_folder(destination) as folder:
        for name in evaluated.manifest.files:
            content = (evaluated.folder / name).read_bytes()
            if name in files:
                write_bytes(folder / f"{EVALUATED}{name}", content)
            write_bytes(folder / name, files.get(name, content))
        Bundle.seal(folder, **evaluated.manifest.model_dump(exclude={"files", "refitted_rows"}), refitted_rows=rows)
    return Bundle.open(destination)
