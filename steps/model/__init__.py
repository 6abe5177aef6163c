"""Steps of any model: evaluate, explain, refit, keep rows to compare with. What differs they ask the model's family."""
