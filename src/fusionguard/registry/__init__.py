"""MLflow: tracking runs, registering bundles, and the champion and challenger aliases."""
