"""How good a model is: splits, metrics with intervals, decision policy, explanation, gate and model card."""
