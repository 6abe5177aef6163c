"""What training left about a registered version: its readings on the test slice and the gate's verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from fusionguard.assistant.asked import AskedModel
from fusionguard.errors import StorageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.gate import FILE as GATE
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.home import Home

EVALUATION = "evaluation.json"
MAIN_METRIC = AVERAGE_PRECISION

_SIGNIFICANT = 3


class Metric(BaseModel):
    """One reading on the test slice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str
    """Its name for people."""
    text: str
    """``0.839 (0.781 to 0.887)``: the value and its 95 % interval, where there is one."""


class KnownVersion(BaseModel):
    """A registered version with what is known of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    bundle: str
    """The first 12 digits of its bundle's SHA-256."""
    aliases: tuple[str, ...]
    simulated: bool
    trained_at: datetime
    metrics: tuple[Metric, ...]
    gate: GateVerdict | None
    """The gate's last verdict on it; None where this home does not keep it."""

    @property
    def main(self) -> Metric | None:
        """The metric that the gate decides by."""
        return next((metric for metric in self.metrics if metric.name == MAIN_METRIC), None)


def know_version(home: Home, model: AskedModel, wanted: str) -> KnownVersion:
    """Read what is known of ``champion``, ``challenger``, ``latest`` or a version's number.

    Raises
    ------
    RegistryError, UnknownChoiceError
        Nothing is registered, or not that.
    StorageError
        A report of this home is damaged.
    """
    from fusionguard.registry.aliases import find_version  # MLflow takes seconds to import
    from fusionguard.registry.runs import describe_run
    from fusionguard.registry.versions import list_versions

    versions = list_versions(home, model.name) if wanted == "latest" else []
    version = versions[-1] if versions else find_version(home, f"{model.name}@{'champion' if wanted == 'latest' else wanted}")
    facts = describe_run(home, version)
    bundle = version.bundle_sha256[:12]
    return KnownVersion(
        version=version.version,
        bundle=bundle,
        aliases=version.aliases,
        simulated=version.simulated,
        trained_at=facts.began,
        metrics=_metrics(home, model, bundle, facts.metrics),
        gate=_gate(home, model, bundle),
    )


def _metrics(home: Home, model: AskedModel, bundle: str, logged: Mapping[str, float]) -> tuple[Metric, ...]:
    """Return the report's metrics, or those the registry was told where the report is not in this home."""
    file = home.models / f"{model.name}-{bundle}" / EVALUATION
    try:
        report = model.family.report.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return tuple(
            _logged(name, logged) for name in logged if name.startswith("test_") and not name.endswith(("_low", "_high"))
        )
    except ValidationError as error:
        raise StorageError(f"'{file}' is damaged or of another version.", "Train the model again with run.py.") from error
    return tuple(
        Metric(name=row.name, label=row.label, text=row.readings[report.OWN].text(row.digits))
        for row in report.table_rows()
        if row.readings[report.OWN].value is not None
    )


def _logged(name: str, logged: Mapping[str, float]) -> Metric:
    short = name.removeprefix("test_")
    reading = Interval(value=logged[name], low=logged.get(f"{name}_low"), high=logged.get(f"{name}_high"))
    return Metric(name=short, label=short.replace("_", " "), text=reading.text(_SIGNIFICANT))


def _gate(home: Home, model: AskedModel, bundle: str) -> GateVerdict | None:
    file = home.models / f"{model.name}-{bundle}" / GATE
    try:
        return GateVerdict.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StorageError(f"'{file}' is damaged or of another version.", "Train the model again with run.py.") from error
