"""The settings of a run: frozen models read once at the edge, where an unknown key is an error that lists the known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fusionguard.errors import UsageError, did_you_mean
from fusionguard.fairness_config import FairnessConfig as FairnessConfig
from fusionguard.keep_config import KeepConfig

Config = TypeVar("Config", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(_Frozen):
    """What is read and how features are made."""

    source: str = "auto"
    """``auto``, ``kaggle``, ``simulated``, or the path of a file or folder in Kaggle's layout."""
    rows: int = Field(default=284_807, ge=5_000)
    """Rows to simulate; other sources are read whole. Fewer than 5,000 hold too few frauds for the four slices."""
    engine: Literal["duckdb", "spark"] = "duckdb"


class SplitConfig(_Frozen):
    """The shares of the rows, in order of time, that each slice gets."""

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


class XGBoostConfig(_Frozen):
    """Gradient-boosted trees; names are XGBoost's own."""

    rounds: int = Field(default=300, ge=1)
    num_parallel_tree: int = Field(default=8, ge=1, le=1000)
    """Trees of each round, whose mean is the round's step: more make the model less a draw of its seed, and take longer."""
    early_stopping_rounds: int | None = Field(default=None, ge=1)
    """Stop after so many rounds without a better average precision on validation; null keeps every round, because with few frauds
    there, when it is best is a matter of luck."""
    learning_rate: float = Field(default=0.06, gt=0, le=1)
    max_depth: int = Field(default=3, ge=1, le=16)
    min_child_weight: float = Field(default=0.01, ge=0)
    """Small, because a rare class has small second derivatives: XGBoost's own 1.0 forbids leaves of nothing but fraud."""
    subsample: float = Field(default=0.7, gt=0, le=1)
    colsample_bytree: float = Field(default=0.3, gt=0, le=1)
    reg_lambda: float = Field(default=5.0, ge=0)
    max_bin: int = Field(default=256, ge=16)


class AutoencoderConfig(_Frozen):
    """A small symmetric network with a real bottleneck, trained on legitimate rows."""

    latent_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(2, 4, 8), min_length=1)
    """Candidates for the bottleneck; validation chooses."""
    hidden_size: int = Field(default=20, ge=2)
    epochs: int = Field(default=40, ge=1)
    patience_epochs: int = Field(default=2, ge=1)
    minimum_gain: float = Field(default=0.01, ge=0, lt=1)
    """An epoch counts as better where it lowers the validation loss by at least this share."""
    batch_rows: int = Field(default=1024, ge=16)
    learning_rate: float = Field(default=0.005, gt=0)


class PolicyConfig(_Frozen):
    """What a decision costs, in the currency of ``Amount``."""

    review_cost: float = Field(default=3.0, gt=0)
    """Cost of looking at one alert."""
    alerts_per_day: int | None = Field(default=None, ge=1)
    """How many alerts a day the analysts can look at; null for no limit."""


class EvaluationConfig(_Frozen):
    """How the final reading is taken."""

    bootstrap_samples: int = Field(default=200, ge=20)
    top_alerts_per_day: int = Field(default=100, ge=1)
    false_positive_rate: float = Field(default=0.001, gt=0, lt=1)
    shap_rows: int = Field(default=2000, ge=50)


class GateConfig(_Frozen):
    """When a challenger replaces the champion."""

    probability_better: float = Field(default=0.8, ge=0.5, le=1)
    """Share of paired bootstrap draws in which the challenger's average precision must be higher, or its log loss lower where
    the two rank alike. A model that is calibrated worse is not promoted at any share."""


ServingRelease = Literal["none", "folder", "bento"]


class ServingConfig(_Frozen):
    """What a run does for the service."""

    release: ServingRelease = "none"
    """After a promotion, ``folder`` writes the release that ``fusionguard serve`` answers with, ``bento`` builds the Bento."""


class TuningConfig(_Frozen):
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


class FraudConfig(_Frozen):
    """Every setting of the fraud pipeline."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    xgboost: XGBoostConfig = XGBoostConfig()
    tuning: TuningConfig = TuningConfig()
    refit: bool = False
    """Whether the trees that are delivered are fitted on all rows, the test slice among them, after that has been read."""
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    policy: PolicyConfig = PolicyConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    gate: GateConfig = GateConfig()
    serving: ServingConfig = ServingConfig()
    keep: KeepConfig = KeepConfig()


class ChurnDataConfig(_Frozen):
    """What is read and how features are made."""

    source: str = "auto"
    """``auto``, ``kaggle``, ``simulated``, or the path of a file or folder in Kaggle's layout."""
    rows: int = Field(default=10_000, ge=1_000)
    """Rows to simulate; other sources are read whole."""
    engine: Literal["duckdb", "spark"] = "duckdb"


