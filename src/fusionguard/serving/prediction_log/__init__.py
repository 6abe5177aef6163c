"""The prediction log: every scored row in append-only parquet, and the outcomes that arrive later."""

from fusionguard.serving.prediction_log.compaction import Compaction, compact
from fusionguard.serving.prediction_log.labels import (
    Label,
    LabelConflict,
    LabelConflictError,
    LabelReceipt,
    append_labels,
)
from fusionguard.serving.prediction_log.reader import LogWindow, UnreadablePart, count_unlogged, read_log
from fusionguard.serving.prediction_log.records import LoggedBatch, LoggedRow
from fusionguard.serving.prediction_log.schema import LOG_VERSION, Logged, LogLayout, LogVersionError, log_layout, log_schema
from fusionguard.serving.prediction_log.stats import LOST, LogStats
from fusionguard.serving.prediction_log.writer import PredictionLog

__all__ = [
    "LOG_VERSION",
    "LOST",
    "Compaction",
    "Label",
    "LabelConflict",
    "LabelConflictError",
    "LabelReceipt",
    "LogLayout",
    "LogStats",
    "LogVersionError",
    "LogWindow",
    "Logged",
    "LoggedBatch",
    "LoggedRow",
    "PredictionLog",
    "UnreadablePart",
    "append_labels",
    "compact",
    "count_unlogged",
    "log_layout",
    "log_schema",
    "read_log",
]
