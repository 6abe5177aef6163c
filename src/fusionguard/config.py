"""The settings of a run: frozen models read once at the edge, where an unknown key is an error that lists the known ones.

Here is what all trainings share; what one family alone has is in ``families/NAME/config.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fusionguard.errors import UsageError, did_you_mean
from fusionguard.keep_config import KeepConfig

Config = TypeVar("Config", bound=BaseModel)


class FrozenConfig(BaseModel):
    """What all settings are: never changed, nothing unknown in them, no infinite number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(FrozenConfig):
    """What is read and how features are made."""

    dataset: str | None = None
    """The data set: the name of one that ships, or the path of a declaration; null for the one that ships for the pipeline."""
    source: str = "auto"
    """``auto``, ``kaggle``, ``simulated``, or the path of a file or folder in the data set's layout."""
    rows: int = Field(default=10_000, ge=1)
    """Rows to simulate; other sources are read whole."""
    engine: Literal["duckdb", "spark"] = "duckdb"


class SplitConfig(FrozenConfig):
    """The shares of the rows that each slice gets, in order of time where rows have one."""

    train: float = Field(default=0.60, gt=0, lt=1)
    validation: float = Field(default=0.10, gt=0, lt=1)
    calibration: float = Field(default=0.10, gt=0, lt=1)
    test: float = Field(default=0.20, gt=0, lt=1)

    @model_validator(mode="after")
    def _whole(self) -> SplitConfig:
        total = self.train + self.validation + self.calibration + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the four shares must add up to 1, not {total:g}")
        return self


class GateConfig(FrozenConfig):
    """When a challenger replaces the champion."""

    probability_better: float = Field(default=0.8, ge=0.5, le=1)
    """Share of paired bootstrap draws in which the challenger's average precision must be higher, or its log loss lower where
    the two rank alike. A model that is calibrated worse is not promoted at any share."""


ServingRelease = Literal["none", "folder", "bento"]


class ServingConfig(FrozenConfig):
    """What a run does for the service."""

    release: ServingRelease = "none"
    """After a promotion, ``folder`` writes the release that ``fusionguard serve`` answers with, ``bento`` builds the Bento."""


class TuningConfig(FrozenConfig):
    """The search for better hyperparameters, off by default."""

    trials: int = Field(default=0, ge=0)
    """How many settings to try for each model that is tuned; 0 leaves the settings as they are."""
    seconds: float | None = Field(default=None, gt=0)
    """Begin no further trial of a model when a run has searched for so many seconds; null for no such bound."""

    @model_validator(mode="after")
    def _bounded(self) -> TuningConfig:
        if self.seconds is not None and self.trials == 0:
            raise ValueError("seconds bound a search of at most `trials` trials: set tuning.trials above 0, too")
        return self


class HoldoutConfig(FrozenConfig):
    """How rows are divided: a test slice that is read once, the latest one where rows have a time, and folds of the rest."""

    test: float = Field(default=0.20, gt=0, lt=1)
    folds: int = Field(default=5, ge=2, le=20)
    repeats: int = Field(default=5, ge=1, le=50)
    """How often rows without a time are folded; in order of time there is one way. Where nobody sets folds or repeats, tables of
    many rows have fewer: see ``evaluation.fold_counts``."""
    rows: int = Field(default=100_000, ge=1_000)
    """Folds are of so many rows at most; of more, a sample is drawn."""


class EvaluationConfig(FrozenConfig):
    """How the final reading is taken."""

    bootstrap_samples: int = Field(default=200, ge=20)
    shap_rows: int = Field(default=1000, ge=50)


