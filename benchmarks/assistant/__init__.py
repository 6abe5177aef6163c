"""The assistant, measured: what it finds, what it knows that it does not know, and what that costs."""
