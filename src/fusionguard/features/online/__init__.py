"""What a running service remembers of its entities: the memories of a declaration's windows, kept up to date event by event."""
