"""Monitoring: what changed since the model was trained, whether it matters, and what to do."""
