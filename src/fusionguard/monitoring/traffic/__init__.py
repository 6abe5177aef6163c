"""Simulated traffic: rows that a running service scores, with a drift of a known kind and size, and their outcomes."""

from fusionguard.data.drifting import Drift
from fusionguard.monitoring.traffic.drifts import drift_rows, traffic_rows, usual_size
from fusionguard.monitoring.traffic.driver import SIMULATED_PREFIX, Traffic, TrafficError, TrafficReport, drive

__all__ = [
    "SIMULATED_PREFIX",
    "Drift",
    "Traffic",
    "TrafficError",
    "TrafficReport",
    "drift_rows",
    "drive",
    "traffic_rows",
    "usual_size",
]
