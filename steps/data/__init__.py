"""Steps that any pipeline on tables shares: load, check, build features, split."""