class HoldoutConfig(_Frozen):
    """How rows without a time axis are divided: a test slice that is read once, and folds of the rest."""

    test: float = Field(default=0.20, gt=0, lt=1)
    folds: int = Field(default=5, ge=2, le=20)
    repeats: int = Field(default=5, ge=1, le=50)


class LightGBMConfig(_Frozen):
    """Leaf-wise boosted trees; names are LightGBM's own. The defaults are few small trees: what searches find ties with them."""

    rounds: int = Field(default=150, ge=1)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=8, ge=2)
    min_child_samples: int = Field(default=20, ge=1)
    subsample: float = Field(default=1.0, gt=0, le=1)
    colsample_bytree: float = Field(default=0.5, gt=0, le=1)
    reg_lambda: float = Field(default=0.0, ge=0)
    min_split_gain: float = Field(default=0.0, ge=0)
    path_smooth: float = Field(default=0.0, ge=0)


class CatBoostConfig(_Frozen):
    """Symmetric boosted trees; names are CatBoost's own, but for ``rounds`` (its ``iterations``)."""

    rounds: int = Field(default=262, ge=1)
    learning_rate: float = Field(default=0.0325, gt=0, le=1)
    depth: int = Field(default=4, ge=1, le=10)
    l2_leaf_reg: float = Field(default=1.0, ge=0)
    rsm: float = Field(default=0.41, gt=0, le=1)
    random_strength: float = Field(default=0.43, ge=0)
    bagging_temperature: float = Field(default=1.57, ge=0)
    border_count: int = Field(default=64, ge=1, le=254)


class RetentionConfig(_Frozen):
    """What keeping a customer is worth and what trying costs, in the currency of ``Balance``."""

    base_value: float = Field(default=100.0, ge=0)
    """Value of a customer who stays, whatever the balance."""
    balance_margin: float = Field(default=0.0013, ge=0)
    """Value of a customer who stays, for each unit of balance."""
    offer_cost: float = Field(default=10.0, gt=0)
    """Cost of an offer that is taken: by each customer who would have stayed anyway, and by those it keeps."""
    contact_cost: float = Field(default=1.0, ge=0)
    """Cost of contacting a customer."""
    acceptance_alpha: float = Field(default=6.0, gt=1)
    acceptance_beta: float = Field(default=14.0, gt=1)
    """The chance that a leaving customer takes the offer and stays is Beta(alpha, beta): 0.3 on average."""
    contacts: int | None = Field(default=None, ge=1)
    """How many of every 1,000 customers can be contacted; null for no limit."""


class ChurnEvaluationConfig(_Frozen):
    """How the final reading is taken."""

    bootstrap_samples: int = Field(default=200, ge=20)
    shap_rows: int = Field(default=1000, ge=50)


class ChurnConfig(_Frozen):
    """Every setting of the churn pipeline."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    data: ChurnDataConfig = ChurnDataConfig()
    holdout: HoldoutConfig = HoldoutConfig()
    lightgbm: LightGBMConfig = LightGBMConfig()
    catboost: CatBoostConfig = CatBoostConfig()
    tuning: TuningConfig = TuningConfig()
    refit: bool = True
    """Whether the model that is delivered is fitted on all rows, the test slice among them, after that has been read."""
    retention: RetentionConfig = RetentionConfig()
    fairness: FairnessConfig = FairnessConfig()
    evaluation: ChurnEvaluationConfig = ChurnEvaluationConfig()
    gate: GateConfig = GateConfig()
    serving: ServingConfig = ServingConfig()
    keep: KeepConfig = KeepConfig()


PipelineConfig = TypeVar("PipelineConfig", FraudConfig, ChurnConfig)


BUNDLE_SETTINGS: dict[str, dict[str, Any]] = {
    "fraud": {
        **dict.fromkeys(("split", "xgboost", "autoencoder", "policy"), True),
        "evaluation": {"top_alerts_per_day", "false_positive_rate"},
    },
    "churn": dict.fromkeys(("holdout", "lightgbm", "catboost", "retention", "fairness"), True),
}
"""By model, the settings that a bundle holds, as pydantic's ``include`` takes them: what made the model, and what it is judged by
in service, such as the limits of fairness. How many draws an interval takes is neither."""

AFTERWARDS = frozenset({"serving", "keep"})
"""Settings of what is done with a model that is made."""


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
        raise UsageError(f"'{file}' must hold keys and values.", "See pipelines/fraud.yaml for an example.")
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
