"""How a churn model is judged: ranking, calibration, profit, fairness, and what a retention lead reads."""