class TrainingConfig(FrozenConfig):
    """What the settings of every family's training have."""

    PURPOSE: ClassVar[str] = ""
    """What the training is for, for who chooses a pipeline."""
    FEW_ROWS: ClassVar[int] = 20_000
    """So many simulated rows are enough to show something with."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    data: DataConfig = DataConfig()
    tuning: TuningConfig = TuningConfig()
    refit: bool = False
    """Whether the model that is delivered is fitted on all rows, the test slice among them, after that has been read."""
    gate: GateConfig = GateConfig()
    serving: ServingConfig = ServingConfig()
    keep: KeepConfig = KeepConfig()


PipelineConfig = TypeVar("PipelineConfig", bound=TrainingConfig)


def where_unset(config: Config, values: Mapping[str, Any]) -> Config:
    """Return settings with ``values`` in place of those that nobody has set; what was set stays, even at its default."""
    return config.model_copy(update={name: value for name, value in values.items() if name not in config.model_fields_set})


AFTERWARDS = frozenset({"serving", "keep"})
"""Settings of what is done with a model that is made."""


def plain_settings(config: TrainingConfig, *parts: str) -> dict[str, Any]:
    """Return the settings of some parts, or of all that make the model, as JSON has them.

    A step of any family takes them so: of an object, ZenML keeps what was set, and must know of what type it is.
    """
    return config.model_dump(mode="json", include=set(parts) or None, exclude=set(AFTERWARDS))


def set_ones(config: BaseModel) -> dict[str, Any]:
    """Return what somebody has set of some settings, as JSON has it: ZenML keeps of an object all, as if all of it was set."""
    return config.model_dump(mode="json", exclude_unset=True)


def without_afterwards(config: PipelineConfig) -> PipelineConfig:
    """Return the settings that make the model: what is done with it afterwards must not make it anew."""
    return config.model_copy(update={"serving": ServingConfig(), "keep": KeepConfig()})


def load_config(kind: type[Config], files: Iterable[Path] = (), assignments: Iterable[str] = ()) -> Config:
    """Build a config from YAML files (later ones win) and ``key.sub=value`` assignments (which win over files).

    Raises
    ------
    UsageError
        A file that is missing or not YAML, an unknown key (the message lists the known ones), a value out of range.
    """
    merged: dict[str, Any] = {}
    for file in files:
        _merge(merged, _read_yaml(file))
    for assignment in assignments:
        _merge(merged, _parse_assignment(assignment))
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        raise UsageError(*_explain(kind, error)) from error


def known_keys(kind: type[BaseModel], prefix: str = "") -> list[str]:
    """Return every settable key of a config, dotted."""
    keys: list[str] = []
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += known_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _read_yaml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise UsageError(f"There is no config file '{file}'.", "Name an existing YAML file with --config.")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place else ""
        raise UsageError(f"'{file}' is not valid YAML{where}.", "Correct it, or leave --config away.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"'{file}' must hold keys and values.", "See the pipelines' own YAML files for examples.")
    return content


def _parse_assignment(assignment: str) -> dict[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"'{assignment}' is not an assignment.", "Write --set key=value, such as --set data.rows=20000.")
    try:
        value = yaml.safe_load(text) if text else None
    except yaml.YAMLError as error:
        raise UsageError(f"The value in '{assignment}' is not valid YAML.", "Quote it if it holds special characters.") from error
    nested: Any = value
    for part in reversed(key.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _merge(into: dict[str, Any], new: dict[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _explain(kind: type[BaseModel], error: ValidationError) -> tuple[str, str]:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "config"
    if first["type"] == "extra_forbidden":
        known = known_keys(kind)
        return f"Unknown key '{key}'.", f"{_nearest_key(key, known)}Known keys: {', '.join(known)}."
    if first["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
        near = did_you_mean(str(first["input"]), choices)
        return f"Bad value for '{key}': {first['msg']} (given: {first['input']!r}).", f"{near}Correct it and run again."
    return f"Bad value for '{key}': {first['msg']} (given: {first['input']!r}).", "Correct it and run again."


def _nearest_key(key: str, known: list[str]) -> str:
    """Name the key most like the one given; one that only lacks its section, such as ``rounds``, is found by its last part."""
    last = key.rpartition(".")[2]
    inside = [name for name in known if name.rpartition(".")[2] == last]
    if len(inside) == 1:
        return f"Did you mean '{inside[0]}'? "
    return did_you_mean(key, known)
