"""Steps of the churn model: tune, cross-validate, train, combine."""
