"""The models over HTTP: requests checked, rows scored, answers explained, and all of it logged."""
