"""What the assistant refuses, as patterns over plain text: one module a kind of request, one for languages but English."""

from __future__ import annotations

from functools import cache

from fusionguard.assistant.rules import agency, content, evasion, injection, languages, secrecy, targeting
from fusionguard.assistant.rules.rule import Rule

REASONS = (
    "prompt_injection",
    "jailbreak",
    "system_prompt",
    "secrets",
    "fraud_evasion",
    "individual_targeting",
    "discrimination",
    "excessive_agency",
    "harmful_content",
)
"""Why a question can be refused for what it asks, the most telling first."""


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules."""
    parts = (injection, secrecy, evasion, targeting, agency, content, languages)
    return tuple(rule for part in parts for rule in part.rules())
