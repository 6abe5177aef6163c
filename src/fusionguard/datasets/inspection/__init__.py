"""A first look at any table: what its columns may mean and why, what spoils models, and a draft of its declaration."""
