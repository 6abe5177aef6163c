"""What starting costs: each command's, and what a run imports."""
