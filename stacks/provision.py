"""Make ZenML agree with a stack file; the only place that registers anything, and a no-op when ZenML already agrees."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fusionguard.errors import UnknownChoiceError, UsageError, did_you_mean
from fusionguard.home import Home
from stacks.session import SOURCE_ROOT, open_client, zenml_locked

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, StackResponse

STACK_FOLDER = Path(__file__).resolve().parent
_SITE = ".site.yaml"
_ATTEMPTS = 3


class ComponentSpec(BaseModel):
    """One component of a stack: its ZenML flavor and that flavor's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flavor: str
    source: str | None = None
    """Where a flavor that ZenML does not bring is defined, such as ``stacks.slurm.flavor.SlurmStepOperatorFlavor``."""
    configuration: dict[str, Any] = Field(default_factory=dict)


class StepPlacement(BaseModel):
    """What a step that leaves this process asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resources: dict[str, Any] = Field(default_factory=dict)
    """ZenML's ``ResourceSettings``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the stack's step operator."""
    when: str | None = None
    """A key of the run's settings, such as ``tuning.trials``: where it is 0, false or empty, the step has nothing to do and
    stays. Or a key and the value that makes the step heavy, such as ``data.engine=spark``."""


class StackFile(BaseModel):
    """A stack file. Texts may hold ``{state}``, ``{home}`` and ``{checkout}``: the folders of the home that uses the stack, and
    of the code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    components: dict[str, ComponentSpec]
    steps: dict[str, StepPlacement] = Field(default_factory=dict)
    """The steps that the step operator runs, by name or pattern (``tune_*``); the first match counts."""


@dataclass(frozen=True)
class ProvisionedStack:
    """A stack that ZenML knows; ``changes`` names what had to be registered or updated, and is empty on a second run."""

    id: UUID
    name: str
    changes: tuple[str, ...]


def stack_names(folder: Path = STACK_FOLDER) -> list[str]:
    """Return the stacks there are: one for each YAML file, those with a site's own settings aside."""
    return sorted(file.stem for file in folder.glob("*.yaml") if not file.name.endswith(_SITE))


def read_stack_file(name: str, folder: Path = STACK_FOLDER) -> StackFile:
    """Read ``<name>.yaml``, and over it ``<name>.site.yaml`` where there is one: what this site alone wants otherwise.

    Keys of the site's file win, mappings are merged, and a null takes a key away. An unknown name or key is a :class:`UsageError`
    that says what there is.
    """
    if name not in stack_names(folder):
        raise UnknownChoiceError("stack", name, stack_names(folder))
    shared, site = folder / f"{name}.yaml", folder / f"{name}{_SITE}"
    content = _mapping(shared)
    where = shared.name
    if site.exists():
        content = _over(content, _mapping(site))
        where = f"{shared.name} with {site.name}"
    try:
        return StackFile.model_validate(content)
    except ValidationError as error:
        raise _invalid(where, _first_problem(error)) from error


