"""What the assistant says when it does not answer, with something it can do instead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.words import RefusalWords

_MESSAGES = {
    "empty": "There is no question in this. Ask, for example: How is the alert threshold chosen?",
    "too_long": (
        "This question is too long: at most {limit} characters are read. Ask it in a few sentences, without pasted documents."
    ),
    "unreadable": (
        "This cannot be read as a question. Write it in plain words, for example: What does the monitoring verdict mean?"
    ),
    "encoded": "Part of this is encoded, and the assistant reads plain words alone. Write out what you want to know.",
    "prompt_injection": (
        "This asks the assistant to work by other rules than its own, so it is not answered. Ask about the models, the"
        " metrics or the monitoring in plain words; the answer will show its sources."
    ),
    "jailbreak": (
        "The assistant keeps its role: it answers from FusionGuard's documents and runs. Ask, for example, what a metric"
        " means or why the gate refused a model."
    ),
    "system_prompt": (
        "How the assistant is set up inside is not shown. What it can do, what it reads and where its limits are stands"
        " in docs/agent_service.md; ask about any of that."
    ),
    "secrets": (
        "Keys, passwords and tokens are never shown. To get a key of your own, ask whoever runs the service, who can make"
        " one with `fusionguard key NAME`."
    ),
    "individual_targeting": (
        "The assistant says nothing about single people, and lists nobody. It can tell what drives {families} over"
        " all customers, and explain a scored transaction by its request id."
    ),
    "discrimination": (
        "The assistant does not help to treat people worse for what they are. It can show how fairness is measured for"
        " each group and which gaps the gate refuses a model for."
    ),
    "excessive_agency": (
        "The assistant reads and explains; it changes, sends and runs nothing. It can tell which command does that and"
        " what it needs, for a person to run."
    ),
    "harmful_content": (
        "The assistant does not help with this. It answers questions about FusionGuard's models, data, metrics and monitoring."
    ),
    "unbounded": "Answers are short, so this is not started. Ask for the one figure or the one explanation that you need.",
    "withheld": (
        "An answer was found and held back, because it did not pass the checks on what may be shown. Ask more precisely,"
        " or open the sources directly."
    ),
}
"""The words for each reason that every family shares."""


@cache
def messages() -> Mapping[str, str]:
    """Return the words for each reason; families add their own."""
    families = " or ".join(sorted(family_names()))
    shared = {reason: message.replace("{families}", families) for reason, message in _MESSAGES.items()}
    return shared | {reason: words.message for reason, words in own_refusals().items()}


@cache
def own_refusals() -> Mapping[str, RefusalWords]:
    """Return the reasons that come with what families are for."""
    return {reason: words for name in family_names() for reason, words in model_family(name).words.refusals.items()}
