"""The assistant: short answers with sources from the documents and the latest runs, or an honest "I don't know"."""
