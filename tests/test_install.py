"""What sets FusionGuard up, on the machines and Pythons it says it runs on."""

from __future__ import annotations

import csv
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import install
from install import Environment, explained, locked, pack, settings, unsupported

ROOT = Path(__file__).parent.parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PLATFORMS = {
    ("Linux", "x86_64"): "x86_64-manylinux_2_28",
    ("Linux", "aarch64"): "aarch64-manylinux_2_28",
    ("Darwin", "arm64"): "aarch64-apple-darwin",
}
UV = Path(sys.executable).with_name("uv")


@pytest.mark.parametrize(
    ("system", "machine", "python", "said"),
    [
        ("Linux", "x86_64", (3, 11, 7), None),
        ("Linux", "aarch64", (3, 13, 0), None),
        ("Darwin", "arm64", (3, 12, 4), None),
        ("Linux", "x86_64", (3, 10, 12), "this is Python 3.10"),
        ("Linux", "x86_64", (3, 14, 0), "this is Python 3.14"),
        ("Darwin", "x86_64", (3, 12, 4), "this is Darwin on x86_64"),
        ("Windows", "AMD64", (3, 12, 4), "on Windows through WSL"),
        ("Linux", "ppc64le", (3, 12, 4), "this is Linux on ppc64le"),
    ],
)
def test_what_is_supported_is_said_in_one_line(system: str, machine: str, python: tuple[int, ...], said: str | None) -> None:
    why = unsupported(system, machine, python)
    if said is None:
        assert why is None
    else:
        assert why is not None and said in why and "\n" not in why


