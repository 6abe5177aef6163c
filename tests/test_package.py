"""The package as people install it: everything is in the wheel, its base scores and serves, and what is left out is named."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fusionguard import __version__
from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.scoring import score_file
from install import explained, settings
from tests.conftest import PipelineRun
from tests.examples.test_own_pipeline import artifacts_of, check_runs, elsewhere, run_example

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
EXTRAS = ("registry", "assistant", "training", "pipelines", "spark", "gpu", "gcp")
LEFT_OUT = ("zenml", "torch", "mlflow", "gradio", "sklearn", "optuna", "great_expectations", "kaggle", "evidently", "pyspark")
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what its base asks for, and the folder in which its commands run."""

    python: Path
    packages: Path
    folder: Path

    def run(self, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the command ``fusionguard`` of that environment, in a folder that is no checkout."""
        return self.call(str(self.python.with_name("fusionguard")), *arguments, **settings)

    def call(self, *command: object, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing of this process's environment but what it needs."""
        words = [str(word) for word in command]
        return subprocess.run(
            words, cwd=self.folder, env=self.environment(**settings), capture_output=True, text=True, timeout=120
        )

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of a command: a home of its own, no path of Python's."""
        fixed = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "FUSIONGUARD_HOME": str(self.folder / "home")}
        return fixed | {"OMP_NUM_THREADS": "2"} | settings


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of the source distribution, which is built of a copy: neither leaves anything in the checkout."""
    folder = tmp_path_factory.mktemp("package")
    copied, made = folder / "copied", folder / "made"
    for part in ("src", "steps", "materializers", "stacks", "pipelines"):  # the last is not to be found in the wheel
        shutil.copytree(ROOT / part, copied / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file in (ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE", *ROOT.glob("requirements*.in")):
        shutil.copy2(file, copied)
    _build("build_sdist", copied, made)
    with tarfile.open(next(made.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    _build("build_wheel", unpacked, made)
    (built,) = made.glob("*.whl")
    return built


def _build(what: str, source: Path, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BUILD, what, folder], cwd=source, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An empty environment with the wheel and what it asks for without any extra, taken from the packages installed here."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True, timeout=120)
    python = folder / "env" / "bin" / "python"
    command = [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel]
    subprocess.run(command, check=True, timeout=120)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    (itself,) = importlib.metadata.distributions(path=[str(packages)])
    for distribution in _closure(itself.requires or ()):
        _copy_installed(distribution, packages)
    return Installed(python, packages, folder)


def _closure(lines: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """Return the distributions that requirements ask for, and what those ask for, as they are installed here."""
    found: dict[tuple[str, str], importlib.metadata.Distribution] = {}
    open_lines = [(line, "") for line in lines]
    while open_lines:
        line, extra = open_lines.pop()
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), wanted)
            if key not in found:
                found[key] = importlib.metadata.distribution(requirement.name)
                open_lines += [(each, wanted) for each in found[key].requires or ()]
    return list({name: distribution for (name, _), distribution in found.items()}.values())


def _copy_installed(distribution: importlib.metadata.Distribution, packages: Path) -> None:
    """Put a distribution's files into another environment, as links where the disk is the same."""
    for file in distribution.files or ():
        if ".." in file.parts:
            continue  # a command of its own
        source = Path(distribution.locate_file(file))  # type: ignore[arg-type]
        compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        for each in (source, compiled) if source.suffix == ".py" else (source,):
            target = packages / each.relative_to(source.parents[len(file.parts) - 1])
            if each.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(each, target)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.full
def test_the_wheel_holds_the_package_as_it_is_and_its_one_version(wheel: Path) -> None:
    roots = {"fusionguard": ROOT / "src", "steps": ROOT, "materializers": ROOT, "stacks": ROOT}
    files = [(root, path) for package, root in roots.items() for path in (root / package).rglob("*") if path.is_file()]
    held = {path.relative_to(root).as_posix() for root, path in files}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = archive.read(f"fusionguard-{__version__}.dist-info/METADATA").decode()
    assert names == {name for name in held if "__pycache__" not in name}
    assert re.findall(r"^Version: (.+)$", about, re.MULTILINE) == [__version__]
    assert tuple(re.findall(r"^Provides-Extra: (.+)$", about, re.MULTILINE)) == EXTRAS


