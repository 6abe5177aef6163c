"""How good untuned defaults are on tables that nobody tuned them to: ``python -m benchmarks.declared`` writes a table of it."""
