"""What the assistant may do besides reading its index: a few calls that change nothing, typed, listed and logged."""
