"""compose.yaml and the development container: what the specification asks for, and what a bank would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import install
from tests.containers import ROOT, read_compose

ENVIRONMENT = dict.fromkeys(("MLFLOW_PASSWORD", "MLFLOW_SECRET_KEY", "ZENML_PASSWORD", "ZENML_SECRET_KEY"), "given")
SERVICES: dict[str, Any] = read_compose(ENVIRONMENT)["services"]
CHECK = Path(sys.executable).with_name("check-jsonschema")

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def follows(schema: str, file: Path) -> bool:
    done = subprocess.run([CHECK, "--builtin-schema", f"vendor.{schema}", file], capture_output=True, text=True)
    assert done.returncode == 0 or "Schema validation errors were encountered" in done.stdout, done.stdout + done.stderr
    return done.returncode == 0


def test_it_follows_the_compose_specification(tmp_path: Path) -> None:
    assert follows("compose-spec", ROOT / "compose.yaml")
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text().replace("read_only: true", "readonly: true"))
    assert not follows("compose-spec", wrong), "the check finds what there is"


@pytest.mark.full
def test_the_workflow_the_forms_and_the_citation_follow_their_schemas_too() -> None:
    assert follows("github-workflows", ROOT / ".github" / "workflows" / "ci.yml")
    assert follows("citation-file-format", ROOT / "CITATION.cff")
    assert all(follows("github-issue-forms", ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml") for name in ("bug", "wish"))


def test_it_starts_the_service_and_the_two_servers_in_the_versions_that_are_locked() -> None:
    pinned = dict(line.split(" ")[0].split("==") for line in install.locked("requirements.lock"))
    assert {name: service["image"] for name, service in SERVICES.items()} == {
        "mlflow": f"ghcr.io/mlflow/mlflow:v{pinned['mlflow']}-full",
        "zenml": f"zenmldocker/zenml-server:{pinned['zenml']}",
        "service": "risk_scoring:none",
    }
    built = read_compose(ENVIRONMENT | {"RISK_SCORING_VERSION": "abc"})["services"]["service"]
    assert built["image"] == "risk_scoring:abc" and built["pull_policy"] == "never"


@each_service
def test_ports_are_open_to_this_machine_alone(service: dict[str, Any]) -> None:
    assert service["ports"] and all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service["ports"])
    assert "network_mode" not in service


@each_service
def test_a_health_check_runs_what_its_image_has_and_asks_the_port_that_is_published(service: dict[str, Any]) -> None:
    kind, program, *arguments = service["healthcheck"]["test"]
    assert (kind, program, arguments[0]) == ("CMD", "python", "-c"), "there is no curl in a slim image"
    inside = service["ports"][0].rpartition(":")[2]
    assert f"http://127.0.0.1:{inside}/" in arguments[1]
    compile(arguments[1], "health check", "exec")


@each_service
def test_nothing_but_volumes_and_tmp_can_be_written_and_nobody_has_capabilities(service: dict[str, Any]) -> None:
    assert service["read_only"] is True and service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)


def test_databases_and_the_log_are_in_volumes_and_the_service_cannot_write_its_models() -> None:
    declared = read_compose(ENVIRONMENT)["volumes"]
    named = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"] if isinstance(volume, str)
    }
    assert set(declared) == named == {"mlflow", "zenml", "predictions"}
    (serving,) = [volume for volume in SERVICES["service"]["volumes"] if not isinstance(volume, str)]
    assert serving["read_only"] is True and serving["source"] == "./.fusionguard/serving"
    given = SERVICES["service"]["environment"]
    assert {given["FUSIONGUARD_SERVE_RELEASE"], given["FUSIONGUARD_SERVE_KEYS"]} == {"/serving/release", "/serving/keys.json"}


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_there_is_no_start_without_passwords_and_none_is_in_the_file(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        read_compose({name: value for name, value in ENVIRONMENT.items() if name != missing})
    given = [value for service in SERVICES.values() for value in service["environment"].items()]
    secret = [value for name, value in given if re.search("PASSWORD|SECRET", name)]
    assert secret == ["given"] * len(ENVIRONMENT)
    ignored = subprocess.run(["git", "check-ignore", ".env", ".fusionguard/serving/keys.json"], cwd=ROOT, capture_output=True)
    assert ignored.stdout.decode().splitlines() == [".env", ".fusionguard/serving/keys.json"]


def test_who_waits_for_another_waits_until_it_is_healthy() -> None:
    waits = [wait for service in SERVICES.values() for wait in service.get("depends_on", {}).values()]
    assert all(wait["condition"] == "service_healthy" for wait in waits)


def test_the_page_names_each_password_port_and_server() -> None:
    page = (ROOT / "docker" / "team_servers.md").read_text()
    addresses = {f"http://127.0.0.1:{service['ports'][0].split(':')[1]}" for service in SERVICES.values()}
    assert all(word in page for word in {*ENVIRONMENT, *addresses, "RISK_SCORING_VERSION"})


def test_the_development_container_brings_a_python_that_is_supported_and_runs_what_there_is() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    known = {"name", "image", "features", "hostRequirements", "remoteEnv", "postCreateCommand", "forwardPorts", "portsAttributes"}
    assert set(container) == known | {"customizations"}, "of the keys at https://containers.dev/implementors/json_reference/"
    version = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:(\d+)\.(\d+)-bookworm", container["image"])
    assert version is not None and tuple(map(int, version.groups())) in install.PYTHONS
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    labels = {port: each["label"] for port, each in container["portsAttributes"].items()}
    assert {int(port) for port in labels} == set(container["forwardPorts"])
    assert {command.split()[1] for command in (container["postCreateCommand"], *labels.values())} <= targets
    environment = container["remoteEnv"]["VENV"]
    assert container["remoteEnv"]["PATH"].startswith(f"{environment}/bin:")
    settings = container["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"] == f"{environment}/bin/python"