def _mapping(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _invalid(file.name, str(error).splitlines()[0]) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _invalid(file.name, "it holds no keys and values")
    return content


def _over(base: dict[str, Any], site: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in site.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = _over(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _invalid(where: str, problem: str) -> UsageError:
    end = "" if problem.endswith(("?", ".")) else "."
    return UsageError(f"The stack file {where} is not valid: {problem}{end}", "See stacks/local.yaml for an example.")


def provision(name: str, home: Home, folder: Path = STACK_FOLDER) -> ProvisionedStack:
    """Register or update the stack ``name`` for this home, and leave the user's active stack and all others alone.

    Names carry a mark of the home's folder, so that two checkouts that share one ZenML store do not fight over a path.
    """
    spec = read_stack_file(name, folder)
    client = open_client()
    home.state.mkdir(parents=True, exist_ok=True)
    with zenml_locked():  # two first runs at once would register everything twice
        return _agree_for_sure(client, name, spec, home)


def _agree_for_sure(client: Client, name: str, spec: StackFile, home: Home) -> ProvisionedStack:
    """Agree, also where somebody on another machine registers the same with a server of the team at this moment."""
    from zenml.exceptions import EntityExistsError

    for _ in range(_ATTEMPTS - 1):
        with suppress(EntityExistsError):
            return _agree(client, name, spec, home)
    return _agree(client, name, spec, home)


def own_stacks(client: Client, home: Home) -> list[StackResponse]:
    """Return the stacks that were registered for this home, whatever their files' names."""
    mark = _home_mark(home)
    found = client.list_stacks(name=f"endswith:-{mark}", size=500, hydrate=True).items
    return [stack for stack in found if stack.name.startswith("fusionguard-")]


def _agree(client: Client, name: str, spec: StackFile, home: Home) -> ProvisionedStack:
    full_name = f"fusionguard-{name}-{_home_mark(home)}"
    changes: list[str] = []
    wanted: dict[str, UUID] = {}
    for kind, component in spec.components.items():
        configuration = {key: _fill(value, home) for key, value in component.configuration.items()}
        try:
            if component.source is not None:
                _agree_flavor(client, kind, component.flavor, component.source, configuration, changes)
            wanted[kind] = _agree_component(client, full_name, kind, component.flavor, configuration, changes)
        except ValidationError as error:
            raise UsageError(
                f"The configuration of the {kind} in the stack file {name}.yaml is not valid: {_first_problem(error)}"
            ) from error
    stack = _agree_stack(client, full_name, wanted, changes)
    return ProvisionedStack(id=stack.id, name=full_name, changes=tuple(changes))


def _agree_component(
    client: Client, name: str, kind: str, flavor: str, configuration: dict[str, Any], changes: list[str]
) -> UUID:
    from zenml.enums import StackComponentType

    if kind not in StackComponentType.values():
        raise UnknownChoiceError("component", kind, StackComponentType.values())
    component_type = StackComponentType(kind)
    found = _exact(client.list_stack_components(type=kind, name=name, hydrate=True).items)
    if found is not None and found.flavor_name != flavor:
        # Runs of before belong to it: it stays, under a name of its own.
        client.update_stack_component(found.id, component_type, name=f"{name}-{found.flavor_name}-{found.id.hex[:8]}")
        changes.append(f"set the {found.flavor_name} {kind} {name} aside")
        found = None
    if found is None:
        _check_flavor(client, kind, flavor)
        changes.append(f"registered {kind} {name}")
        created = client.create_stack_component(name, flavor, component_type, configuration)
        return UUID(str(created.id))
    current = {key: value for key, value in found.configuration.items() if value is not None}
    if current != configuration:
        removed: dict[str, Any] = {key: None for key in current if key not in configuration}
        client.update_stack_component(found.id, component_type, configuration={**configuration, **removed})
        changes.append(f"updated {kind} {name}")
    return UUID(str(found.id))


def _agree_flavor(client: Client, kind: str, flavor: str, source: str, configuration: dict[str, Any], changes: list[str]) -> None:
    """Register a flavor of ours, or bring what ZenML knows of its configuration up to date."""
    from zenml.enums import StackComponentType
    from zenml.models import FlavorUpdate
    from zenml.stack.flavor import validate_flavor_source

    _, ours = validate_flavor_source(source=source, component_type=StackComponentType(kind))
    ours.config_class.model_validate(configuration)  # ZenML does not say which keys are valid
    found = _exact(client.list_flavors(type=kind, name=flavor, hydrate=True).items)
    if found is None:
        client.create_flavor(source, StackComponentType(kind))
        changes.append(f"registered flavor {flavor}")
        return
    if found.source != source:
        raise UsageError(
            f"ZenML has another {kind} flavor '{flavor}' ({found.source}), the stack file wants {source}.",
            f"Remove it with: zenml {kind.replace('_', '-')} flavor delete {flavor}",
        )
    if found.config_schema != ours.config_schema:
        client.zen_store.update_flavor(found.id, FlavorUpdate(config_schema=ours.config_schema))
        changes.append(f"updated flavor {flavor}")


def _check_flavor(client: Client, kind: str, flavor: str) -> None:
    known = [found.name for found in client.list_flavors(type=kind, size=500).items]
    if flavor not in known:
        raise UnknownChoiceError(f"flavor of {kind}", flavor, known)


def _agree_stack(client: Client, name: str, wanted: dict[str, UUID], changes: list[str]) -> StackResponse:
    from zenml.enums import StackComponentType

    components = {StackComponentType(kind): identity for kind, identity in wanted.items()}
    found = _exact(client.list_stacks(name=name, hydrate=True).items)
    if found is None:
        changes.append(f"registered stack {name}")
        return client.create_stack(name=name, components=components)
    current = {str(kind.value): {part.id for part in parts} for kind, parts in found.components.items()}
    if current != {kind: {identity} for kind, identity in wanted.items()}:
        changes.append(f"updated stack {name}")
        return client.update_stack(found.id, component_updates={kind: [part] for kind, part in components.items()})
    return cast("StackResponse", found)


def _exact(items: list[StackResponse] | list[ComponentResponse]) -> Any:
    return items[0] if items else None


def _fill(value: Any, home: Home) -> Any:
    if isinstance(value, dict):
        return {key: _fill(each, home) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, home) for each in value]
    if isinstance(value, str):
        folders = {"{state}": home.state, "{home}": home.root, "{checkout}": SOURCE_ROOT.parent}
        for mark, folder in folders.items():
            value = value.replace(mark, str(folder))
    return value


def _home_mark(home: Home) -> str:
    return hashlib.sha256(str(home.root.resolve()).encode()).hexdigest()[:8]


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "extra_forbidden" and first["loc"]:
        key = str(first["loc"][-1])
        known = {**StackFile.model_fields, **ComponentSpec.model_fields, **StepPlacement.model_fields}
        return f"unknown key '{'.'.join(str(part) for part in first['loc'])}'. {did_you_mean(key, known)}".strip()
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
