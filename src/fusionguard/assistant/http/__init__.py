"""The assistant over HTTP: the second service, which also serves the console."""
