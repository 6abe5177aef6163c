"""Where FusionGuard keeps things: one object that knows every folder, so that no other module builds a path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders of one installation, all under ``root``."""

    root: Path

    @property
    def raw(self) -> Path:
        """Data as it came from its source, one folder a data set."""
        return self.root / "data" / "raw"

    @property
    def processed(self) -> Path:
        """Raw data as typed parquet, one folder a content."""
        return self.root / "data" / "processed"

    @property
    def feature_store(self) -> Path:
        """Typed feature tables with their manifests."""
        return self.root / "data" / "feature_store"

    @property
    def state(self) -> Path:
        """What runs leave behind: MLflow's database, ZenML's artifacts."""
        return self.root / ".fusionguard"

    @property
    def models(self) -> Path:
        """What each run is kept for, one folder a model version: the bundle, the model card, the reports."""
        return self.state / "models"

    @property
    def studies(self) -> Path:
        """Optuna's studies, one append-only file each: a search that was interrupted goes on from here."""
        return self.state / "studies"

    @property
    def predictions(self) -> Path:
        """The prediction log of services that were started here."""
        return self.state / "predictions"

    @property
    def online(self) -> str:
        """Where services remember earlier rows: ``FUSIONGUARD_SERVE_STATE`` where it is set, else a folder under ``state``."""
        return os.environ.get("FUSIONGUARD_SERVE_STATE") or str(self.state / "online")

    @property
    def monitoring(self) -> Path:
        """Verdicts, their pages and alerts, one folder a model."""
        return self.state / "monitoring"

    @property
    def assistant_index(self) -> Path:
        """What the assistant knows: one SQLite file, built by ``make index`` and by each run."""
        return self.state / "assistant" / "index.sqlite"

    @property
    def work(self) -> Path:
        """Files of the run at work, removed when it ends."""
        return self.state / "work"

    @property
    def running(self) -> Path:
        """A mark for each run at work, which its process holds locked; one that nobody holds is of a process that died."""
        return self.state / "running"

    @property
    def mlflow_uri(self) -> str:
        """The tracking store: ``MLFLOW_TRACKING_URI`` where it is set, else an SQLite file under ``state``."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.state / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        """Where MLflow puts artifacts when its store is the SQLite file."""
        return self.state / "mlartifacts"


def find_home() -> Home:
    """Return the home: ``FUSIONGUARD_HOME`` where it is set, else the checkout this package runs from, else here."""
    named = os.environ.get("FUSIONGUARD_HOME")
    if named:
        return Home(Path(named).expanduser().resolve())
    return Home(find_checkout() or Path.cwd())


def find_checkout() -> Path | None:
    """Return the checkout that this package runs from, or None where it is installed without one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "run.py").is_file() else None
