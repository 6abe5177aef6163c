"""The console: one page for people, with what the models do and an assistant that answers about it."""
