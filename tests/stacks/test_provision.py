"""Stacks: ZenML agrees with the file, nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.home import Home
from stacks.provision import provision, read_stack_file, stack_names
from stacks.session import active_stack, open_client

pytestmark = pytest.mark.usefixtures("zenml_store")

LOCAL = """
description: a test
components:
  orchestrator: {flavor: local}
  artifact_store: {flavor: local, configuration: {path: "{state}/FOLDER"}}
"""


def _write(folder: Path, name: str = "mine", text: str = LOCAL) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)
    return folder


def _artifact_path(stack_id: object) -> str:
    store = open_client().get_stack(stack_id).components["artifact_store"][0]
    return str(store.configuration["path"])


def test_a_second_call_registers_nothing(home: Home) -> None:
    first, second = provision("local", home), provision("local", home)
    assert len(first.changes) == 3
    assert second.changes == ()
    assert second.id == first.id


def test_the_local_stack_keeps_artifacts_in_the_home(home: Home) -> None:
    assert _artifact_path(provision("local", home).id) == str(home.state / "artifacts")


def test_the_users_active_stack_and_configuration_stay_as_they_are(home: Home, zenml_store: Path) -> None:
    client = open_client()
    configuration = zenml_store / "config.yaml"
    before, bytes_before = client.active_stack_model.id, configuration.read_bytes()
    stack = provision("local", home)
    with active_stack(stack.id):
        assert client.active_stack_model.id == stack.id
    assert client.active_stack_model.id == before
    assert configuration.read_bytes() == bytes_before


def test_two_homes_that_share_a_store_do_not_fight(tmp_path: Path) -> None:
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    first, second = provision("local", one), provision("local", other)
    assert first.name != second.name
    assert provision("local", one).changes == provision("local", other).changes == ()
    assert _artifact_path(first.id) == str(one.state / "artifacts")
    assert _artifact_path(second.id) == str(other.state / "artifacts")


def test_a_changed_file_updates_what_is_registered(home: Home, tmp_path: Path) -> None:
    folder = _write(tmp_path / "stacks")
    before = provision("mine", home, folder)
    _write(folder, text=LOCAL.replace("FOLDER", "elsewhere"))
    after = provision("mine", home, folder)
    assert after.id == before.id
    assert after.changes == (f"updated artifact_store {after.name}",)
    assert _artifact_path(after.id) == str(home.state / "elsewhere")
    assert provision("mine", home, folder).changes == ()


def test_a_key_that_left_the_file_leaves_the_component(home: Home, tmp_path: Path) -> None:
    folder = _write(tmp_path / "stacks")
    provision("mine", home, folder)
    _write(folder, text=LOCAL.replace(', configuration: {path: "{state}/FOLDER"}', ""))
    stack = provision("mine", home, folder)
    configuration = open_client().get_stack(stack.id).components["artifact_store"][0].configuration
    assert not configuration.get("path")
    assert provision("mine", home, folder).changes == ()


def test_a_component_of_another_flavor_takes_the_place_of_the_old_one(home: Home, tmp_path: Path) -> None:
    before = provision("mine", home, _write(tmp_path / "stacks"))
    old = open_client().get_stack(before.id).components["orchestrator"][0]
    flavor = "{flavor: slurm, source: stacks.slurm.flavor.SlurmOrchestratorFlavor}"
    folder = _write(tmp_path / "stacks", text=LOCAL.replace("orchestrator: {flavor: local}", f"orchestrator: {flavor}"))
    after = provision("mine", home, folder)
    assert after.id == before.id
    new = open_client().get_stack(after.id).components["orchestrator"][0]
    assert (new.flavor_name, new.name) == ("slurm", old.name)
    assert new.id != old.id
    kept = open_client().get_stack_component("orchestrator", old.id)
    assert (kept.flavor_name, kept.name) == ("local", f"{old.name}-local-{old.id.hex[:8]}")
    assert provision("mine", home, folder).changes == ()


def test_adding_a_stack_is_adding_a_file(home: Home, tmp_path: Path) -> None:
    folder = _write(tmp_path / "stacks", "campus")
    assert stack_names(folder) == ["campus"]
    assert provision("campus", home, folder).name.startswith("fusionguard-campus-")


def test_the_stacks_of_the_project_are_its_files() -> None:
    assert "local" in stack_names()
    for name in stack_names():
        assert read_stack_file(name).description


def test_a_sites_own_file_wins_over_the_projects(tmp_path: Path) -> None:
    folder = _write(
        tmp_path / "stacks",
        text="""
description: shared
components:
  orchestrator: {flavor: local}
  step_operator:
    flavor: slurm
    configuration: {folder: /jobs, setup: [one, two], time: "04:00:00", partitions: {cpu: a, gpu: b}}
steps:
  train: {resources: {cpu_count: 8, memory: 16GB}}
  tune: {resources: {cpu_count: 2}}
""",
    )
    (folder / "mine.site.yaml").write_text(
        """
components:
  step_operator: {configuration: {setup: [module load python], time: null, partitions: {gpu: fast}}}
steps:
  train: {resources: {memory: 64GB}}
  tune: null
  other: {resources: {cpu_count: 3}}
"""
    )
    read = read_stack_file("mine", folder)
    assert read.description == "shared"
    assert read.components["step_operator"].configuration == {
        "folder": "/jobs",
        "setup": ["module load python"],
        "partitions": {"cpu": "a", "gpu": "fast"},
    }
    assert {name: step.resources for name, step in read.steps.items()} == {
        "train": {"cpu_count": 8, "memory": "64GB"},
        "other": {"cpu_count": 3},
    }
    assert stack_names(folder) == ["mine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("components: [", "The stack file mine.site.yaml is not valid"),
        ("- a", "The stack file mine.site.yaml is not valid: it holds no keys and values."),
        ("step: {}", r"The stack file mine.yaml with mine.site.yaml is not valid: unknown key 'step'. Did you mean 'steps'\?"),
    ],
)
def test_a_sites_own_file_that_is_broken_is_named(tmp_path: Path, text: str, said: str) -> None:
    folder = _write(tmp_path / "stacks", text=LOCAL)
    (folder / "mine.site.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_stack_file("mine", folder)


def test_an_unknown_stack_lists_the_known_ones(home: Home) -> None:
    with pytest.raises(UnknownChoiceError, match=r"Unknown stack 'nope'. Valid choices: .*local"):
        provision("nope", home)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("components: [", "The stack file mine.yaml is not valid"),
        ("description: x\ncomponents: {}\nextra: 1", "extra"),
        ("description: x\ncomponents: {orchestrator: {flavour: local}}", "flavo"),
        ("description: x\ncomponents: {orchestra: {flavor: local}}", "Unknown component 'orchestra'"),
    ],
)
def test_a_broken_file_is_a_clear_error(home: Home, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        provision("mine", home, _write(tmp_path / "stacks", text=text))


def test_an_unknown_flavor_is_a_clear_error(home: Home, tmp_path: Path) -> None:
    text = LOCAL.replace("orchestrator: {flavor: local}", "orchestrator: {flavor: teleport}")
    with pytest.raises(UsageError, match="teleport"):
        provision("mine", home, _write(tmp_path / "stacks", text=text))
