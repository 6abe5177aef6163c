"""The pipelines there are, known without importing one (that would import ZenML)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fusionguard.config import TrainingConfig, known_keys, load_config
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.families.catalog import training_configs
from fusionguard.home import Home
from fusionguard.monitoring.settings import MonitoringConfig

_FLAGS = {"dataset": ("data.dataset",), "source": ("data.source",), "engine": ("data.engine", "engine")}
"""The settings that options of the front door set: of several, the one that the pipeline has."""

PIPELINE_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class PipelineEntry:
    """A pipeline's name, what it is for, the type of its settings, and the module that composes it.

    The module offers ``PIPELINE`` (a ZenML pipeline) and ``report(outputs)`` (what the run's end tells, see
    :class:`pipelines.summary.Report`). ``arguments`` turns settings into what the pipeline is called with; it finds out
    what a person got wrong, such as a source that does not exist, before ZenML is even imported. ``input_remedy`` says what it
    reads instead of a ``--source`` or a ``--dataset`` and how to choose that; it is empty where it takes one. ``tags`` returns
    the tags of a run that is called with these arguments.
    """

    name: str
    purpose: str
    config: type[BaseModel]
    arguments: Callable[[Any, Home], dict[str, Any]]
    module: str
    folder: Path = PIPELINE_FOLDER
    input_remedy: str = ""
    tags: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda arguments: ()

    @property
    def settings(self) -> Path:
        """The YAML file with the pipeline's defaults."""
        return self.folder / f"{self.name}.yaml"

    def assignments(self, flags: Mapping[str, str | None]) -> tuple[str, ...]:
        """Return the settings that options of the front door stand for; those of None were not given.

        Raises
        ------
        UsageError
            The pipeline has no such setting.
        """
        known = set(known_keys(self.config))
        found = []
        for flag, value in flags.items():
            if value is None:
                continue
            keys = [key for key in _FLAGS[flag] if key in known]
            if not keys:
                remedy = self.input_remedy if flag != "engine" and self.input_remedy else f"Leave --{flag} away."
                raise UsageError(f"The pipeline '{self.name}' takes no --{flag}.", remedy)
            found.append(f"{keys[0]}={json.dumps(value, ensure_ascii=False)}")
        return tuple(found)


def training_arguments(family: str, config: TrainingConfig, home: Home) -> dict[str, Any]:
    """Return the settings of a family's training, how the data set is declared, and the fingerprint of the source they name."""
    from fusionguard.datasets.catalog import find_dataset, shipped_name
    from fusionguard.datasets.described import locate

    declared = find_dataset(config.data.dataset or shipped_name(family), tuple(_TRAININGS))
    problem = declared.declaration.problem
    if problem != family:
        raise UsageError(
            f"{declared.file} declares a problem of {problem}, and the pipeline is {family}.", f"Run --pipeline {problem}."
        )
    if declared.declaration.validation is not None and "prequential" not in type(config).model_fields:
        where = declared.line(("validation",))
        raise UsageError(
            f"{declared.file}{f', line {where}' if where else ''}: the pipeline {family} validates on no folds in time.",
            "Remove validation from the declaration.",
        )
    source, fingerprint = locate(declared, config.data.source, rows=config.data.rows, seed=config.seed)
    read = {"declaration": declared.text, "own_sql": declared.sql or "", "source": source, "source_fingerprint": fingerprint}
    return {"config": config, **read}


def training_tags(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tag that tells trainings on one data set from those on another."""
    from fusionguard.datasets.reading import parse_declaration

    return (f"dataset:{parse_declaration(arguments['declaration']).declaration.name}",)


def monitoring_arguments(config: MonitoringConfig, home: Home) -> dict[str, Any]:
    """Return the settings; that there is no log, or a training has wrong settings, is found out before anything runs."""
    from fusionguard.monitoring.window import find_log
    from fusionguard.registry.model_names import find_model
    from fusionguard.registry.versions import family_name

    find_model(home, config.model)  # a family's is there; the registry is asked about others alone
    find_log(config, home)
    if config.training is not None:
        entry = find_pipeline(family_name(home, config.model))
        load_config(entry.config, [entry.settings, Path(config.training).expanduser()])
    return {"config": config}


def _training(family: str, config: type[TrainingConfig]) -> PipelineEntry:
    """Return the training of a family: its module and its settings lie here under the family's name."""
    arguments = partial(training_arguments, family)
    return PipelineEntry(
        name=family,
        purpose=config.PURPOSE,
        config=config,
        arguments=arguments,
        module=f"pipelines.{family}",
        tags=training_tags,
    )


_TRAININGS = training_configs()

CATALOG = {family: _training(family, config) for family, config in _TRAININGS.items()} | {
    "monitoring": PipelineEntry(
        name="monitoring",
        purpose="what the services scored: drift, performance with and without labels, a verdict and what to do",
        config=MonitoringConfig,
        arguments=monitoring_arguments,
        module="pipelines.monitoring",
        input_remedy=(
            "It reads the prediction log, what the services answered: choose the model with --set model=NAME, its data set"
            " (NAME@3 for a version of it), the rows with --set window.hours=168, and a log elsewhere with --set log=FOLDER."
        ),
    ),
}


def find_pipeline(name: str, catalog: Mapping[str, PipelineEntry] = CATALOG) -> PipelineEntry:
    """Return the pipeline called ``name``; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name not in catalog:
        raise UnknownChoiceError("pipeline", name, catalog)
    return catalog[name]
