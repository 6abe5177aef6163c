"""What finds frauds of a kind that no model has learned from."""
