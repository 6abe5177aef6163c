"""From a window to its verdict as the pipeline's steps reach it, without ZenML."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.earlier_spans import against_earlier_spans
from fusionguard.monitoring.estimate import PerformanceEstimate, estimate_performance
from fusionguard.monitoring.multivariate import classifier_test
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.reference_rows import kept_reference
from fusionguard.monitoring.score_groups import group_window
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import Sketch, read_sketch
from fusionguard.monitoring.verdict import Verdict, decide

SETTINGS = MonitoringConfig()


@dataclass(frozen=True)
class Judge:
    """A champion with what its windows are compared with."""

    champion: Champion
    model: ScoringModel
    reference: Reference

    @classmethod
    def of(cls, champion: Champion) -> Judge:
        """Load the model and read its reference rows."""
        model = family_of(champion.bundle).load(champion.bundle)
        with tempfile.TemporaryDirectory() as scratch:
            rows = champion.reference_rows
            reference = kept_reference(champion.bundle, rows, scratch=Path(scratch), seed=SETTINGS.seed)
        return cls(champion, model, reference)

    @property
    def _made_of(self) -> dict[str, tuple[str, ...]]:
        return self.reference.family.features.made_of

    def of_rows(self, rows: pa.Table) -> tuple[Verdict, PerformanceEstimate]:
        """Judge a window that is in memory."""
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "window.parquet"
            pq.write_table(rows, file)
            return self.of_table(Table(file))

    def of_rows_alone(self, rows: pa.Table) -> Verdict:
        """Judge a window without its outcomes and the classifier: a recognised fault of the data comes before both."""
        with tempfile.TemporaryDirectory() as scratch:
            sketch = read_sketch(rows, self.reference, scratch=Path(scratch), seed=SETTINGS.seed)
            reference = self._usual(sketch, Path(scratch))
        return decide(read_drift(sketch, reference, SETTINGS.thresholds), made_of=self._made_of)

    def of_table(self, window: Table, *, engine: str = "duckdb") -> tuple[Verdict, PerformanceEstimate]:
        """Judge a window in a file; the estimate of its metrics is made as if none of its outcomes were known."""
        limits = SETTINGS.thresholds
        with tempfile.TemporaryDirectory() as scratch:
            sketch = read_sketch(window, self.reference, scratch=Path(scratch), seed=SETTINGS.seed, engine=engine)
            reference = self._usual(sketch, Path(scratch))
        drift = read_drift(sketch, reference, limits)
        classifier = classifier_test(sketch, reference, limits, seed=SETTINGS.seed)
        measured = read_outcomes(window, self.model, self.champion, SETTINGS)
        # An estimate is for the time before labels come: it must not see those of this window.
        estimated = estimate_performance(
            group_window(window, self.reference.family.flagged),
            evaluated=self.champion.calibration(),
            drift=drift.findings,
            thresholds=limits,
            seed=SETTINGS.seed,
        )
        verdict = decide(drift, classifier=classifier, performance=measured, estimate=estimated, made_of=self._made_of)
        return verdict, estimated

    def _usual(self, sketch: Sketch, scratch: Path) -> Reference:
        """Return the reference with what its features of what happened before are judged by, as the pipeline judges them."""
        kept, rows = self.champion.reference_rows, sketch.total.rows
        limits, seed = SETTINGS.thresholds, SETTINGS.seed
        return against_earlier_spans(self.reference, kept, rows, scratch=scratch, thresholds=limits, seed=seed)


def true_roc_auc(rows: pa.Table) -> float:
    """Return the ROC AUC of a window's scores, from its outcomes."""
    from fusionguard.evaluation.metrics import roc_auc

    label = rows["label"].to_numpy()
    return float(roc_auc(label, rows["score"].to_numpy(), np.ones(label.size)))
