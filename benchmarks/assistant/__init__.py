"""What the assistant is measured by: retrieval, answers, attacks."""
