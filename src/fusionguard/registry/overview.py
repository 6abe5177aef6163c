"""A model's versions beside each other, and how its aliases came to where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fusionguard.home import Home
from fusionguard.registry.history import AliasMove, list_moves
from fusionguard.registry.model_names import model_names, registered_name
from fusionguard.registry.stored import stored_metrics
from fusionguard.registry.tracking import open_store, registry_errors
from fusionguard.registry.versions import RegisteredVersion, list_versions

MAIN_METRIC = "test_average_precision"
"""The metric that the gate decides by, as runs log it; its interval's bounds end in ``_low`` and ``_high``."""

_READ = (MAIN_METRIC, f"{MAIN_METRIC}_low", f"{MAIN_METRIC}_high")
_RUNS_A_TIME = 100


def reading_text(value: float | None, low: float | None, high: float | None) -> str:
    """Return ``0.781 (0.702 to 0.853)``, or a dash without a value."""
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


@dataclass(frozen=True)
class Measured:
    """A version with its main metric on the test rows and the interval of that; null where its run has none."""

    version: RegisteredVersion
    value: float | None
    low: float | None
    high: float | None

    def text(self) -> str:
        """Return ``0.781 (0.702 to 0.853)``, or a dash without a value."""
        return reading_text(self.value, self.low, self.high)


@dataclass(frozen=True)
class Overview:
    """What the registry knows of a model, oldest first."""

    name: str
    versions: tuple[Measured, ...]
    moves: tuple[AliasMove, ...]

    def unexplained(self) -> dict[str, int]:
        """Return the aliases, with their versions, whose last move nobody has kept: another program set them."""
        last = {move.alias: move.after for move in self.moves}
        now = {alias: each.version.version for each in self.versions for alias in each.version.aliases}
        return {alias: version for alias, version in sorted(now.items()) if last.get(alias) != version}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "model": self.name,
            "versions": [
                {
                    **each.version.model_dump(mode="json", exclude={"name", "created"}),
                    MAIN_METRIC: {"value": each.value, "low": each.low, "high": each.high},
                }
                for each in self.versions
            ],
            "alias_moves": [move.model_dump(mode="json") for move in self.moves],
            "aliases_moved_by_others": self.unexplained(),
        }


def read_overview(home: Home, model: str) -> Overview:
    """Return a model's versions with their main metric, and the history of its aliases; raises :class:`RegistryError`."""
    versions = list_versions(home, model)
    metrics = _metrics(home, registered_name(model), [version.run_id for version in versions])
    measured = tuple(Measured(version, *(metrics.get(version.run_id, {}).get(name) for name in _READ)) for version in versions)
    return Overview(registered_name(model), measured, tuple(list_moves(home, model)))


def _metrics(home: Home, name: str, runs: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the main metric and its bounds, by run; a run that has been removed has none."""
    stored = stored_metrics(home, name, _READ)
    if stored is not None:
        return stored
    client, known = open_store(home), model_names(home)
    found: dict[str, dict[str, float]] = {}
    with registry_errors(home.mlflow_uri):
        experiments = [client.get_experiment_by_name(registered_name(model)) for model in known]
        places = [experiment.experiment_id for experiment in experiments if experiment is not None]
        for start in range(0, len(runs), _RUNS_A_TIME):
            named = ", ".join(f"'{run}'" for run in runs[start : start + _RUNS_A_TIME])
            for run in client.search_runs(places, f"attributes.run_id IN ({named})", max_results=_RUNS_A_TIME):
                found[run.info.run_id] = run.data.metrics
    return found
