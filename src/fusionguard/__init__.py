"""FusionGuard: risk analytics for card fraud and customer churn, usable with or without ZenML."""

import os

__version__ = "0.2.0"

# ONNX Runtime keeps an identifier of the machine and sends usage statistics from the moment it is imported, unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
