"""What the set-up costs: bytes are counted, files with two names once, and the README says what the document says."""

from __future__ import annotations

import http.server
import os
import re
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import install
from benchmarks.counting_proxy import CountingProxy
from benchmarks.machine import Machine
from benchmarks.measure import CHECKOUT, BenchmarkError
from benchmarks.setup import DOCUMENT, Setup, _local_bytes, disk_bytes, document, measure_setup
from fusionguard.errors import UsageError

SIZE = 300_000
HEADERS = 1_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An index of one file, on loopback."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a-1-py3-none-any.whl").write_bytes(os.urandom(SIZE))
    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_what_comes_back_is_counted_through_a_tunnel_and_without(server: str) -> None:
    with CountingProxy() as proxy:
        address = proxy.environment()["https_proxy"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": address}))
        assert len(opener.open(f"http://{server}/a-1-py3-none-any.whl").read()) == SIZE
        assert SIZE < proxy.received < SIZE + HEADERS
        with socket.create_connection(proxy.server_address[:2]) as tunnel:
            tunnel.sendall(f"CONNECT {server} HTTP/1.1\r\n\r\n".encode())
            assert tunnel.recv(100).startswith(b"HTTP/1.1 200")
            tunnel.sendall(b"GET /a-1-py3-none-any.whl HTTP/1.0\r\n\r\n")
            assert sum(len(piece) for piece in iter(lambda: tunnel.recv(1 << 16), b"")) > SIZE
        assert 2 * SIZE < proxy.received < 2 * (SIZE + HEADERS)


def test_a_file_with_two_names_takes_its_room_once(tmp_path: Path) -> None:
    one, two = tmp_path / "cache", tmp_path / "environment"
    one.mkdir()
    two.mkdir()
    (one / "alone").write_bytes(os.urandom(50_000))
    (one / "shared").write_bytes(os.urandom(SIZE))
    (two / "shared").hardlink_to(one / "shared")
    folders = sum(folder.stat().st_blocks * 512 for folder in (one, two))
    shared = (one / "shared").stat().st_blocks * 512
    alone = (one / "alone").stat().st_blocks * 512
    assert disk_bytes([two]) == shared + two.stat().st_blocks * 512
    assert disk_bytes([one, two]) == shared + alone + folders and shared >= SIZE


def test_local_wheels_count_in_the_version_that_is_installed(tmp_path: Path) -> None:
    for name, size in (("torch-2.13.0+cpu-cp311-cp311-linux_x86_64", 5_000), ("torch-2.12.0-cp311-cp311-linux_x86_64", 70_000)):
        (tmp_path / f"{name}.whl").write_bytes(bytes(size))
    environment = {"PIP_FIND_LINKS": f"{tmp_path} https://elsewhere"}
    assert _local_bytes(["torch-2.13.0+cpu", "numpy-2.4.6"], environment) == 5_000
    assert _local_bytes(["torch-2.13.0+cpu"], {}) == 0


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout whose `make setup` downloads one file into an environment of two packages, and puts another into uv's cache."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    site = ".venv/lib/python3.11/site-packages"
    (folder / "Makefile").write_text(
        f"setup:\n\tmkdir -p {site}/a-1.dist-info {site}/b-2.dist-info $(UV_CACHE_DIR)\n"
        f'\tpython3 -c "import urllib.request as u; open(\\"{site}/a\\", \\"wb\\").write(u.urlopen(\\"$(FROM)\\").read())"\n'
        f"\tln {site}/a $(UV_CACHE_DIR)/a && head -c 9000 /dev/urandom > $(UV_CACHE_DIR)/b\n"
    )
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "a"]):
        subprocess.run([*git, *words], check=True)
    return folder


def test_a_set_up_is_measured(repository: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM", f"http://{server}/a-1-py3-none-any.whl")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    taken = measure_setup(repository, tmp_path / "clone", tmp_path / "cache")
    assert SIZE < taken.downloaded_bytes < SIZE + HEADERS and taken.local_bytes == 0
    assert SIZE < taken.environment_bytes < SIZE + 100_000
    assert 9_000 < taken.cache_bytes < 60_000
    assert taken.packages == 2 and 0 < taken.seconds < 60
    monkeypatch.setenv("FROM", f"http://{server}/nothing")
    with pytest.raises(BenchmarkError, match="404"):
        measure_setup(repository, tmp_path / "other", tmp_path / "cache")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="through a proxy"):
        measure_setup(repository, tmp_path / "third", tmp_path / "cache")


def test_the_document_adds_what_was_downloaded_to_what_lay_here() -> None:
    machine = Machine(cores=2, memory_gb=24, system="Debian, x86_64", python="3.11.7", libraries={}, load=0.4)
    cold = Setup(61.6, 610_000_000, 190_000_000, 2_340_000_000, 120_000_000, 231)
    warm = Setup(18.2, 4_000_000, 0, 2_340_000_000, 130_000_000, 231)
    text = document(cold, warm, machine)
    assert "| download | 0.80 GB | 0.00 GB |" in text and "| seconds | 62 | 18 |" in text
    assert "0.19 GB of the first download are wheels that lay in a folder" in text


def test_the_readme_says_what_was_measured_and_where_it_holds() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", DOCUMENT.read_text(), re.MULTILINE))
    readme = " ".join((CHECKOUT / "README.md").read_text().split())
    (said,) = re.findall(r"(\S+ GB) to download, (\S+ GB) on the disk and (\S+) seconds \(\[measured\]\(docs/setup\.md\)", readme)
    assert said == (rows["download"], rows["disk: the environment"], rows["seconds"])
    systems = {"Linux": ("x86_64", "aarch64"), "Darwin": ("arm64",)}
    assert {(system, machine) for system, machines in systems.items() for machine in machines} == install.SYSTEMS
    assert "on Linux (x86_64 or aarch64, glibc 2.28) or macOS 14 (arm64)" in readme
    pythons = [".".join(map(str, python)) for python in install.PYTHONS]
    assert f"Python {', '.join(pythons[:-1])} or {pythons[-1]}" in readme
