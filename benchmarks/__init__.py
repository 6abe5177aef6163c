"""What FusionGuard costs in time and memory, measured: ``python -m benchmarks`` writes docs/benchmarks.md."""
