"""What the steps of a training ask of a family: how its models are read, explained, refitted and described."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from fusionguard.config import TrainingConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.card.inputs import CardInputs, PageBeside
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.report import Report
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle


class FamilyTraining(ABC):
    """A family as its training knows it."""

    LIBRARIES: ClassVar[tuple[str, ...]]
    """Those that make the model, whose versions the card tells."""
    FLAGGED_FILE: ClassVar[str | None] = None
    """The file of the model's folder that lists flagged rows of the test slice for people, where the family gives them one."""

    @abstractmethod
    def evaluate(
        self, bundle: Bundle, rows: TrainingRows, scores: Table, folds: CrossValidation | None, config: TrainingConfig
    ) -> Report:
        """Take the final reading on the test slice.

        Parameters
        ----------
        scores
            What the training left to compare with: what references make of the test slice, or out-of-fold scores of all models.
        folds
            What cross-validation said, of families that are cross-validated.
        """

    @abstractmethod
    def plots(self, report: Report) -> dict[str, bytes]:
        """Return the plots of a reading as PNG bytes by name."""

    @abstractmethod
    def flagged_rows(self, bundle: Bundle, rows: TrainingRows, raw: Table, *, most: int) -> pa.Table:
        """List flagged rows of the test slice with their reasons, those that matter most first.

        Parameters
        ----------
        raw
            The raw table, which may carry what its owner calls the rows.
        most
            How many are listed where explaining one takes long.
        """

    @abstractmethod
    def refit(self, destination: Path, evaluated: Bundle, rows: TrainingRows, config: TrainingConfig) -> Bundle:
        """Fit the model on all rows, the test slice among them, and keep beside it the one that was read."""

    @abstractmethod
    def card_inputs(self, bundle: Bundle, facts: Mapping[str, Any]) -> CardInputs:
        """Return what the card is written from: the facts of the run, and what training found as the bundle tells it."""

    @abstractmethod
    def write_card(self, inputs: CardInputs, *, image_folder: str | None = None) -> str:
        """Write the model card; ``image_folder`` is where the plots lie, relative to it: without it the text has none."""

    def pages_beside(self, inputs: CardInputs, bundle: Bundle, rows: TrainingRows) -> dict[str, PageBeside]:
        """Return what a family writes beside the card, by name."""
        return {}
