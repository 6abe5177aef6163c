# ruff: noqa: E501
"""Rules against requests to act: the assistant reads and never changes, sends or runs anything."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

_ORDER = (
    r"(?:(?:^|[.!?\n;]_?)(?:please_|now_|then_|first_|next_|ok(?:ay)?_|and_|just_|immediately_|go_ahead_and_|also_|finally_|hey_|hi_|assistant_)*"
    r"|\b(?:please|can_you|could_you|would_you|will_you|i_(?:want|need|order|command|ask|authori[sz]e)_you_to|you_(?:must|should|shall|will|need_to|have_to)|go_ahead_and|and_then|then|let's|now|try_to|use_(?:your|the|a)_\w+(?:_tool|_function)?_to)_(?:please_|now_|just_|also_)*)"
)
_THING = r"\b(?:models?|champion|challenger|registry|tables?|logs?|data(?:base|set)?s?|predictions?|runs?|index|files?|folders?|keys?|records?|alerts?|everything|documents?|history|backups?|server|service|gate|bundles?|monitoring|pipeline|audit|thresholds?|limits?|checks?|version|transactions?|customers?|cards?|accounts?|jobs?|config\w*|settings?|artifacts?)\b"


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``excessive_agency``."""
    return (
        rule(
            "excessive_agency",
            rf"{_ORDER}(?:delete|drop|remove|wipe|erase|purge|truncate|destroy|overwrite|promote|demote|deploy|roll_?back|retrain|restart|reboot|shut_?_down|stop|kill|disable|enable|deactivate|turn_off|switch_off|turn_on|set|raise|lower|change|increase|decrease|reduce|update|edit|modify|reset|approve|block|unblock|freeze|whitelist|unlock|archive|release|register|upload|insert|replace|refund|reverse|mark|relabel)_(?:\w+_){{0,4}}{_THING}",
            unless=r"--set\b",
        ),
        rule(
            "excessive_agency",
            rf"{_ORDER}(?:run|execute|eval|invoke|call|launch|start)_(?:\w+_){{0,4}}(?:commands?|shell|sql|query|script|code|bash|python|terminal|tool|function|pipeline|statement|program|job|training|retraining|endpoint)\b",
        ),
        rule(
            "excessive_agency",
            rf"{_ORDER}(?:send|e-?mail|mail|forward|post|publish|text|message|notify|tweet|upload|transfer|pay|wire|call)_(?:\w+_){{0,6}}(?:to_|e-?mails?|messages?|slack|alerts?|notification|customers?|everyone|team|address|http|webhook|money|funds|payment|results?|data|file|eur\w*|dollars?)\b",
        ),
        rule(
            "excessive_agency",
            r"\brm_-[rf]{1,2}\b | \bdrop_(?:table|database|schema)\b | \bdelete_from\b | ;_?-- | \bor_'?1'?_?=_?'?1 | \bunion_(?:all_)?select\b | \bselect\b .{1,60} \bfrom_\w+ .{0,40} (?:\bwhere\b|;|\blimit\b|$) | \bos\.system\b | \bsubprocess\b | \b__import__\b | \beval\( | \bexec\( | \$\([^)]*\) | \bcurl_(?:-\w+_)*https? | \bwget_https? | \bsudo_\w | \bchmod_ | \|_?(?:ba)?sh\b | \{\{.{0,60}\}\} | \$\{jndi | <script | \bjavascript: | \bfile:// | (?:\.\./){2,}",
        ),
        rule(
            "excessive_agency",
            rf"{_ORDER}(?:open|browse|visit|fetch|download|load|click|navigate|go|connect|request|read|get)_(?:\w+_){{0,4}}(?:https?:|www\.|url|link|website|internet|/etc|/root|/home)",
        ),
        rule(
            "unbounded",
            r"\b(?:repeat|say|write|print|output|type|generate|count|list)\b .{0,50} \b(?:forever|endlessly|infinite\w*|never_stop|without_(?:stopping|end)|non-?stop|until_(?:you|i|the_end|memory)|(?:\d[\d,.]{3,}|a_?(?:thousand|million|billion)|thousands|millions|ten_thousand|one_million)_(?:times|words|pages|lines|copies|numbers|tokens|paragraphs|examples))\b | \b(?:infinite|endless)_(?:loop|recursion|story|list) | \bcall_yourself\b",
        ),
    )
