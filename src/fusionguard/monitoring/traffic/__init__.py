"""Simulated traffic: rows that a running service scores, with a drift of a known kind and size, and their outcomes."""

from fusionguard.monitoring.traffic.drifts import drift_rows
from fusionguard.monitoring.traffic.driver import SIMULATED_PREFIX, Traffic, TrafficError, TrafficReport, drive
from fusionguard.monitoring.traffic.kinds import DEFAULT_SIZES, Drift
from fusionguard.monitoring.traffic.stream import traffic_rows

__all__ = [
    "DEFAULT_SIZES",
    "SIMULATED_PREFIX",
    "Drift",
    "Traffic",
    "TrafficError",
    "TrafficReport",
    "drift_rows",
    "drive",
    "traffic_rows",
]
