"""The model whose answers are judged, with what was kept of its training to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from fusionguard.data.table import Table
from fusionguard.errors import StorageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import Report
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.outcomes import Gap
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.calibration import CalibrationLine, fit_line
from fusionguard.monitoring.reference_rows import FILE as REFERENCE_FILE
from fusionguard.registry.aliases import resolve_bundle

EVALUATION = "evaluation.json"


@dataclass(frozen=True)
class Champion:
    """A registered model.

    Parameters
    ----------
    bundle
        Its bundle, whose files have been checked.
    folder
        Where its training left reports in this home; it need not exist.
    """

    bundle: Bundle
    folder: Path

    @classmethod
    def of(cls, home: Home, bundle: Bundle) -> Champion:
        """Return the model of a bundle that has been opened."""
        return cls(bundle, home.models / f"{family_of(bundle).model}-{bundle.version}")

    @property
    def family(self) -> ModelFamily:
        """Its family."""
        return family_of(self.bundle)

    @property
    def reference_rows(self) -> Table | None:
        """The rows that its training kept, or None."""
        file = self.folder / REFERENCE_FILE
        return Table(file) if file.is_file() else None

    def evaluation(self) -> Report | None:
        """Return the report on its test slice, or None where this home does not have it.

        Raises
        ------
        StorageError
            The report is damaged.
        """
        file = self.folder / EVALUATION
        if not file.is_file():
            return None
        try:
            return self.family.report.model_validate_json(file.read_bytes())
        except ValidationError as error:
            raise StorageError(f"'{file}' is damaged or of another version.", "Train the model again with run.py.") from error

    def baseline(self) -> dict[str, Interval]:
        """Return the metrics on its test slice; none where they are not known."""
        report = self.evaluation()
        return dict(report.metrics) if report is not None else {}

    def metric_labels(self) -> dict[str, str]:
        """Return its metrics' names for people; none where its report is not here."""
        report = self.evaluation()
        return dict(report.metric_labels) if report is not None else {}

    def gaps(self) -> tuple[Gap, ...]:
        """Return the gaps between groups on its test slice, where there are groups and they are known."""
        report = self.evaluation()
        return self.family.outcomes.gaps(report) if report is not None else ()

    def calibration(self) -> CalibrationLine | None:
        """Return what its test slice shows of its probabilities, from the bins of its report; None where that is not known."""
        report = self.evaluation()
        if report is None:
            return None
        bins = self.family.outcomes.reliability(report)
        if not bins:  # of a model that says 0 of every row
            return None
        predicted, rows, positives = np.array(bins, dtype=np.float64).T
        return fit_line(positives, rows, predicted, source="the champion's evaluation")


def find_champion(home: Home, model: str, version: str = "champion") -> Champion:
    """Return a registered version of a model; ``model`` may name it itself, as ``NAME@3`` does, and then that one is meant.

    Raises
    ------
    UsageError, RegistryError, BundleError
        As :func:`~fusionguard.registry.aliases.resolve_bundle` says.
    """
    return Champion.of(home, resolve_bundle(home, model if "@" in model else f"{model}@{version}"))
