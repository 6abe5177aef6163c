"""What secrets look like: keys, tokens, private keys, passwords in addresses."""

from __future__ import annotations

import re

from fusionguard.serving.keys import PREFIX

_PATTERNS = (
    rf"\b{PREFIX}[A-Za-z0-9_-]{{20,}}",
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # a JSON web token
    r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}",
    r"\b(?:hf|npm|pat|dop_v1|shpat|rk_live|sk_live|pk_live|sk_test)_[A-Za-z0-9]{16,}|\bpypi-[\w-]{40,}",
    r"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[\w-]{35}|\bya29\.[\w-]{20,}",
    r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{10,}",
    r"https?://hooks\.slack\.com/\S+|https?://\S*\.webhook\.office\.com/\S+|https?://discord(?:app)?\.com/api/webhooks/\S+",
    r"\bZEN(?:KEY|PROJKEY|ML)_[A-Za-z0-9_=-]{16,}",
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,200}:[^\s/@]{1,200}@[^\s]+",  # a password in an address
    r"\b[Bb]earer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*",
    r"(?i:\b\w*(?:password|passwd|secret|token|api_?key|access_?key|kaggle_key|passphrase)\w*[\"']?\s*(?:=|:|\bis\b)\s*[\"']?)"
    r"(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])[^\s\"'<>(){}\[\],;|]{8,}",
)
SECRET = re.compile("|".join(f"(?:{each})" for each in _PATTERNS), re.DOTALL)
"""Finds one secret in folded text."""
