"""What people find of a project before they run it agrees with what it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import install
from fusionguard import __version__

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_ci_runs_on_the_pythons_and_systems_that_are_supported() -> None:
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    rows = job["strategy"]["matrix"]["include"]
    assert {tuple(map(int, row["python"].split("."))) for row in rows} == set(install.PYTHONS)
    kinds = {"ubuntu-24.04": ("Linux", "x86_64"), "ubuntu-24.04-arm": ("Linux", "aarch64"), "macos-14": ("Darwin", "arm64")}
    assert {kinds[row["system"]] for row in rows} == install.SYSTEMS


def test_ci_calls_commands_that_the_readme_and_the_makefile_have() -> None:
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert all(command.split()[0] == "make" and set(command.split()[1:]) <= targets for command in commands)
    readme = (ROOT / "README.md").read_text()
    assert {"make test", "make fraud"} <= set(commands) and "make test " in readme and "make fraud " in readme


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.stem)
def test_templates_ask_for_something(template: Path) -> None:
    form = yaml.safe_load(template.read_text())
    assert form["name"] and form["description"]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert any(part.get("validations", {}).get("required") for part in asked)
    assert len({part["id"] for part in asked}) == len(asked) >= 3


def test_two_templates_and_no_blank_issue() -> None:
    assert [template.stem for template in TEMPLATES] == ["bug", "wish"]
    assert read(".github/ISSUE_TEMPLATE/config.yml") == {"blank_issues_enabled": False}


def test_the_changelogs_latest_release_is_this_version_and_was_on_the_day_that_the_citation_names() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", f"{__version__} - {read('CITATION.cff')['date-released']}"]


def test_the_citation_holds_what_its_format_asks_for_and_no_second_version() -> None:
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == re.findall(r'^license = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert "version" not in citation
