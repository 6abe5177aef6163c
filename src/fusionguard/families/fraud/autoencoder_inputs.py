"""What the autoencoder rebuilds: the measured numbers among the features, on a common scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusionguard.features.definition import FeatureDefinition

CLIP = 10.0
"""Standardised inputs are cut to this many standard deviations, so that one wild value does not rule the loss."""


@dataclass(frozen=True)
class Inputs:
    """Which features are rebuilt, k of them: those of type DOUBLE. Integers are places, such as an hour of the day, not sizes.

    Parameters
    ----------
    columns
        Their places among the features.
    amount
        The place among those k of the amount, which enters as log(1 + amount), and as 0 where it is negative; None without one.
    may_miss
        Whether a value may be missing.
    """

    columns: list[int]
    amount: int | None
    may_miss: bool

    @classmethod
    def of(cls, definition: FeatureDefinition) -> Inputs:
        """Return the inputs that a data set's features make; there may be none."""
        names = [name for name in definition.model_features if definition.column_types[name] == "double"]
        return cls(
            columns=[definition.model_features.index(name) for name in names],
            amount=names.index(definition.amount) if definition.amount in names else None,
            may_miss=any(definition.parsed_rows.outputs[name].nullable for name in names),
        )

    def latent_sizes(self, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """Return those of the sizes that are a bottleneck, less than k; 1 where none is, and nothing where k is below 2."""
        smaller = tuple(size for size in wanted if size < len(self.columns))
        return smaller or ((1,) if self.enough else ())

    @property
    def enough(self) -> bool:
        """Whether there are two at least, so that one can be told from another."""
        return len(self.columns) > 1

    def read(self, x: np.ndarray) -> np.ndarray:
        """Return the inputs (n, k) of a matrix of features (n, f)."""
        inputs = x[:, self.columns]
        if self.amount is not None:
            inputs[:, self.amount] = np.log1p(np.maximum(inputs[:, self.amount], 0))
        return inputs


@dataclass(frozen=True)
class Scaling:
    """Standardisation learned on legitimate training rows: ``mean`` (k,), ``scale`` (k,), cut at ``clip``."""

    mean: np.ndarray
    scale: np.ndarray
    clip: float

    @classmethod
    def fit(cls, inputs: np.ndarray) -> Scaling:
        """Learn it from rows (n, k); of an input without any value the mean is 0."""
        if not np.isnan(inputs).any():
            mean, deviation = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
        else:
            known = ~np.isnan(inputs)
            counts = np.maximum(known.sum(axis=0), 1)
            mean = np.where(known, inputs, 0).sum(axis=0, dtype=np.float64) / counts
            deviation = np.sqrt(np.where(known, (inputs - mean) ** 2, 0).sum(axis=0, dtype=np.float64) / counts)
        return cls(mean, np.maximum(deviation, 1e-6), CLIP)

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Return standardised rows (n, k) as float32, with the mean, 0, in place of what is missing."""
        standard = np.clip((inputs - self.mean) / self.scale, -self.clip, self.clip)
        return np.asarray(np.where(np.isnan(standard), 0, standard), dtype=np.float32)
