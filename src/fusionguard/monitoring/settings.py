"""The settings of the monitoring pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fusionguard.errors import UsageError
from fusionguard.families.catalog import family_names
from fusionguard.keep_config import KeepConfig
from fusionguard.monitoring.approval import ROWS, ApprovedChange
from fusionguard.monitoring.thresholds import MonitoringThresholds

if TYPE_CHECKING:  # the catalog of pipelines loads nothing heavy
    from fusionguard.features.definition import FeatureDefinition


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_CHAMPION = "champion"


def _number_as_text(version: Any) -> Any:
    return str(version) if isinstance(version, int) and not isinstance(version, bool) else version


class WindowConfig(_Frozen):
    """Which rows of the log are judged."""

    hours: float | None = Field(default=None, gt=0)
    """The hours before ``until``; null for all that the log holds."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """Now, where it is null. Times need a zone: 2026-03-01T00:00:00Z."""
    spans: int = Field(default=10, ge=2, le=200)
    """About how many spans of equal length the window is cut into, to tell since when something is so."""

    @model_validator(mode="after")
    def _one_beginning(self) -> WindowConfig:
        if self.hours is not None and self.since is not None:
            raise ValueError("give hours or since, not both")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must lie before until")
        return self


class LabelConfig(_Frozen):
    """How outcomes come."""

    negative_after_days: float | None = Field(default=None, gt=0)
    """Where only positives are ever told, as chargebacks are: rows without a label that are as old as this count as negative."""


class HistoryConfig(_Frozen):
    """What features of earlier rows are recomputed from."""

    file: str | None = None
    """The rows that happened, those that were scored among them, as their owner has them; null where nothing is recomputed."""
    rows: int = Field(default=1_000, ge=1, le=100_000)
    """How many logged rows are recomputed, at most."""


class AlertConfig(_Frozen):
    """Who is told. A webhook is told, too, where FUSIONGUARD_WEBHOOK_URL holds its address."""

    log: bool = True
    file: bool = True
    """Append to monitoring/alerts.jsonl in the home."""
    repeat_hours: float = Field(default=24.0, ge=0)
    """The same news is not told again for so long."""


class EvidentlyConfig(_Frozen):
    """Evidently's report, which is for people: no verdict rests on it."""

    rows: int = Field(default=5_000, ge=0, le=50_000)
    """How many rows of window and reference it is made of; 0 for no report, which saves 10 to 20 seconds."""


class MonitoringConfig(_Frozen):
    """Every setting of the monitoring pipeline."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    model: str = family_names()[0]
    """Whose answers are judged, by the name of the model or of its data set; ``NAME@3`` is short for that version of it."""
    version: Annotated[str, BeforeValidator(_number_as_text)] = _CHAMPION
    """Which of its versions: an alias or a number of the registry."""
    log: str | None = None
    """The folder of the prediction log; the home's own where it is null."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What counts the window's rows: DuckDB here, or Spark (``SPARK_MASTER``, ``SPARK_REMOTE``), for logs of many millions."""
    window: WindowConfig = WindowConfig()
    labels: LabelConfig = LabelConfig()
    history: HistoryConfig = HistoryConfig()
    thresholds: MonitoringThresholds = MonitoringThresholds()
    alerts: AlertConfig = AlertConfig()
    evidently: EvidentlyConfig = EvidentlyConfig()
    approved: tuple[ApprovedChange, ...] = ()
    """Changes of the data that their owner says are meant: they are another population, and may be trained on."""
    on_drift: Literal["none", "retrain"] = "none"
    """``retrain`` trains on the window's labelled rows where the verdict advises it, and lets the gate decide."""
    training: str | None = None
    """A YAML file with settings of that training, such as ``serving.release``; they win over those the champion was made with."""
    minimum_retraining_rows: int = Field(default=1_500, ge=1_000)
    """Fewer rows with an outcome than this are not trained on."""
    minimum_retraining_positives: int = Field(default=50, ge=20)
    """Likewise of positives."""
    keep: KeepConfig = KeepConfig(runs=24)

    @model_validator(mode="before")
    @classmethod
    def _version_of_the_name(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("model"), str):
            return given
        model, at, wanted = given["model"].partition("@")
        if not at:
            return given
        version = _number_as_text(given.get("version", _CHAMPION))
        if version not in (_CHAMPION, wanted):
            raise ValueError(f"model names version {wanted or '(none)'}, and version is {version}: give one of them")
        return given | {"model": model, "version": wanted}

    def check_columns(self, features: FeatureDefinition) -> None:
        """Check that what is approved is about columns that the model reads.

        Raises
        ------
        UsageError
            It names another one.
        """
        for each in self.approved:
            unknown = each.unknown_columns(features.model_features)
            if unknown:
                columns = ROWS if each.kind == "absent_hours" else ", ".join(features.model_features)
                raise UsageError(
                    f"approved names '{', '.join(unknown)}'; of {each.kind} it may name: {columns}.",
                    "Name one of these, or leave it out.",
                )
