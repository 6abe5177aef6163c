"""Steps that end a run: register, gate, model card."""