def test_the_package_asks_for_the_pythons_that_are_installed_on() -> None:
    assert importlib.metadata.metadata("fusionguard")["Requires-Python"] == "<3.14,>=3.11"
    assert [version for version in range(8, 16) if unsupported("Linux", "x86_64", (3, version)) is None] == [11, 12, 13]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_pin_every_package_and_name_no_index(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    for line in text.splitlines():
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+|    --hash=sha256:[0-9a-f]{64}", line), line


def test_locks_agree_on_what_they_share() -> None:
    pins: dict[str, set[str]] = {}
    for lock in LOCKS:
        for line in locked(lock.name):
            name, _, version = line.split(" ")[0].partition("==")
            pins.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_a_machine_without_a_gpu_is_given_nothing_for_one() -> None:
    names = {line.partition("==")[0] for line in locked("requirements.lock") if "'linux'" in line or "platform" not in line}
    assert "xgboost-cpu" in names and "torch" in names
    assert not {name for name in names if re.match(r"nvidia-(?!ml-py)|cuda-|triton|xgboost$", name)}
    assert not names & {"pyspark", "pytest", "mypy", "ruff", "shap", "numba"}
    assert "nvidia-cublas" in {line.partition("==")[0] for line in locked("requirements-gpu.lock")}


@pytest.mark.full
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("place", PLATFORMS, ids=lambda place: "-".join(place))
def test_every_package_is_to_be_had_there(place: tuple[str, str], python: str, tmp_path: Path) -> None:
    assert place in install.SYSTEMS
    command = [UV, "pip", "install", "--dry-run", "--target", tmp_path, "--python-platform", PLATFORMS[place]]
    command += ["--python-version", python, "--only-binary", ":all:", "--no-binary", "iterative-telemetry"]
    env = settings(tmp_path) | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}
    done = subprocess.run([*command, "--requirement", "requirements.lock"], cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0 and "No package index is reached" in explained(done.stderr):
        pytest.skip("no package index is reached from here")
    assert done.returncode == 0, done.stderr
    wanted = len([line for line in locked("requirements.lock") if not re.search("python_full_version (==|< .3.11)", line)])
    found = int(re.findall(r"Would install (\d+) packages", done.stderr)[0])
    assert wanted - 2 <= found <= wanted + 2, done.stderr


@pytest.mark.full
def test_a_half_made_environment_is_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = Environment(tmp_path / "env")
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").symlink_to(sys.executable)  # as where it was stopped before pip came
    (tmp_path / "env" / "left").touch()
    with pytest.raises(install.SetupError, match="no virtual environment"):
        environment.make()
    assert (tmp_path / "env" / "left").exists()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    environment.make()
    assert "half-made" in capsys.readouterr().out
    assert not (tmp_path / "env" / "left").exists()
    assert environment.packages.is_dir() and subprocess.run([environment.python, "-m", "pip", "--version"]).returncode == 0
    environment.make()
    assert capsys.readouterr().out == ""


@pytest.mark.full
def test_what_somebody_else_has_made_is_not_removed(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    (tmp_path / "pyvenv.cfg").touch()
    (tmp_path / "bin").mkdir()
    Path(environment.python).write_text(f"#!/bin/sh\necho 3 9 {tmp_path}/lib/python3.9/site-packages/pip\n")
    Path(environment.python).chmod(0o755)
    with pytest.raises(install.SetupError, match="of another Python that was not made here"):
        environment.make()
    assert (tmp_path / "pyvenv.cfg").exists()
    environment.ready("")
    environment.make()
    assert environment.packages.is_dir() and not (tmp_path / ".ready").exists()


def test_what_was_interrupted_is_installed_again_as_a_whole(tmp_path: Path) -> None:
    told = tmp_path / "told"
    environment = Environment(tmp_path)
    environment.uv = str(tmp_path / "uv")
    Path(environment.uv).write_text(f'#!/bin/sh\necho "$@" >> {told}\nexit $(wc -l < {told} | sed s/2/0/)\n')
    Path(environment.uv).chmod(0o755)
    with pytest.raises(install.SetupError):
        environment.install(["a==1"])  # ends with status 1, and leaves the mark
    environment.install(["a==1"])
    assert [line.count("--reinstall") for line in told.read_text().splitlines()] == [0, 1]
    assert not environment.begun.exists()


@pytest.mark.full
def test_without_a_network_one_line_says_what_to_hand_over(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    env |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path)}
    command = [sys.executable, ROOT / "install.py", "--venv", tmp_path / "env"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No package index is reached" in done.stderr and "PIP_FIND_LINKS" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


KIND = f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheelhouse of three wheels, which PIP_FIND_LINKS names."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in ("a-1-py3-none-any.whl", "b-2-py3-none-any.whl", "c-3-py3-none-any.whl"):
        (folder / name).touch()
    (folder / "wheelhouse.txt").write_text("\n".join([KIND, *sorted(path.name for path in folder.glob("*.whl"))]) + "\n")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def faults(wheels: Path) -> str:
    with pytest.raises(install.SetupError) as raised:
        install.check_wheelhouse()
    assert "\n" not in str(raised.value)
    return str(raised.value).replace(str(wheels), "FOLDER")


def test_a_whole_wheelhouse_is_taken_and_what_lacks_is_named(wheels: Path) -> None:
    install.check_wheelhouse()
    assert install.wheelhouse() == wheels
    (wheels / "b-2-py3-none-any.whl").unlink()
    assert faults(wheels) == "b-2-py3-none-any.whl is missing from the wheelhouse FOLDER. Copy that folder again."
    (wheels / "c-3-py3-none-any.whl").unlink()
    assert faults(wheels) == (
        "b-2-py3-none-any.whl is missing from the wheelhouse FOLDER, and 1 others are. Copy that folder again."
    )


def test_a_wheelhouse_of_another_python_or_that_was_interrupted_is_told(wheels: Path) -> None:
    listed = (wheels / "wheelhouse.txt").read_text()
    (wheels / "wheelhouse.txt").write_text(listed.replace(KIND, "Python 3.9 on Linux x86_64"))
    said = f"The wheelhouse FOLDER is for Python 3.9 on Linux x86_64; this is {KIND}. Make one on a machine of this kind."
    assert faults(wheels) == said
    (wheels / "wheelhouse.part").touch()
    said = "The wheelhouse FOLDER was not finished. Type `make wheelhouse` again where it was made."
    assert faults(wheels) == said


def test_a_wheelhouse_of_another_version_and_a_folder_that_is_not_there_are_told(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--quiet", "--no-index", "--find-links", str(wheels), "--target", str(wheels / "there"), "a==1.5"]
    done = subprocess.run([UV, "pip", "install", *asked], capture_output=True, text=True)
    said = explained(done.stderr)
    assert f"The wheelhouse {wheels} holds no a==1.5: it was made of another version" in said and "\n" not in said
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere https://elsewhere")
    said = explained("error sending request")
    assert said.startswith("PIP_FIND_LINKS names /nowhere, and there is no such folder. No package index is reached.")


@pytest.fixture
def small_checkout(tmp_path: Path) -> Path:
    """A checkout whose lock files ask for two packages, beside a folder with their wheels, so that no network is needed."""
    folder, links = tmp_path / "checkout", tmp_path / "links"
    (folder / "src" / "fusionguard").mkdir(parents=True)
    links.mkdir()
    (folder / "src" / "fusionguard" / "__init__.py").write_text('__version__ = "0"\n')
    shutil.copy2(ROOT / "install.py", folder)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "fusionguard"\nversion = "0"\n[tool.setuptools.packages.find]\nwhere = ["src"]\n'
    )
    packages = Path(importlib.metadata.distribution("packaging").locate_file(""))  # type: ignore[arg-type]
    for name in ("packaging", "setuptools", "uv"):
        pack(packages, name, links)
    with zipfile.ZipFile(next(links.glob("uv-*.whl")), "a") as archive:  # what lies outside of site-packages, `pack` leaves out
        archive.write(UV, f"{install.UV.replace('==', '-')}.data/scripts/uv")
    tag = "cp{}{}".format(*sys.version_info[:2])
    torch = f"torch-9+cpu-{tag}-{tag}-linux_{platform.machine()}.whl"
    with zipfile.ZipFile(links / torch, "w") as archive:
        archive.writestr("torch.py", "")
        archive.writestr("torch-9+cpu.dist-info/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 9+cpu\n")
        wheel = f"Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: {tag}-{tag}-linux_{platform.machine()}\n"
        archive.writestr("torch-9+cpu.dist-info/WHEEL", wheel)
        archive.writestr("torch-9+cpu.dist-info/RECORD", "".join(f"{name},,\n" for name in [*archive.namelist(), "RECORD"]))
    (folder / "requirements.lock").write_text(f"packaging=={importlib.metadata.version('packaging')}\ntorch==9\n")
    for lock in ("spark", "dev", "gpu", "llm"):
        (folder / f"requirements-{lock}.lock").write_text("")
    return folder


@pytest.mark.long
@pytest.mark.full
@pytest.mark.skipif(platform.system() != "Linux", reason="PyTorch's CPU build is a matter of Linux")
def test_a_wheelhouse_is_gathered_and_installed_from_without_a_network(small_checkout: Path, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    kept |= {"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path), "PIP_INDEX_URL": nowhere}

    def run(venv: str, links: Path, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, small_checkout / "install.py", "--venv", tmp_path / venv, *options]
        environment = kept | {"PIP_FIND_LINKS": str(links)} | ({} if links == tmp_path / "house" else {"PIP_NO_INDEX": "1"})
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    made = run("here", tmp_path / "links", "--wheelhouse", str(tmp_path / "house"))
    assert made.returncode == 1 and made.stderr.startswith("torch is not installed"), "an environment is needed first"
    unfinished = run("there", tmp_path / "house")
    assert unfinished.returncode == 1 and "was not finished" in unfinished.stderr and not (tmp_path / "there").exists()
    (tmp_path / "uv.toml").write_text("no-index = true\n")
    kept["UV_CONFIG_FILE"] = str(tmp_path / "uv.toml")
    here = run("here", tmp_path / "links")
    assert here.returncode == 0, here.stderr
    made = run("here", tmp_path / "links", "--wheelhouse", str(tmp_path / "house"))
    assert made.returncode == 0, made.stderr
    assert re.search(r"^4 wheels, \d+ MB", made.stdout, re.MULTILINE) and not (tmp_path / "house" / "wheelhouse.part").exists()
    del kept["UV_CONFIG_FILE"]
    there = run("there", tmp_path / "house")
    assert there.returncode == 0, there.stderr
    python = tmp_path / "there" / "bin" / "python"
    assert subprocess.run([python, "-c", "import fusionguard, packaging, torch"]).returncode == 0
    (wheel,) = (tmp_path / "house").glob("packaging-*.whl")
    wheel.unlink()
    lacking = run("there", tmp_path / "house")
    assert lacking.returncode == 1 and lacking.stderr.startswith(f"{wheel.name} is missing from the wheelhouse")
    assert len(lacking.stderr.strip().splitlines()) == 1


def test_a_package_that_is_installed_becomes_a_wheel_again(tmp_path: Path) -> None:
    packages = Path(importlib.metadata.distribution("packaging").locate_file(""))  # type: ignore[arg-type]
    pack(packages, "packaging", tmp_path)
    wheel = next(tmp_path.glob("*.whl"))
    assert wheel.name == f"packaging-{importlib.metadata.version('packaging')}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        record = next(name for name in names if name.endswith("RECORD"))
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
    assert {row[0] for row in rows} == names
    done = subprocess.run(
        [UV, "pip", "install", "--quiet", "--offline", "--target", tmp_path / "there", wheel], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    there = (tmp_path / "there" / "packaging" / "version.py").read_bytes()
    assert there == (packages / "packaging" / "version.py").read_bytes()
