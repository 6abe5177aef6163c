# ruff: noqa: E501
"""Rules against requests for help with other harm, which has no place in a risk team's assistant."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

_MAKE = r"\b(?:write|create|make|build|generate|give|how_(?:do|to|can|could|would)|code|develop|design|draft|compose|show|teach|help|provide|explain_how|instructions?|steps|tell|produce|launch|perform|run)\b"
_HARM = (
    r"\b(?:malware|ransomware|key-?_?loggers?|viruse?s?|trojans?|worm|rootkits?|spyware|botnets?|exploits?|zero-?_?days?|phish\w*|spear-?phishing|scam\w*|ddos|denial_of_service_attack"
    r"|deepfakes?|bombs?|explosives?|weapons?|guns?|poisons?|methamphetamine|meth|drugs|cocaine|suicide|self-?_?harm|kill_(?:someone|a|my|people)|child_porn\w*|porn\w*|hate_speech|racist|sexist|terroris\w*"
    r"|fake_(?:ids?|passports?|documents?|invoices?|identit\w*|reviews?)|counterfeit\w*|hack(?:ing)?_(?:into|a|the|someone|my)|sql_injection_(?:attack|payload)|brute-?_?force|skimmer|skimming_device|synthetic_identit\w*|insider_trading|tax_evasion|bribe\w*|blackmail\w*)\b"
)
_READING = r"\b(?:detect|catch|catches|notice|recogni[sz]e|protect\w*|prevent\w*|defen[cd]\w*|guard_against|does_(?:the|it|fusionguard)|do_(?:the|frauds))\b"


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``harmful_content``."""
    return (rule("harmful_content", rf"{_MAKE} .{{0,60}} {_HARM}", unless=_READING),)
