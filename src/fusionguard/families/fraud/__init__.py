"""The card-fraud model: XGBoost and an autoencoder, fused and calibrated by one logistic layer."""
