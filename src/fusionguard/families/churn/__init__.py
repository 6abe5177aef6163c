"""The churn model: LightGBM and CatBoost, cross-validated, averaged where that wins, and calibrated."""
