# ruff: noqa: E501
"""Rules against requests for the assistant's own prompt, and for keys and passwords."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

TELL = (
    r"\b(?:reveal|show|print|repeat|output|display|tell|leak|dump|recite|disclose|expose|share|give|provide|send|type|write|copy|paste|quote|echo|say"
    r"|list|read|cat|translate|summari[sz]e|paraphrase|encode|spell|describe|what(?:_is|_are|_was|_were|'s)|begin|start|return|export|extract|get|fetch|retrieve|access)\b"
)


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``system_prompt`` and ``secrets``."""
    return (
        rule(
            "system_prompt",
            rf"{TELL} .{{0,60}} \b(?:(?:system|hidden|initial|secret|developer|internal|underlying|confidential|pre)-?_?(?:prompt|instructions?|messages?|directives?|preamble)|(?:your|the_assistant's|original)_(?:\w+_)?(?:prompt|instructions|guidelines|directives|rules|configuration|preamble))\b",
        ),
        rule(
            "system_prompt",
            rf"{TELL} .{{0,30}} \b(?:text|words?|everything|lines?|content|sentences?|messages?|instructions)_(?:that_)?(?:is_|are_|was_|were_|comes?_|came_)?(?:above|before_(?:this|my|the_first)|preceding)\b",
        ),
        rule(
            "system_prompt",
            r"\b(?:how|what)_(?:were|was|have|had|are)_you_(?:been_)?(?:instructed|told|prompted|programmed|configured)\b | \bprompt_leak | \bsystem_?prompt\b .{0,20} (?:[?:]|$)",
        ),
        rule(
            "secrets",
            rf"{TELL} .{{0,50}} \b(?:api_?-?keys?|passwords?|passwd|credentials?|secrets?|private_keys?|ssh_keys?|access_keys?|(?:access|auth\w*|bearer|api|zenml|kaggle|session|service|mlflow)_tokens?|\.env|connection_strings?|key_file|environment_variables?|/etc/\w+|id_rsa)\b",
            unless=r"\b(?:what_is|what_are|what's)_(?:an?_|the_)?(?:api_?)?(?:keys?|tokens?|secrets?)_(?:for|good_for|used)\b | \bhow_(?:do|does|can|is|are|should|would|to)\b | \bwhat_happens\b | \bwhere_(?:is|are|do|does|should)\b | \bdescribe_how\b",
        ),
        rule(
            "secrets",
            r"\b(?:how|where)\b .{0,40} \b(?:steal|find|get|see|read|guess|crack|obtain|recover|know)\b .{0,30} \b(?:someone(?:_else)?'?s?|another|other|his|her|their|admin\w*|the_bank's|colleague'?s?|root)\b .{0,20} \b(?:keys?|passwords?|tokens?|credentials?|secrets?)\b",
        ),
    )
