"""Attacks on the assistant by the OWASP Top 10 for LLM applications (2025), and harmless questions that look like them."""