def test_a_checkouts_lock_is_made_of_what_the_extras_ask_for() -> None:
    nested = re.findall(r"^-r requirements-(\w+)\.in$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert nested == ["base", "registry", "assistant", "training", "pipelines"]
    named = re.findall(r'"requirements-(\w+)\.in"', (ROOT / "pyproject.toml").read_text())
    assert {*named} == {*nested, "spark", "gpu", "gcp"}


@pytest.mark.full
def test_what_the_package_imports_is_asked_for_by_name() -> None:
    """What comes with another package today may not come with its next version."""
    files = [ROOT / f"requirements-{group}.in" for group in ("base", *EXTRAS)]
    lines = [line for file in files for line in file.read_text().splitlines() if not line.startswith("#")]
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    reached_into = {
        "circus": "BentoML's",
        "opentelemetry": "ZenML's",
        "py4j": "PySpark's",
        "pydantic_core": "Pydantic's, whose documents send there for its errors",
        "tokenizers": "make setup-llm",
        "llama_cpp": "make setup-llm",
    }
    distributions = importlib.metadata.packages_distributions()
    missing = {}
    own = {"fusionguard", "steps", "materializers", "stacks"}
    for file in (file for folder in ("src", "steps", "materializers", "stacks") for file in (ROOT / folder).rglob("*.py")):
        for module in _imported(file) - {*sys.stdlib_module_names, *own, *reached_into}:
            if not {canonicalize_name(name) for name in distributions[module]} & asked:
                missing[module] = file.relative_to(ROOT)
    assert missing == {}


def _imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.full
def test_it_imports_and_helps_without_what_is_left_out(installed: Installed) -> None:
    code = f"""
import importlib.util, sys
import fusionguard
print(fusionguard.__version__, fusionguard.__file__.startswith({str(installed.packages)!r}))
print([name for name in {LEFT_OUT} if importlib.util.find_spec(name)])
"""
    done = installed.call(installed.python, "-W", "error", "-c", code)
    assert (done.stdout, done.stderr) == (f"{__version__} True\n[]\n", "")
    shown = installed.run("--help")
    assert shown.returncode == 0 and "score" in shown.stdout and shown.stderr == ""


@pytest.mark.full
def test_what_is_installed_is_whole(installed: Installed) -> None:
    done = subprocess.run([UV, "pip", "check", "--python", installed.python], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.parametrize("model", ["fraud", "churn"])
def test_it_scores_a_file_as_the_checkout_does(installed: Installed, request: pytest.FixtureRequest, model: str) -> None:
    bundle: Bundle = request.getfixturevalue(f"{model}_bundle")
    rows = installed.folder / f"{model}.csv"
    simulated = installed.run("simulate", "--dataset", model, "--rows", 300, "--seed", 5, "--output", rows)
    assert simulated.returncode == 0, simulated.stderr
    done = installed.run("score", "-m", bundle.folder, "-i", rows, "-o", installed.folder / f"{model}-there.csv")
    assert done.returncode == 0, done.stderr
    assert f"Scored 300 {model_family(model).features.rows}" in done.stderr
    score_file(model_family(model).load(bundle), rows, installed.folder / f"{model}-here.csv")
    there, here = ((installed.folder / f"{model}-{place}.csv").read_text() for place in ("there", "here"))
    assert there == here
    scores = [line.split(",")[1] for line in there.splitlines()[1:]]
    assert len(scores) == 300 and len(set(scores)) > 100, "different rows have different scores"


@pytest.mark.full
@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["assistant"], "assistant"),
        (["index"], "assistant"),
        (["mlflow"], "registry"),
        (["score", "-m", "fraud@champion", "-i", "x.csv", "-o", "y.csv"], "registry"),
        (["serve"], "registry"),
        (["release"], "registry"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks_in_one_line(installed: Installed, arguments: list[str], extra: str) -> None:
    done = installed.run(*arguments, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("fusionguard: ") and line.endswith(f"Install what is missing: pip install 'fusionguard[{extra}]'")
    assert "mlflow" in line and ("gradio" in line) == (extra == "assistant")


@pytest.mark.full
def test_without_a_registry_it_says_what_else_can_be_named(installed: Installed) -> None:
    done = installed.run("score", "-m", "fraud@champion", "-i", "x.csv", "-o", "y.csv")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "no model registry at" in line
    assert line.endswith("Name a bundle's folder, or say in FUSIONGUARD_HOME or MLFLOW_TRACKING_URI where a registry is.")


@pytest.mark.full
@pytest.mark.parametrize("command", ["bento", "clean"])
def test_a_command_that_needs_a_checkout_says_so(installed: Installed, command: str) -> None:
    done = installed.run(command)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "checkout of FusionGuard" in line


@pytest.mark.full
def test_the_doctor_calls_nothing_broken_that_was_not_asked_for(installed: Installed) -> None:
    done = installed.run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "BROKEN" not in done.stdout and done.stdout.endswith("Scoring works: fusionguard score, fusionguard serve\n")
    for package, extra in (("mlflow", "registry"), ("gradio", "assistant"), ("torch", "training"), ("zenml", "pipelines")):
        assert re.search(rf"^- +{package} .*: pip install 'fusionguard\[{extra}\]'$", done.stdout, re.MULTILINE)
    assert "Train one in a checkout of FusionGuard: make churn" in done.stdout


@pytest.mark.full
def test_it_serves_a_bundle(installed: Installed, fraud_bundle: Bundle) -> None:
    port = 3917
    command = [installed.python.with_name("fusionguard"), "serve", "--model", fraud_bundle.folder, "--port", str(port)]
    with subprocess.Popen(command, cwd=installed.folder, env=installed.environment(), stderr=subprocess.PIPE) as service:
        try:
            answer = _scored(f"http://127.0.0.1:{port}/v1/fraud/score", (ROOT / "docs/serving/transaction.json").read_bytes())
        finally:
            service.terminate()
    assert answer["model_version"] == fraud_bundle.version and 0 < answer["probability"] < 1


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_project_of_ones_own_has_the_steps_and_reads_a_checkouts_artifacts(
    wheel: Path, fraud_run: PipelineRun, tmp_path: Path
) -> None:
    """What the extra ``pipelines`` asks for is taken from here by a path, which is not where an editable install is found."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True, timeout=120)
    python = tmp_path / "env" / "bin" / "python"
    install = [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel]
    subprocess.run(install, check=True, timeout=120)
    (packages,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (packages / "extra.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    where = "import steps, materializers, stacks, fusionguard as f\nfor m in (steps, materializers, stacks, f): print(m.__file__)"
    assert all(Path(line).is_relative_to(packages) for line in elsewhere(python, tmp_path, "-c", where).splitlines())
    project = tmp_path / "project"
    project.mkdir()
    for name in ("hourly", "hourly", "daily"):
        run_example(python, project, name)
    first, second, other, checkouts = artifacts_of(python, project, "hourly-", "daily-", fraud_run.summary["zenml_run"])
    check_runs(first, second)
    assert other["cached"] == [], "another pipeline's results have other names"
    assert "daily_frauds" in other["read"] and "hourly_frauds" not in other["read"]
    assert {"fraud_raw": "Table", "fraud_booster": "Booster", "fraud_bundle": "Bundle"}.items() <= checkouts["read"].items()


@pytest.mark.full
@pytest.mark.parametrize("extras", [EXTRAS[:-1], ("pipelines", "gcp")], ids="-".join)
def test_extras_fit_together_where_somebody_installs_them(extras: tuple[str, ...], tmp_path: Path) -> None:
    command = [UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--output-file", tmp_path / "lock"]
    groups = {"base", "registry", "training", *extras}
    files = [ROOT / f"requirements-{group}.in" for group in sorted(groups)]
    done = subprocess.run([*command, *files], cwd=ROOT, env=settings(tmp_path), capture_output=True, text=True, timeout=280)
    if done.returncode != 0 and "No package index is reached" in explained(done.stderr):
        pytest.skip("no package index is reached from here")
    assert done.returncode == 0, done.stderr
    locked = (tmp_path / "lock").read_text()
    assert "zenml==0.98." in locked and ("google-cloud-aiplatform==" in locked) == ("gcp" in extras)


def _scored(url: str, body: bytes) -> dict[str, object]:
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})) as answer:
                return json.load(answer)  # type: ignore[no-any-return]
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "the service does not answer"
            time.sleep(0.2)
