# ruff: noqa: E501
"""Rules against text that wants to be an instruction: new orders, changed roles, forged turns."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

_DROP = (
    r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrul(?:e|ing)|bypass(?:ing)?|skip(?:ping)?|drop|neglect"
    r"|overlook|discard|cancel|erase|suspend|violate|break|void|set_aside|throw_away|(?:do_not|don't|never|stop|no_longer|cease)_(?:to_)?"
    r"(?:follow(?:ing)?|obey(?:ing)?|respect(?:ing)?|apply(?:ing)?|listen(?:ing)?_to|adher(?:e|ing)_to)|pay_no_attention_to)\b"
)
_OURS = r"\b(?:previous|prior|earlier|preceding|above|foregoing|initial|original|former|your|system|developer|existing|current|all_(?:the|of|other)?)\b"
_ORDERS = (
    r"\b(?:instructions?|prompts?|rules|guidelines?|directions|directives?|commands?|orders|polic(?:y|ies)|restrictions?|constraints?|programming"
    r"|filters?|guardrails?|safeguards?|safety|training|ethics|messages?|conversation)\b"
)


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``prompt_injection`` and ``jailbreak``."""
    return (
        rule("prompt_injection", rf"{_DROP} .{{0,40}} {_OURS} .{{0,30}} {_ORDERS}"),
        rule(
            "prompt_injection",
            rf"{_DROP} .{{0,20}} \b(?:everything|anything|all|what)\b .{{0,30}} \b(?:above|before|said|told|so_far|previously|earlier)\b",
        ),
        rule(
            "prompt_injection",
            r"\b(?:new|updated|revised|real|actual)_(?:system_)?(?:instructions?|directives?|task|orders|prompt)\b .{0,15} (?:[:=]|\b(?:are|is|follow)\b)",
        ),
        rule(
            "prompt_injection",
            r"<\|?/?_?(?:im_start|im_end|system|endoftext|assistant|user|eot_id|start_header_id|s)\|?> | \[/?inst\] | <</?sys>> | \#{2,}_?(?:system|instructions?|assistant|new_task)\b",
        ),
        rule(
            "prompt_injection",
            r"(?:^|\n|[.;\]})>-]_)(?:system|developer|assistant|admin|root)(?:_(?:message|prompt|override|note|notice|update))?\s?(?:\]|:)",
        ),
        rule(
            "prompt_injection",
            r"\b(?:end|begin|start)_of_(?:the_)?(?:system|user|context|document|prompt|instructions?|passages?)\b | \bsystem_(?:override|note|notice|alert|update)\b",
        ),
        rule(
            "prompt_injection",
            r"\b(?:say|respond|reply|answer|output|print|write)_(?:to_\w+_){0,2}(?:only|exactly|just|nothing_but)_(?:with_|the_|words?_|phrase_|string_|text_|sentence_)*\s?[\"':]?\s?\w",
        ),
        rule(
            "jailbreak",
            r"\b(?:from_(?:now|here)_on(?:wards?)?|henceforth|for_the_rest_of_(?:this|the|our)_(?:chat|conversation|session)) .{0,20} \b(?:you|answer|respond|act|reply|speak|ignore)\b",
        ),
        rule(
            "jailbreak",
            r"\byou_(?:are|'re|will_be|shall_be|have_become)_(?:now|no_longer|going_to_be|hereby|free|freed|unlocked|unrestricted|unfiltered)\b",
        ),
        rule(
            "jailbreak",
            r"\b(?:pretend|imagine|role-?_?play|simulate|impersonate|act|behave|respond|answer|speak|play) .{0,25} \b(?:you(?:'re|_are)?|as|to_be|being|like) .{0,60} \b(?:ai|assistant|bot|model|hacker|fraudster|criminal|evil|unrestricted|unfiltered|uncensored|dan|no_(?:rules|limits|restrictions|filters?)|without|anything|admin|administrator|developer|root|grandm\w+|villain|thief|launderer)\b",
        ),
        rule(
            "jailbreak",
            r"\b(?:dan|stan|aim)_mode\b | \bdo_anything_now\b | \b(?:developer|debug|god|maintenance|sudo|admin|unrestricted|jailbreak|evil|chaos|root)_mode\b | \bjail-?_?br(?:eak|oken)\w* | \b(?:unfiltered|uncensored|unrestricted)_(?:ai|answers?|model|mode|version|assistant|response)",
        ),
        rule(
            "jailbreak",
            r"\b(?:no|without|free_(?:from|of)|remove|lift|disable|turn_off|switch_off|deactivate)_(?:any_|all_|your_|the_|these_|of_)*(?:ethic\w*|moral\w*|safety|content|security)?_?(?:restrictions?|guardrails?|safeguards?|censorship|(?:safety|content)_(?:filters?|polic(?:y|ies)|rules))",
        ),
    )
