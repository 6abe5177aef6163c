"""Faults of the data before the model: frozen, swapped, rounded, displaced, repeated or absent, and how they are told apart."""

from fusionguard.monitoring.faults.reading import read_faults

__all__ = ["read_faults"]
