"""docs/agent_service.md names what there is, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.settings import PREFIX, AssistantSettings
from fusionguard.assistant.tools.every import open_tools
from fusionguard.home import Home

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "agent_service.md").read_text(encoding="utf-8")


def _section(name: str) -> str:
    return TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_every_setting_is_told_with_its_default() -> None:
    told: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", _section("Settings"), re.MULTILINE):
        variables = re.findall(r"`([A-Z_]+)`", names)
        values = [value.strip() for value in defaults.split(", ")] if len(variables) > 1 else [defaults.strip()]
        told |= dict(zip(variables, values * (len(variables) if len(values) == 1 else 1), strict=True))
    assert set(told) == {name.upper() for name in AssistantSettings.model_fields}
    for name, field in AssistantSettings.model_fields.items():
        if isinstance(field.default, int | float):
            assert told[name.upper()] == f"{field.default:g}", name


def test_every_tool_is_told(tmp_path: Path) -> None:
    names = re.findall(r"^\| `([a-z_]+)` \|", _section("Tools"), re.MULTILINE)
    assert sorted(names) == sorted(
        tool.name for tool in open_tools(Home(tmp_path), KnownModels(Home(tmp_path), tmp_path), {}).tools
    )


def test_the_example_runs(knowledge_home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(knowledge_home.root))
    monkeypatch.delenv(f"{PREFIX}MODEL", raising=False)
    example = re.search(r"```python\n(.*?)```", _section("Asking"), re.DOTALL)
    assert example is not None
    variables: dict[str, object] = {}
    exec(compile(example[1], "docs/agent_service.md", "exec"), variables)
    assert variables["answer"].kind == "unknown"  # type: ignore[attr-defined]
    assert "I don't know" in capsys.readouterr().out
    variables["assistant"].close()  # type: ignore[attr-defined]
