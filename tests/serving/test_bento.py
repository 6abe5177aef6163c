"""The Bento: built of the champions, it holds the service, its lock and the bundles, and runs without what trains models."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.bento import ASK_DIGEST, BuiltBento, build_bento
from fusionguard.serving.keys import add_key
from fusionguard.serving.launch import QUIET
from fusionguard.serving.openapi import describe_service
from fusionguard.serving.release import check_release, write_release
from tests.serving.conftest import Starter, released

ROOT = Path(__file__).resolve().parents[2]
ABSENT = ("mlflow", "zenml", "pyspark", "torch", "shap", "sklearn", "duckdb", "matplotlib", "optuna", "great_expectations")

RUN = """
import sys
absent = set(sys.argv[1].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, ".")
import service, fusionguard, asyncio, pathlib, os
here = str(pathlib.Path.cwd())
from fusionguard.serving.app import RiskApp
from fusionguard.serving.settings import read_settings
from fusionguard.serving.requests import RowReader
import fusionguard.serving.prediction_log.compaction
app, answered = RiskApp(read_settings()), []
async def run():
    await app.start()
    for name, model in ((name, routes.model) for name, routes in app._scoring.items() if routes.model is not None):
        row = RowReader(model.family.request_fields).one(model.family.example_row).values
        model.online.explain(row)
        answered.append(name)
    await app.stop()
asyncio.run(run())
strangers = [name for name, module in sys.modules.items()
             if name.startswith("fusionguard") and not (module.__file__ or here).startswith(here)]
