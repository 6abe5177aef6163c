"""A service of compose.yaml as an engine would run it, of what is installed here instead of its image.

It gets namespaces of its own for files, network and processes, a root that takes no files, the mounts, the user, no
capabilities, and the variables that compose.yaml gives it. What an image holds is not tested: programs come from the environment
that runs the tests.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
HEALTHY_SECONDS = 120
STOP_SECONDS = 40

_BOX = """
ip link set lo up
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
cd "$work/root"
chmod a+x root
mount --bind /dev dev
mount -t proc proc proc
"""


def read_compose(environment: Mapping[str, str]) -> Any:
    """Return compose.yaml with ``${NAME:-default}`` and ``${NAME:?message}`` put in; KeyError without a required one."""

    def put(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        value = environment.get(name, "")
        if value or kind == ":-":
            return value or word
        raise KeyError(f"{name}: {word}")

    return yaml.safe_load(re.sub(r"\$\{(\w+)(:-|:\?)([^}]*)\}", put, (ROOT / "compose.yaml").read_text()))


class Container:
    """One service, started; leave the ``with`` block and it ends."""

    def __init__(self, folder: Path, name: str, environment: Mapping[str, str], **image: Any) -> None:
        """Start ``name`` of compose.yaml.

        Parameters
        ----------
        folder
            Where its named volumes lie, in ``volumes``, and its output, ``output.txt``.
        environment
            What ``.env`` would hold.
        image
            What the image brings: ``user``, ``env``, ``command``, and ``files``: folders by the path where it has them.
        """
        self.service = read_compose(environment)["services"][name]
        self.folder = folder
        self.user = str(image.get("user", 0))
        given = (
            {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/sbin"} | image.get("env", {}) | self.service["environment"]
        )
        self.environment = [f"{key}={value}" for key, value in given.items()]
        (folder / "work").mkdir(parents=True)
        command = self.service.get("command") or image["command"]
        box = f"work={shlex.quote(str(folder / 'work'))}\n{_BOX}{self._mounts(image.get('files', {}))}"
        box += f"exec chroot . {shlex.join(self._inside(command, self.service.get('working_dir', '/')))}"
        self.output = folder / "output.txt"
        namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        with self.output.open("w") as stream:
            self.process = subprocess.Popen([*namespaces, "sh", "-ec", box], stdout=stream, stderr=stream)

    def _mounts(self, files: Mapping[str, Path]) -> str:
        lines = [f"mount -t tmpfs tmpfs .{place}" for place in self.service["tmpfs"]]
        held = {place: Path(place) for place in (str(ROOT), sys.base_prefix, sys.prefix)} | dict(files)
        lines += [f"mkdir -p .{place}; mount --bind -o ro {source} .{place}" for place, source in held.items()]
        for volume in self.service["volumes"]:
            if isinstance(volume, str):
                name, _, target = volume.partition(":")
                source = self.folder / "volumes" / name
                source.mkdir(parents=True, exist_ok=True)
                os.chown(source, int(self.user), int(self.user))  # as an engine copies it from the image
            else:
                source, target = Path(volume["source"]), volume["target"]
            lines.append(f"mkdir -p .{target}; mount --bind {shlex.quote(str(source))} .{target}")
            if not isinstance(volume, str) and volume["read_only"]:
                lines.append(f"mount -o remount,bind,ro .{target}")
        if self.service["read_only"]:
            lines.append("mount -o remount,ro .")
        return "\n".join(lines) + "\n"

    def _inside(self, command: Sequence[str], place: str = "/") -> list[str]:
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--no-new-privs"]
        assert self.service["cap_drop"] == ["ALL"]
        user += ["--bounding-set=-all", "--inh-caps=-all"]
        return [*user, "env", "--ignore-environment", f"--chdir={place}", *self.environment, *command]

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as ``docker compose exec`` does."""
        first = self.first_process()
        enter = ["nsenter", f"--target={first}", "--mount", "--net", "--root", "--wd=/"]
        return subprocess.run([*enter, *self._inside(command)], capture_output=True, text=True, timeout=120, **options)

    def python(self, code: str) -> str:
        """Run Python in it and return what that prints."""
        done = self.run(["python", "-c", code])
        assert done.returncode == 0, f"{done.stderr}\n{self.output.read_text()}"
        return done.stdout.strip()

    def status(self, address: str, **headers: str) -> int:
        """Ask it for a page and return the answer's status."""
        ask = f"import httpx; print(httpx.get({address!r}, headers={headers!r}, trust_env=False, timeout=60).status_code)"
        return int(self.python(ask))

    def first_process(self) -> int:
        """Return the process that its engine would send signals to."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert children, f"it has ended: {self.output.read_text()}"
        return int(children[0])

    def wait_healthy(self) -> None:
        """Wait until its health check, as compose.yaml has it, is content."""
        kind, *check = self.service["healthcheck"]["test"]
        assert kind == "CMD"
        until = time.monotonic() + HEALTHY_SECONDS
        time.sleep(1)
        while (done := self.run(check)).returncode != 0:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < until, f"{done.stderr}\n{self.output.read_text()}"
            time.sleep(0.5)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.kill(self.first_process(), 15)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def require_namespaces() -> None:
    """Skip the test where no namespaces can be made."""
    missing = [name for name in ("unshare", "nsenter", "setpriv", "ip") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"needs root and Linux's namespaces{': ' + ', '.join(missing) if missing else ''}")
    if subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make namespaces")
