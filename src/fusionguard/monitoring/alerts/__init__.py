"""Alerts: one message a change of the verdict, told on every channel once, and kept until it is."""

from fusionguard.monitoring.alerts.alert import Alert, Level
from fusionguard.monitoring.alerts.channels import AlertChannel, AlertError, FileChannel, LogChannel
from fusionguard.monitoring.alerts.delivery import Delivery, deliver
from fusionguard.monitoring.alerts.webhook import WebhookChannel

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertError",
    "Delivery",
    "FileChannel",
    "Level",
    "LogChannel",
    "WebhookChannel",
    "deliver",
]
