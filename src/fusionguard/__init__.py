"""FusionGuard: risk analytics for card fraud and customer churn, usable with or without ZenML."""

__version__ = "0.2.0"
