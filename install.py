"""Install FusionGuard into a virtual environment: ``python3 install.py --help``. `make` calls this.

It runs before anything is installed, on whatever Python there is: it uses the standard library alone, and nothing that
Python 3.6 cannot read.
"""

import argparse
import csv
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
UV = "uv==0.13.9"
PYTHONS = ((3, 11), (3, 12), (3, 13))
SYSTEMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
SUPPORTED = (
    "FusionGuard runs on Linux (x86_64, aarch64) and macOS 14 (arm64), on Windows through WSL, with Python 3.11, 3.12 or 3.13"
)
GROUPS = {
    "spark": "requirements-spark.lock",
    "dev": "requirements-dev.lock",
    "llm": "requirements-llm.lock",
    "llama": "requirements-llm.lock",
}
CUDA_GIGABYTES = 3.1
"""What PyTorch's CUDA build and CUDA's libraries take to download."""
_LISTED = "wheelhouse.txt"
"""In a wheelhouse: the kind of machine that it is for, then its wheels, one a line; written when all are there."""
_UNFINISHED = "wheelhouse.part"
"""In a wheelhouse until all its wheels are there."""
_COMPILED = "llama-cpp-python"
"""What of requirements-llm.lock there is only source, which the group llama compiles."""


class SetupError(Exception):
    """What keeps the set-up from going on, in words for who started it."""


def unsupported(system, machine, python):
    """Return why FusionGuard does not run there, in one line; None where it does."""
    if (system, machine) not in SYSTEMS:
        return f"{SUPPORTED}; this is {system} on {machine}."
    if tuple(python[:2]) not in PYTHONS:
        return f"{SUPPORTED}; this is Python {python[0]}.{python[1]}. Name another one: make setup PYTHON=python3.12"
    return None


class Environment:
    """A virtual environment that is made, mended and filled."""

    def __init__(self, folder):
        """Take the folder; nothing is done to it yet."""
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link to an environment stays one
        self.python = str(self.folder / "bin" / "python")
        self.uv = str(self.folder / "bin" / "uv")
        self.begun = self.folder / ".installing"
        self.packages = self.folder / "lib" / "python{}.{}".format(*sys.version_info[:2]) / "site-packages"
        self.told = os.path.relpath(str(self.folder))

    def make(self):
        """Make it, or make it anew where it is half-made or of another Python; a folder of something else is left alone."""
        if os.path.lexists(str(self.folder)) and not self._whole():
            if not (self.folder / "pyvenv.cfg").is_file() and _holds_files(self.folder):
                raise SetupError(
                    f"{self.told} is no virtual environment, and not empty. Name another folder: make setup VENV=FOLDER"
                )
            if self._inside() and not ((self.folder / ".ready").exists() or self.begun.exists()):
                raise SetupError(
                    f"{self.told} is an environment of another Python that was not made here. Name another: VENV=FOLDER"
                )
            print(f"{self.told} is half-made or of another Python: it is made anew", flush=True)
            shutil.rmtree(str(self.folder))
        if not self.folder.exists():
            _must([sys.executable, "-m", "venv", str(self.folder)], "No environment was made (Debian: apt install python3-venv)")

    def _whole(self):
        return self._inside()[:2] == [str(part) for part in sys.version_info[:2]]

    def _inside(self):
        """Return the parts of its Python's version, where that has a pip of its own; nothing otherwise."""
        said = _output([self.python, "-c", "import pip, sys; print(*sys.version_info[:2], pip.__path__[0])"]).split(None, 2)
        return said[:2] if said and said[2].startswith(str(self.folder)) else []

    def ready(self, *groups):
        """Say to make, by the times of files, what is installed: all of it, or groups besides."""
        for name in groups:
            (self.folder / (".ready" + name)).touch()

    def bring_uv(self):
        """Install the installer, pinned."""
        if _output([self.uv, "--version"]).split()[1:2] != [UV.partition("==")[2]]:
            wheels = wheelhouse()
            source = ["--no-index", "--find-links", str(wheels)] if wheels else []
            pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
            _must([*pip, *source, UV], "The installer uv could not be had")

    def install(self, arguments, exactly=False):
        """Let uv install: with its own bars on a terminal, quietly elsewhere; all again where it was interrupted before.

        What was downloaded then is taken from uv's cache. Exactly: what is not asked for is removed.
        """
        again = ["--reinstall"] if self.begun.exists() else []
        self.begun.touch()
        shown = sys.stderr.isatty() and not os.environ.get("CI")
        command = [self.uv, "pip", "sync" if exactly else "install", *([] if shown else ["--quiet"]), *again, *arguments]
        said = None if shown else subprocess.PIPE
        done = subprocess.run(command, cwd=str(HERE), env=settings(self.folder), stderr=said, universal_newlines=True)
        if done.returncode != 0:
            raise SetupError(explained(done.stderr or ""))
        self.begun.unlink()

    def can_have(self, requirement, arguments):
        """Return whether uv finds a requirement by some arguments; nothing is installed."""
        command = [self.uv, "pip", "install", "--quiet", "--dry-run", "--no-deps", *arguments, requirement]
        environment = dict(settings(self.folder), UV_HTTP_TIMEOUT="10", UV_HTTP_RETRIES="0")
        return subprocess.run(command, cwd=str(HERE), env=environment, stderr=subprocess.DEVNULL).returncode == 0


