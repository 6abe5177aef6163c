"""Feature definitions as portable SQL, the engines that run them, and the feature store."""