package = pathlib.Path(fusionguard.__file__).parent
loaded = {module.__file__ for name, module in sys.modules.items() if name.startswith("fusionguard")}
unused = [str(file) for file in package.rglob("*.py") if "serving" not in file.parts and str(file) not in loaded]
print("strangers", strangers, "unused", unused, "answered", sorted(answered))
"""


@pytest.fixture(scope="module")
def built(fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> BuiltBento:
    home = Home(tmp_path_factory.mktemp("bento") / "home")
    return build_bento(home, models=[str(fraud_bundle.folder), str(churn_bundle.folder)])


def test_it_is_riskscoring_and_holds_the_champions(built: BuiltBento, fraud_bundle: Bundle, churn_bundle: Bundle) -> None:
    about = yaml.safe_load((built.folder / "bento.yaml").read_text())
    assert about["entry_service"] == "RiskScoring"
    assert built.tag == f"{about['name']}:{about['version']}"
    release = check_release(built.folder / "src" / "release")
    assert [each.bundle_sha256 for each in release.models] == [fraud_bundle.sha256, churn_bundle.sha256]
    assert built.simulated


def test_its_readme_and_its_descriptions_list_the_routes(built: BuiltBento, fraud_bundle: Bundle) -> None:
    document = json.loads(json.dumps(describe_service(10_000)))
    assert yaml.safe_load((built.folder / "apis" / "openapi.yaml").read_text()) == document
    schema = json.loads((built.folder / "apis" / "schema.json").read_text())
    assert {"name": "score_fraud", "route": "/v1/fraud/score"}.items() <= schema["routes"][0].items()
    readme = (built.folder / "README.md").read_text()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"| `{method.upper()} {path}` |" in readme
    assert f"| fraud | champion | {fraud_bundle.version} | simulated data |" in readme


def test_its_context_holds_nothing_else(built: BuiltBento, fraud_bundle: Bundle, churn_bundle: Bundle) -> None:
    held = {path.relative_to(built.folder).as_posix() for path in built.folder.rglob("*") if path.is_file()}
    included = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]
    service = {f"src/{name}" for name in included if "*" not in name} | {"src/bentofile.yaml"}
    service |= {f"src/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "src/fusionguard/serving").rglob("*.py")}
    service -= {f"src/src/fusionguard/serving/{name}.py" for name in ("bento", "bento_readme", "handover", "launch", "resolve")}
    bundles = {"src/release/release.json"}
    for model, bundle in (("fraud", fraud_bundle), ("churn", churn_bundle)):
        bundles |= {f"src/release/{model}-champion/{name}" for name in (*bundle.manifest.files, "MANIFEST.json")}
    docker = {f"env/docker/{name}" for name in ("Dockerfile", "Dockerfile.template", "entrypoint.sh")}
    python = {f"env/python/{name}" for name in ("install.sh", "requirements.txt", "version.txt")}
    bentoml = {"bento.yaml", "README.md", "apis/openapi.yaml", "apis/schema.json"}
    assert held == service | bundles | docker | python | bentoml
    secret = re.compile(rb"fg_[A-Za-z0-9_-]{43}|BEGIN [A-Z ]*PRIVATE KEY|KAGGLE_KEY")
    here = str(ROOT).encode()
    for name in held:
        content = (built.folder / name).read_bytes()
        assert not secret.search(content) and here not in content, name


def test_every_package_is_pinned_by_its_files_and_none_trains_models(built: BuiltBento) -> None:
    text = (built.folder / "env" / "python" / "requirements.txt").read_text()
    assert text.split() == (ROOT / "requirements-serving.lock").read_text().split() and "://" not in text
    pinned: dict[str, list[str]] = {}
    for word in text.replace("\\\n", " ").split():
        if word.startswith("--hash="):
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word)
            pinned[list(pinned)[-1]].append(word)
        else:
            assert re.fullmatch(r"[a-z0-9._-]+(\[[a-z,]+\])?==[0-9][0-9a-z.]*", word, re.I), (
                "no local version, which no index has"
            )
            pinned[word] = []
    assert len(pinned) > 60 and all(pinned.values()), "a package without hashes would be taken as it comes"
    names = {line.partition("==")[0].lower() for line in pinned}
    assert not names & {*ABSENT, "scikit-learn", "great-expectations", "nvidia-nccl-cu12"}
    locked = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split() if "==" in line)
    for line in pinned:
        name, _, version = line.partition("==")
        assert locked[name] == version, f"{name} is tested as {locked[name]} and shipped as {version}"


def test_one_is_built_by_its_name_on_the_base_of_a_digest(fraud_bundle: Bundle, tmp_path: Path) -> None:
    digest = "sha256:" + "0a1b2c3d" * 8
    pinned = build_bento(Home(tmp_path), models=[str(fraud_bundle.folder)], base_digest=digest)
    assert [each.model for each in check_release(pinned.folder / "src" / "release").models] == ["fraud"], "as it was named"
    lines = (pinned.folder / "env" / "docker" / "Dockerfile").read_text().splitlines()
    (base,) = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert base == f"python:3.11.14-slim-bookworm@{digest}" and base.partition("@")[0] in ASK_DIGEST
    assert any("--require-hashes" in line for line in lines)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        build_bento(Home(tmp_path), models=[str(fraud_bundle.folder)], base_digest="sha256:latest")


def test_it_answers_without_what_it_does_not_hold(built: BuiltBento) -> None:
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OTEL_SDK_DISABLED": "true"}
    command = [sys.executable, "-c", RUN, ",".join(ABSENT)]
    done = subprocess.run(command, cwd=built.folder / "src", env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("strangers [] unused [] answered ['churn', 'fraud']")


def test_it_answers_for_declared_data_sets(
    built: BuiltBento, payments_bundle: Bundle, telco_bundle: Bundle, tmp_path: Path
) -> None:
    write_release(tmp_path / "release", released({"card-payments-champion": payments_bundle, "telco-champion": telco_bundle}))
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OTEL_SDK_DISABLED": "true"}
    environment |= {"FUSIONGUARD_SERVE_RELEASE": str(tmp_path / "release"), "FUSIONGUARD_SERVE_LOG": str(tmp_path / "log")}
    command = [sys.executable, "-c", RUN, ",".join(ABSENT)]
    done = subprocess.run(command, cwd=built.folder / "src", env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "strangers []" in done.stdout and done.stdout.strip().endswith("answered ['card-payments', 'telco']")


@pytest.mark.full
def test_its_list_of_files_is_what_a_service_loads(release_folder: Path) -> None:
    command = [sys.executable, "-m", "tests.serving.bento_files", str(release_folder)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "", f"change the list in bentofile.yaml:\n{done.stdout}"


@pytest.mark.full
def test_it_serves_as_in_its_image(built: BuiltBento, starter: Starter, transaction: dict[str, Any], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "teller")
    service = starter(built.folder / "src" / "release", bento=built.folder, bind="0.0.0.0", host="0.0.0.0", keys=keys)
    assert service.post("/v1/fraud/score", transaction).status_code == 401
    assert service.post("/v1/fraud/score", transaction, headers={"X-API-Key": key}).status_code == 200


def test_the_dockerfile_is_fit_to_be_run(built: BuiltBento) -> None:
    dockerfile = built.folder / "env" / "docker" / "Dockerfile"
    lines = dockerfile.read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), "the last user must not be root, which only a number shows"
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert len(bases) == 1 and re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert lines[-1].startswith("ENTRYPOINT [") or lines[-2].startswith("ENTRYPOINT [")
    assert not any(line.startswith("ADD ") or "curl" in line or "sudo" in line for line in lines)


def test_hadolint_finds_nothing(built: BuiltBento) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("needs hadolint, which is not installed here")
    dockerfile = built.folder / "env" / "docker" / "Dockerfile"
    done = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    worse = dockerfile.read_text().replace("# hadolint ignore=DL3008", "").replace("USER 1034:1034", "USER root")
    done = subprocess.run([hadolint, "--no-color", "-"], input=worse, capture_output=True, text=True)
    assert done.returncode == 1 and {"DL3008", "DL3002"} <= set(re.findall(r"DL\d{4}", done.stdout)), "it finds what there is"