def _holds_files(folder):
    return not folder.is_dir() or any(path.is_file() for path in folder.rglob("*"))


def settings(folder):
    """Return the environment of uv, which does not read pip's settings: where packages come from is handed on."""
    environment = dict(os.environ, VIRTUAL_ENV=str(folder))
    for pip, uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if environment.get(pip) and not environment.get(uv):
            environment[uv] = environment[pip]
    if environment.get("PIP_FIND_LINKS") and not environment.get("UV_FIND_LINKS"):
        environment["UV_FIND_LINKS"] = ",".join(environment["PIP_FIND_LINKS"].split())
    return environment


def _links():
    return [link for link in settings("").get("UV_FIND_LINKS", "").split(",") if link]


def _folders_of_wheels():
    return [Path(link) for link in _links() if Path(link).is_dir()]


def wheelhouse():
    """Return the folder that `make wheelhouse` made and PIP_FIND_LINKS names; None where there is none."""
    return next((folder for folder in _folders_of_wheels() if (folder / _LISTED).exists()), None)


def check_wheelhouse():
    """Raise SetupError where the wheelhouse is half-made, of a machine of another kind, or not all of its wheels are there."""
    for folder in _folders_of_wheels():
        if (folder / _UNFINISHED).exists():
            raise SetupError(f"The wheelhouse {folder} was not finished. Type `make wheelhouse` again where it was made.")
    folder = wheelhouse()
    if folder is None:
        return
    kind, *names = (folder / _LISTED).read_text().splitlines()
    if kind != _kind():
        raise SetupError(f"The wheelhouse {folder} is for {kind}; this is {_kind()}. Make one on a machine of this kind.")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SetupError(f"{missing[0]} is missing from the wheelhouse {folder}{_others(missing)}. Copy that folder again.")


def _kind():
    return "Python {}.{} on {} {}".format(*sys.version_info[:2], platform.system(), platform.machine())


def _others(names):
    return f", and {len(names) - 1} others are" if len(names) > 1 else ""


def torch_build(environment, gpu):
    """Return how PyTorch is had (what uv is told besides), and a line that says so where it is large; none where it is not.

    Its CPU build is not in the usual index: a folder of wheels may hold it, or uv knows where it is.
    """
    if platform.system() != "Linux" or wheelhouse():
        return [], None
    torch = next(name for name in locked("requirements.lock") if name.startswith("torch=="))
    with_cuda = ["requirements-gpu.lock"]
    if gpu:
        return with_cuda, f"PyTorch with CUDA: about {CUDA_GIGABYTES} GB to download"
    tag = "cp{}{}".format(*sys.version_info[:2])
    wheel = "{}+cpu-{}-*{}.whl".format(torch.replace("==", "-"), tag, platform.machine())
    if any(list(folder.glob(wheel)) for folder in _folders_of_wheels()):
        return [], None
    if environment.can_have(torch, ["--torch-backend", "cpu"]):
        return ["--torch-backend", "cpu"], None
    return (
        with_cuda,
        f"PyTorch's CPU build is not reached from here: its CUDA build is taken, about {CUDA_GIGABYTES} GB to download",
    )


def explained(said):
    """Return what an installer said in words that help."""
    lacking = re.search(r"and you require ([^\s,]+)", said)
    if lacking and wheelhouse():
        return (
            f"The wheelhouse {wheelhouse()} holds no {lacking.group(1)}: it was made of another version of FusionGuard. "
            "Type `make wheelhouse` in this version, where there is a network."
        )
    if re.search(r"(?i)dns error|\(connect\)|refused|sending request|unreachable|timed? ?out|name resolution", said):
        absent = [link for link in _links() if "://" not in link and not Path(link).is_dir()]
        return (
            f"{f'PIP_FIND_LINKS names {absent[0]}, and there is no such folder. ' if absent else ''}"
            "No package index is reached. Without a network, hand over a folder of wheels: PIP_FIND_LINKS=FOLDER names it, and "
            "`make wheelhouse` makes one on a machine of this kind that has a network. What is downloaded already is kept."
        )
    if re.search(r"(?i)no space left|os error 28", said):
        return "The disk is full: 2.5 GB are needed here, and as much for uv's cache. What is downloaded already is kept."
    return f"The packages could not be installed.\n{said.strip()[-2000:]}"


def _output(command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout
    except OSError:
        return ""


def _must(command, message):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True, cwd=str(HERE))
    if done.returncode != 0:
        raise SetupError(f"{message}. {explained(done.stderr)}")


def locked(name):
    """Return the lines of a lock file, one a package."""
    return [line.strip() for line in (HERE / name).read_text().splitlines() if "==" in line]


