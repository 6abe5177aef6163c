"""What a service loads of the package, against the files that ``bentofile.yaml`` lists by hand.

``python -m tests.serving.bento_files RELEASE`` starts the service of a release in this process, has every model explain a row,
and prints the lines that the list lacks (``+``) and has too many of (``-``).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "fusionguard"
GLOBBED = PACKAGE / "serving"
"""The list takes this folder whole."""


def loaded_files(release: Path) -> set[str]:
    """Return the files of the package, relative to the checkout, that a service of a release opens.

    Call it in a process that has imported nothing of the package: what is in memory is not opened again.
    """
    opened: set[Path] = set()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            opened.add(Path(arguments[0]))

    sys.addaudithook(note)
    from fusionguard.serving.app import RiskApp
    from fusionguard.serving.requests import RowReader
    from fusionguard.serving.settings import ServeSettings

    async def answer() -> None:
        app = RiskApp(ServeSettings(release=release, log=release.parent / "log"))
        await app.start()
        for model in (routes.model for routes in app._scoring.values() if routes.model is not None):
            family = model.family
            model.online.explain(RowReader(family.request_fields).one(family.example_row).values)
        await app.stop()

    asyncio.run(answer())
    modules = {
        Path(module.__file__) for name, module in sys.modules.items() if name.startswith("fusionguard") and module.__file__
    }
    data = {file for file in opened if file.suffix != ".py" and file.parent.name != "__pycache__"}
    return {file.relative_to(ROOT).as_posix() for file in modules | data if file.is_relative_to(PACKAGE)}


def listed_files() -> set[str]:
    """Return the files of the package that the list names."""
    included = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]
    return {name for name in included if name.startswith("src/") and "*" not in name}


def changes(loaded: set[str]) -> list[str]:
    """Return the lines to add to the list, and those to take away."""
    wanted = {name for name in loaded if not (ROOT / name).is_relative_to(GLOBBED)}
    lacking, unused = sorted(wanted - listed_files()), sorted(listed_files() - wanted)
    return [f"+  - {name}" for name in lacking] + [f"-  - {name}" for name in unused]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in changes(loaded_files(Path(sys.argv[1])))))
