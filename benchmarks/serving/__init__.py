"""Measuring the scoring service against its peers: ``python -m benchmarks.serving`` writes a section of docs/fraud_serving.md."""
