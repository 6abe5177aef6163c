"""What a run does: one pipeline a file, its settings beside it, and the runner that all of them share."""
