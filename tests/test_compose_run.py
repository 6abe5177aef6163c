"""The servers of compose.yaml run as it says, with its health checks, its users, and roots that take no files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.bento import build_bento
from fusionguard.serving.keys import add_key
from fusionguard.serving.release import write_release
from tests.containers import ROOT, Container, require_namespaces
from tests.serving.conftest import released

pytestmark = pytest.mark.full
PASSWORDS = {
    "MLFLOW_PASSWORD": "a password of MLflow's",
    "MLFLOW_SECRET_KEY": "0123456789abcdef",
    "ZENML_PASSWORD": "a password of ZenML's",
    "ZENML_SECRET_KEY": "fedcba9876543210fedcba9876543210",
}

REGISTER = """
import os, pathlib
os.environ |= {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000", "MLFLOW_TRACKING_USERNAME": "admin",
               "MLFLOW_TRACKING_PASSWORD": %r, "FUSIONGUARD_HOME": "/tmp"}
from fusionguard.home import find_home
from fusionguard.registry.tracking import experiment_id, open_store
home = find_home()
client = open_store(home)
run = client.create_run(experiment_id(home, client, "fusionguard-fraud"))
client.log_text(run.info.run_id, "kept", "bundle/MANIFEST.json")
print(client.download_artifacts(run.info.run_id, "bundle/MANIFEST.json", "/tmp"))
"""

LOGIN = """
import os, warnings
warnings.simplefilter("ignore")
os.environ |= {"ZENML_CONFIG_PATH": "/tmp/client", "ZENML_STORE_URL": "http://127.0.0.1:8080", "ZENML_STORE_USERNAME": "admin",
               "ZENML_STORE_PASSWORD": %r, "ZENML_ANALYTICS_OPT_IN": "false"}
import sys
sys.path.insert(0, %r)
from stacks.provision import provision
from fusionguard.home import Home
import pathlib
stack = provision("local", Home(pathlib.Path("/tmp/home")))
from zenml.client import Client
print(Client().active_user.name, bool(stack.changes))
"""

SCORE = """
import httpx
from fusionguard.families.catalog import model_family
row = model_family("fraud").example_row
print(httpx.post("http://127.0.0.1:3000/v1/fraud/score", json=row, headers={"X-API-Key": %r}).status_code)
"""

FAMILIES = """
import httpx
answer = httpx.get("http://127.0.0.1:3000/v1/models", headers={"X-API-Key": %r})
print(sorted({each["model"] for each in answer.json()["models"]}) if answer.status_code == 200 else answer.status_code)
"""


@pytest.fixture(autouse=True)
def namespaces() -> None:
    require_namespaces()


def test_mlflow_is_healthy_asks_for_a_password_and_keeps_everything_in_its_volume(tmp_path: Path) -> None:
    with Container(tmp_path / "box", "mlflow", PASSWORDS) as mlflow:
        mlflow.wait_healthy()
        assert mlflow.status("http://127.0.0.1:5000/api/2.0/mlflow/registered-models/search") == 401
        assert mlflow.python(REGISTER % PASSWORDS["MLFLOW_PASSWORD"]).endswith("MANIFEST.json")
        assert mlflow.run(["touch", "/here"]).returncode != 0
    kept = {path.relative_to(tmp_path / "box" / "volumes").as_posix() for path in (tmp_path / "box" / "volumes").rglob("*")}
    assert {"mlflow/mlflow.db", "mlflow/basic_auth.db"} <= kept
    assert any(name.startswith("mlflow/artifacts/") and name.endswith("/bundle/MANIFEST.json") for name in kept)


def test_zenml_is_healthy_asks_for_a_password_and_takes_our_stack(tmp_path: Path) -> None:
    with Container(tmp_path / "box", "zenml", PASSWORDS, user=1000, env={"ZENML_CONFIG_PATH": "/zenml/.zenconfig"}) as zenml:
        zenml.wait_healthy()
        assert zenml.status("http://127.0.0.1:8080/api/v1/stacks") == 401
        assert zenml.python(LOGIN % (PASSWORDS["ZENML_PASSWORD"], str(ROOT))) == "admin True"
    assert list((tmp_path / "box" / "volumes" / "zenml").rglob("zenml.db"))


def test_the_service_answers_with_keys_alone_logs_and_takes_a_new_release_over(
    tmp_path: Path, fraud_bundle: Bundle, churn_bundle: Bundle
) -> None:
    built = build_bento(Home(tmp_path / "home"), models=[str(fraud_bundle.folder)])
    serving = tmp_path / "home" / ".fusionguard" / "serving"
    write_release(serving / "release", released({"fraud-champion": fraud_bundle}))
    key = add_key(serving / "keys.json", "teller")
    dockerfile = (built.folder / "env" / "docker" / "Dockerfile").read_text()
    assert "chmod -R a+rX ." in dockerfile
    subprocess.run(["chmod", "-R", "a+rX", built.folder], check=True)
    image = {
        "user": re.findall(r"^USER (\d+):", dockerfile, re.MULTILINE)[-1],
        "env": dict(re.findall(r"^ARG (\w+)=(\S*)$", dockerfile, re.MULTILINE)) | {"BENTOML_CONTAINERIZED": "true"},
        "command": ["bash", "-c", "cd $BENTO_PATH && exec bash env/docker/entrypoint.sh"],
        "files": {"/home/bentoml/bento": built.folder},
    }
    assert image["env"]["BENTO_PATH"] == "/home/bentoml/bento" and image["env"]["FUSIONGUARD_SERVE_HOST"] == "0.0.0.0"
    environment = PASSWORDS | {"FUSIONGUARD_HOME": str(tmp_path / "home")}
    models = "http://127.0.0.1:3000/v1/models"
    with Container(tmp_path / "box", "service", environment, **image) as service:
        service.wait_healthy()
        assert service.status(models) == 401
        assert service.status(models, **{"X-API-Key": key}) == 200
        assert service.python(SCORE % key) == "200"
        assert service.run(["touch", "/serving/here"]).returncode != 0
        write_release(serving / "release", released({"fraud-champion": fraud_bundle, "churn-champion": churn_bundle}))
        second = add_key(serving / "keys.json", "branch")
        os.kill(service.first_process(), signal.SIGHUP)
        until = time.monotonic() + 30
        while service.python(FAMILIES % second) != "['churn', 'fraud']":
            assert time.monotonic() < until, service.output.read_text()
    assert list((tmp_path / "box" / "volumes" / "predictions" / "fraud").rglob("*.parquet"))
