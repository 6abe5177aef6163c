"""``python -m benchmarks.setup``: what the front door costs. Measures `make setup` in new clones, and writes docs/setup.md."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.counting_proxy import CountingProxy
from benchmarks.machine import Machine, describe_machine
from benchmarks.markdown import table
from benchmarks.measure import CHECKOUT, BenchmarkError
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.files import write_text
from fusionguard.threads import wait_politely

DOCUMENT = CHECKOUT / "docs" / "setup.md"
FREE_DISK_BYTES = 8e9
_LINES_SHOWN = 5
_BLOCK_BYTES = 512


@dataclass(frozen=True)
class Setup:
    """What one `make setup` took."""

    seconds: float
    downloaded_bytes: int
    """From servers, with encryption, headers and the index's pages."""
    local_bytes: int
    """Wheels that uv's cache took from a folder of this machine; elsewhere they are downloaded, too."""
    environment_bytes: int
    """On the disk: blocks of the environment's folder, a file with several names once."""
    cache_bytes: int
    """On the disk: what uv's cache holds besides; files that are the environment's, too, are not counted again."""
    packages: int


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the document; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.setup", description="Measure what `make setup` costs.")
    parser.add_argument("--output", type=Path, default=DOCUMENT, metavar="FILE.md")
    options = parser.parse_args(arguments)
    wait_politely()
    try:
        machine = describe_machine(())
        with tempfile.TemporaryDirectory(prefix="fusionguard-setup-") as folder:
            if shutil.disk_usage(folder).free < FREE_DISK_BYTES:
                raise UsageError("Too little room for temporary files.", "Free 8 GB, or set TMPDIR to a folder that has them.")
            cold, warm = (measure_setup(CHECKOUT, Path(folder) / name, Path(folder) / "cache") for name in ("first", "second"))
        write_text(options.output, document(cold, warm, machine))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def measure_setup(checkout: Path, clone: Path, cache: Path) -> Setup:
    """Clone what is committed in ``checkout`` and run `make setup` there, with uv's cache in ``cache``.

    Raises
    ------
    BenchmarkError
        It failed; the message ends with its last lines.
    UsageError
        A proxy is set already.
    """
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        raise UsageError("Programs here reach the network through a proxy.", "Measure where they do not.")
    subprocess.run(["git", "clone", "--quiet", checkout, clone], check=True)
    new = not cache.exists()
    with CountingProxy() as proxy:
        begin = time.monotonic()
        done = subprocess.run(
            ["make", "setup"], cwd=clone, env=_environment(proxy, cache), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        seconds = time.monotonic() - begin
    if done.returncode != 0:
        last = " / ".join((done.stdout + done.stderr).strip().splitlines()[-_LINES_SHOWN:])
        raise BenchmarkError(f"make setup failed with status {done.returncode}: {last}", "Run it by itself to see all it says.")
    environment = clone / ".venv"
    (packages,) = environment.glob("lib/python3*/site-packages")
    names = {path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")}
    alone = disk_bytes([environment])
    return Setup(
        seconds=round(seconds, 1),
        downloaded_bytes=proxy.received,
        local_bytes=_local_bytes(names) if new else 0,
        environment_bytes=alone,
        cache_bytes=disk_bytes([environment, cache]) - alone,
        packages=len(names),
    )


def _environment(proxy: CountingProxy, cache: Path) -> dict[str, str]:
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VENV", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | proxy.environment() | {"UV_CACHE_DIR": str(cache), "PIP_CACHE_DIR": str(cache / "pip")}


def _local_bytes(names: Iterable[str], environment: Mapping[str, str] = os.environ) -> int:
    """Return the size of the wheels in the folders of ``PIP_FIND_LINKS`` whose package is installed in just that version."""
    wanted = {name.lower() for name in names}
    folders = [Path(part) for part in environment.get("PIP_FIND_LINKS", "").split() if Path(part).is_dir()]
    wheels = {wheel.name: wheel for folder in folders for wheel in folder.glob("*.whl")}
    return sum(wheel.stat().st_size for name, wheel in wheels.items() if "-".join(name.split("-")[:2]).lower() in wanted)


def disk_bytes(folders: Iterable[Path]) -> int:
    """Return what folders take on the disk together: blocks, of a file with several names once."""
    found = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            about = path.lstat()
            found[about.st_dev, about.st_ino] = about.st_blocks * _BLOCK_BYTES
    return sum(found.values())


def document(cold: Setup, warm: Setup, machine: Machine) -> str:
    """Return the document: both set-ups side by side, and how they were measured."""

    def row(name: str, read: str) -> tuple[str, str, str]:
        return name, *(f"{getattr(each, read) / 1e9:.2f} GB" for each in (cold, warm))

    rows = [
        ("download", *(f"{(each.downloaded_bytes + each.local_bytes) / 1e9:.2f} GB" for each in (cold, warm))),
        ("seconds", *(f"{each.seconds:.0f}" for each in (cold, warm))),
        row("disk: the environment", "environment_bytes"),
        row("disk: uv's cache besides", "cache_bytes"),
        ("packages", f"{cold.packages}", f"{warm.packages}"),
    ]
    local = ""
    if cold.local_bytes:
        local = (
            f"- {cold.local_bytes / 1e9:.2f} GB of the first download are wheels that lay in a folder of this machine (PyTorch's"
            " CPU build). They count, for elsewhere they are downloaded, too.\n"
        )
    return (
        "# What the set-up costs\n\n"
        f"Written by `make bench-setup` on {datetime.now(UTC).date().isoformat()}: `make setup` in a new clone, with nothing kept"
        " of an earlier one, and then in a second clone beside it.\n\n"
        f"{machine.sentences()} Other systems and Pythons were not measured.\n\n"
        f"{table(('', 'first', 'again elsewhere'), rows)}\n\n"
        "- Download is what a proxy on loopback received from servers: files, headers, encryption, and the index's pages, which"
        " are asked for each time.\n"
        f"{local}"
        "- Disk is in blocks, a file with several names counted once: uv's cache and the environment share files where both lie"
        " on one file system. `uv cache clean` gives the second line back.\n"
        "- Seconds depend on the network.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
