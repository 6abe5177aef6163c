"""Monitoring: what changed since a model was trained, whether it matters, and what to do. Statistics alone: it reads no log."""