def gather(environment, folder):
    """Fill a folder with the wheels of all lock files, built where there is only source, for machines of this kind and Python."""
    print(f"Gathering wheels in {folder}: some minutes", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _UNFINISHED).touch()
    cuda = any(environment.packages.glob("nvidia_cublas-*"))
    names = [name for lock in ("requirements.lock", GROUPS["spark"], GROUPS["dev"]) for name in locked(lock)]
    wanted = names + locked("requirements-gpu.lock") if cuda else [name for name in names if not name.startswith("torch==")]
    links = [part for place in _folders_of_wheels() for part in ("--find-links", str(place))]
    pip = [environment.python, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wheels = sorted({*wanted, UV, "setuptools"})
    _must([*pip, "--wheel-dir", str(folder.resolve()), *links, *wheels], "No wheelhouse was made")
    if not cuda:
        pack(environment.packages, "torch", folder)
    names = sorted(file.name for file in folder.glob("*.whl"))
    (folder / _LISTED).write_text("\n".join([_kind(), *names]) + "\n")
    (folder / _UNFINISHED).unlink()
    megabytes = sum(file.stat().st_size for file in folder.glob("*.whl")) / 1e6
    print(f"{len(names)} wheels, {megabytes:,.0f} MB. There: PIP_FIND_LINKS={folder.resolve()} make setup", flush=True)


def pack(packages, name, folder):
    """Make a wheel again of a package that is installed: PyTorch's CPU build comes from where pip does not look.

    The format is that of https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
    """
    info = next(packages.glob(name + "-*.dist-info"), None)
    if info is None:
        raise SetupError(f"{name} is not installed in {packages}. Type `make setup` first.")
    made_here = {f"{info.name}/{file}" for file in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")}
    with (info / "RECORD").open(newline="") as file:
        rows = [row for row in csv.reader(file) if not row[0].startswith("..") and not row[0].endswith(".pyc")]
    rows = [row for row in rows if row[0] not in made_here]
    record = io.StringIO(newline="")
    csv.writer(record, lineterminator="\n").writerows([*rows, [f"{info.name}/RECORD", "", ""]])
    tag = re.findall(r"^Tag: (\S+)", (info / "WHEEL").read_text(), re.MULTILINE)[0]
    wheel = folder / "{}-{}.whl".format(info.name[: -len(".dist-info")], tag)
    part = wheel.with_suffix(".part")
    with zipfile.ZipFile(str(part), "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for row in rows:
            archive.write(str(packages / row[0]), row[0])
        archive.writestr(f"{info.name}/RECORD", record.getvalue())
    part.replace(wheel)


def install(options):
    """Do what the options ask for, and say what takes long before it begins."""
    why = unsupported(platform.system(), platform.machine(), sys.version_info)
    if why:
        raise SetupError(why)
    if not options.wheelhouse:
        check_wheelhouse()
    begin = time.time()
    environment = Environment(options.venv)
    environment.make()
    environment.bring_uv()
    if options.wheelhouse:
        gather(environment, Path(options.wheelhouse))
        return
    offline = ["--no-index"] if wheelhouse() else []
    if options.group:
        print(f"Installing {options.group} into {environment.told}", flush=True)
        names = locked(GROUPS[options.group])
        if options.group in ("llm", "llama"):
            names = ["--no-deps", *(name for name in names if name.startswith(_COMPILED) == (options.group == "llama"))]
        environment.install([*offline, *names])
        environment.ready("-" + options.group)
    else:
        build, large = torch_build(environment, options.gpu)
        print(f"Installing {len(locked('requirements.lock'))} packages into {environment.told}", flush=True)
        if large:
            print(large, flush=True)
        # In an environment that somebody else has made, what is there besides stays.
        ours = (environment.folder / ".ready").exists()
        files = [
            part
            for name in ("requirements.lock", *build)
            for part in (["--requirement", name] if name.endswith(".lock") else [name])
        ]
        environment.install([*offline, *(["requirements.lock", *build] if ours else files)], exactly=ours)
        environment.install([*offline, "--no-deps", "--editable", "."])
        for old in environment.folder.glob(".ready-*"):
            old.unlink()
        environment.ready("", *(["-gpu"] if options.gpu else []))
    print(f"Installed in {time.time() - begin:.0f} seconds", flush=True)


def main(arguments=None):
    """Install, and return the exit status."""
    parser = argparse.ArgumentParser(prog="install.py", description="Install FusionGuard into a virtual environment.")
    parser.add_argument("--venv", default=str(HERE / ".venv"), help="the environment's folder; .venv by default")
    parser.add_argument("--gpu", action="store_true", help="with PyTorch's CUDA build")
    parser.add_argument("--group", choices=sorted(GROUPS), help="what is to be added to an environment that is there")
    parser.add_argument("--wheelhouse", metavar="FOLDER", help="gather there what a machine of this kind without a network needs")
    try:
        install(parser.parse_args(arguments))
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What is downloaded is kept: the same command goes on from there.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
