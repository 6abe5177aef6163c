"""Steps of the churn model: tune, cross-validate, train, evaluate, explain."""
