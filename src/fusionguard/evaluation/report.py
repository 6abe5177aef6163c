"""The final reading of a model of any family, as one object that plots, card, gate and console share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, PairedDifference
from fusionguard.evaluation.gate import BAR_OF_THE_FIRST, GateFacts
from fusionguard.evaluation.readings import AVERAGE_PRECISION

_DRAWS = ("bootstrap_samples", "seed")


class ReportPart(BaseModel):
    """Some of a report; a part of it that this version does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class TableRow:
    """One metric of the final table: its name for people and its reading by model, the family's own model first."""

    name: str
    label: str
    readings: dict[str, Interval]
    digits: int


class Report(ReportPart):
    """Everything read on the test rows; a family adds what it alone reads."""

    OWN: ClassVar[str]
    """What readings call the family's own model."""

    origin: Origin
    test: ReportPart
    """The rows the reading was taken on."""
    metric_labels: dict[str, str]
    metrics: dict[str, Interval]
    """The own model's readings by metric, in the order of ``metric_labels``."""
    references: dict[str, dict[str, Interval]]
    """The same for each reference model."""
    gains: dict[str, PairedDifference]
    """The own model's average precision over each reference's, on the same draws."""
    bootstrap_samples: int
    seed: int

    @model_serializer(mode="wrap")
    def _draws_last(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep what every report ends with behind what a family adds: fields of a base class would come before."""
        values: dict[str, Any] = dump(self)
        return {name: values[name] for name in sorted(values, key=_DRAWS.__contains__)}

    @abstractmethod
    def _digits(self, metric: str) -> int:
        """Return how many decimals a metric is worth printing with."""

    @property
    @abstractmethod
    def test_rows(self) -> int:
        """How many rows the reading was taken on."""

    @property
    @abstractmethod
    def test_positives(self) -> int:
        """How many of them are positive."""

    @property
    def simulated(self) -> bool:
        """Whether the rows were made by the simulator."""
        return self.origin == "simulated"

    def value(self, metric: str, model: str | None = None) -> float:
        """Return one reading, of the own model unless another is named; raise :class:`DataError` where it has no value."""
        model = model or self.OWN
        reading = self.readings()[model][metric]
        if reading.value is None:
            raise DataError(f"There is no {self.metric_labels[metric]} of the {model}: {reading.reason}.", "See the report.")
        return reading.value

    def readings(self) -> dict[str, dict[str, Interval]]:
        """Return the readings of every model by its name, the own model first."""
        return {self.OWN: self.metrics, **self.references}

    def table_rows(self) -> list[TableRow]:
        """Return the final table: one row a metric, with value and interval for the own model and each reference."""
        return [
            TableRow(name, label, {model: read[name] for model, read in self.readings().items()}, self._digits(name))
            for name, label in self.metric_labels.items()
        ]

    def flat_metrics(self) -> dict[str, float]:
        """Return what an experiment tracker stores: ``test_NAME``, its bounds, the references' values, and what a family adds."""
        named: dict[str, Mapping[str, Interval]] = {self._prefix(model, "test"): read for model, read in self.readings().items()}
        named |= self._more_readings()
        flat: dict[str, float] = {}
        for prefix, read in named.items():
            for name, reading in read.items():
                for suffix, number in (("", reading.value), ("_low", reading.low), ("_high", reading.high)):
                    if number is not None:
                        flat[f"{prefix}{name}{suffix}"] = number
        return flat

    def flat_facts(self) -> dict[str, float]:
        """Return what runs are compared by: the model's own test metrics with their bounds, as in :meth:`flat_metrics`."""
        return {name: value for name, value in self.flat_metrics().items() if name.startswith("test_")}

    def gate_facts(self) -> GateFacts:
        """Return what the gate must know; raise :class:`DataError` where the average precision has no value."""
        own = self.readings()[self.OWN][AVERAGE_PRECISION]
        return GateFacts(
            own=self.value(AVERAGE_PRECISION),
            interval=None if own.low is None or own.high is None else (own.low, own.high),
            positives=self.test_positives,
            bar=self.value(AVERAGE_PRECISION, BAR_OF_THE_FIRST) if BAR_OF_THE_FIRST in self.references else None,
            test_seconds=self._test_seconds(),
            refusals=self._refusals(),
        )

    def _more_readings(self) -> Mapping[str, Mapping[str, Interval]]:
        """Return what a family's tracker metrics hold besides those of the test rows, by the beginning of their names."""
        return {}

    def _test_seconds(self) -> tuple[int, int] | None:
        """Return the first and the last second of the test rows, or None where rows have no time."""
        return None

    def _refusals(self) -> tuple[str, ...]:
        """Return whole sentences, each of which forbids that this model becomes champion."""
        return ()

    def to_json(self) -> str:
        """Return the report as JSON text, the same for the same readings."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def _prefix(cls, model: str, reading: str) -> str:
        """Return how the tracker's names of a model's readings begin: ``test_``, or with the name of a reference before it."""
        return f"{reading}_" if model == cls.OWN else f"{model.lower().replace(' ', '_')}_{reading}_"
