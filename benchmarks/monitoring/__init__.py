"""Monitoring, measured: how often it alarms for nothing, how often it catches a drift, and how long millions of rows take."""
