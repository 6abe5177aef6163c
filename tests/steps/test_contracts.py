"""One walk over every step, pipeline and materializer: what all of them promise."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from fusionguard.config import TuningConfig
from fusionguard.datasets.catalog import find_dataset
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.monitoring.settings import MonitoringConfig

pytestmark = pytest.mark.usefixtures("zenml_store")

PROJECT = Path(__file__).resolve().parents[2]
STEP_MODULES = sorted(
    ".".join(file.relative_to(PROJECT).with_suffix("").parts)
    for file in (PROJECT / "steps").glob("*/*.py")
    if file.stem != "__init__"
)
MATERIALIZER_MODULES = sorted(f"materializers.{file.stem}" for file in (PROJECT / "materializers").glob("*.py"))


def _steps(module_name: str) -> dict[str, Any]:
    from zenml.steps import BaseStep

    module = importlib.import_module(module_name)
    return {name: value for name, value in vars(module).items() if isinstance(value, BaseStep)}


def _outputs(step: Any) -> list[Any]:
    annotation = get_type_hints(step.entrypoint, include_extras=True)["return"]
    return list(get_args(annotation)) if get_origin(annotation) is tuple else [annotation]


READ = {"declaration": find_dataset("creditcard").text, "source": "auto", "source_fingerprint": "f"}
"""What a training is called with besides its settings."""


def _kind(output: Any) -> Any:
    """Return the type of an output; of one that may be None, which ZenML keeps as JSON, the other one."""
    kinds = [kind for kind in get_args(get_args(output)[0]) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 else get_args(output)[0]


def test_there_are_steps() -> None:
    assert len(STEP_MODULES) >= 15


@pytest.mark.parametrize("module_name", STEP_MODULES)
def test_a_module_holds_one_step_of_its_own_name_with_a_docstring(module_name: str) -> None:
    (name,) = _steps(module_name)
    assert name == module_name.rpartition(".")[2]
    assert importlib.import_module(module_name).__doc__
    assert _steps(module_name)[name].entrypoint.__doc__


@pytest.mark.parametrize("module_name", STEP_MODULES)
def test_every_input_and_output_of_a_step_is_typed_and_every_output_named(module_name: str) -> None:
    for step in _steps(module_name).values():
        hints = get_type_hints(step.entrypoint)
        for parameter in inspect.signature(step.entrypoint).parameters:
            assert hints[parameter] is not Any, parameter
        for output in _outputs(step):
            name = get_args(output)[1]
            assert inspect.isclass(_kind(output))
            assert name.startswith("{pipeline}_")


@pytest.mark.parametrize("module_name", STEP_MODULES)
def test_every_output_has_a_materializer_that_does_not_pickle(module_name: str) -> None:
    from zenml.materializers.materializer_registry import materializer_registry
    from zenml.materializers.structured_string_materializer import StructuredStringMaterializer

    import materializers

    modules = [importlib.import_module(name) for name in MATERIALIZER_MODULES]
    found = {value for module in modules for name, value in vars(module).items() if name.endswith("Materializer")}
    ours = {value for value in found if value.__module__.startswith("materializers.")} - {materializers.RefusingMaterializer}
    for step in _steps(module_name).values():
        for output in _outputs(step):
            assert materializer_registry[_kind(output)] in {*ours, StructuredStringMaterializer}


@pytest.mark.parametrize("module_name", STEP_MODULES)
def test_a_step_is_a_shell(module_name: str) -> None:
    for step in _steps(module_name).values():
        body = inspect.getsource(step.entrypoint)
        assert len(body.splitlines()) <= 60, "move the logic into fusionguard"


def test_zenml_falls_back_to_refusing_not_to_pickling() -> None:
    from zenml.materializers.materializer_registry import materializer_registry

    import materializers

    assert materializer_registry.get_default_materializer() is materializers.RefusingMaterializer


@pytest.mark.parametrize("module_name", MATERIALIZER_MODULES)
def test_materializers_are_documented_and_hold_one_each(module_name: str) -> None:
    from zenml.materializers.base_materializer import BaseMaterializer

    module = importlib.import_module(module_name)
    assert module.__doc__
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BaseMaterializer) and value.__module__ == module_name
    ]
    assert len(own) <= 1
    for value in own:
        assert value.__doc__
        assert value.ASSOCIATED_TYPES


def test_every_pipeline_has_settings_that_load_and_a_module_that_keeps_the_contract() -> None:
    from zenml.pipelines.pipeline_definition import Pipeline

    from fusionguard.config import load_config
    from pipelines.catalog import CATALOG, PIPELINE_FOLDER

    assert set(CATALOG) == {file.stem for file in PIPELINE_FOLDER.glob("*.yaml")}
    for entry in CATALOG.values():
        load_config(entry.config, [entry.settings])
        module = importlib.import_module(entry.module)
        assert isinstance(module.PIPELINE, Pipeline)
        assert module.PIPELINE.name == entry.name
        assert callable(module.report)
        assert module.__doc__
        assert entry.purpose


def test_an_artifacts_name_stands_for_one_thing_of_one_pipeline() -> None:
    from pipelines.catalog import CATALOG

    configs = {"fraud": FraudConfig(tuning=TuningConfig(trials=1)), "churn": ChurnConfig(), "monitoring": MonitoringConfig()}
    seen: list[str] = []
    for name, entry in CATALOG.items():
        composed = importlib.import_module(entry.module).PIPELINE.copy()
        composed.prepare(**{"config": configs[name]} | ({} if name == "monitoring" else READ))
        assert composed.configuration.environment == {"FUSIONGUARD_PIPELINE": name}  # what keeps their cached results apart
        for invocation in composed.invocations.values():
            seen += [
                output.format(**composed.configuration.substitutions) for output in invocation.step.entrypoint_definition.outputs
            ]
    assert len(seen) == len(set(seen)) > 60
    assert {"fraud_raw", "churn_raw", "fraud_bundle", "churn_bundle", "monitoring_bundle", "fraud_booster_settings"} <= set(seen)


@pytest.mark.parametrize("folder", ["src", "steps", "pipelines", "stacks", "materializers"])
def test_no_pickle_anywhere(folder: str) -> None:
    forbidden = ("import pickle", "cloudpickle", "import joblib", "from joblib", "import dill")
    for file in (PROJECT / folder).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not [word for word in forbidden if word in text], file


def test_the_domain_never_imports_zenml() -> None:
    for file in (PROJECT / "src").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "import zenml" not in text, file
        assert "from zenml" not in text, file


def test_the_code_fingerprint_changes_with_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fusionguard
    from steps import caching

    package = tmp_path / "fusionguard"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "features.sql").write_text("SELECT 1")
    monkeypatch.setattr(fusionguard, "__file__", str(package / "__init__.py"))
    before = caching.code_fingerprint.__wrapped__()
    assert caching.code_fingerprint.__wrapped__() == before
    (package / "features.sql").write_text("SELECT 2")
    assert caching.code_fingerprint.__wrapped__() != before
