# ruff: noqa: E501
"""Rules against requests to get around fraud detection."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

_ASK = r"\b(?:how|ways?|teach|help|steps?|tips?|tricks?|guide|method|methods|technique|techniques|strateg(?:y|ies)|explain|tell|show|best|want|need|can_i|could_i|should_i|what|which|write|give|plan|recipe|tutorial|instructions?|let's|advise|advice|suggest)\b"
_EVADE = (
    r"\b(?:evad(?:e|es|ing)|bypass(?:es|ing)?|circumvent(?:s|ing)?|get(?:ting|s)?_(?:around|past|by|through)|work_around|beat(?:ing)?|trick(?:ing)?|fool(?:ing)?"
    r"|outsmart(?:ing)?|defeat(?:ing)?|dodg(?:e|ing)|sneak(?:ing)?(?:_\w+)?_(?:past|through|by)|slip(?:ping)?(?:_\w+)?_(?:past|through|by|under)|escape|escaping|hid(?:e|ing)_(?:\w+_){0,3}from|mislead|deceive|confuse"
    r"|go_(?:unnoticed|undetected)|fly_under|stay(?:ing)?_(?:under|below|off)|avoid(?:ing)?_(?:being_|getting_|triggering_|the_|an?_|any_|your_|all_)*(?:detect\w*|caught|flag\w*|fraud_(?:detect\w*|model|check\w*|alert\w*|system|filter)|suspicion|alert_on_my))\b"
)
_DETECTOR = r"\b(?:fraud(?:guard)?|fusionguard|detect\w*|detector|model|alerts?|alarms?|threshold|monitoring|radar|flag\w*|scor(?:e|ing)|checks?|controls?|screening|aml|bank|system|filter|classifier|limit)\b"
_HARMLESS = r"\b(?:false_(?:alarms?|alerts?|positives?)|(?:how|when|what|which|who)_(?:does|do|will|would|is|are|did|can|could)_(?:the_|our_|your_|we_)?(?:monitoring|gate|model|service|fusionguard|champion|drift|check|checks|tests?)_(?:\w+_){0,3}(?:detect|catch|notice|find|see|stop|prevent|recogni[sz]e|learn|spot))\b"
_FIRST = r"\b(?:i|me|my|we|us|our|someone|somebody|one|you)\b"


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``fraud_evasion``."""
    return (
        rule("fraud_evasion", rf"{_ASK} .{{0,80}} {_EVADE} .{{0,50}} {_DETECTOR}", unless=_HARMLESS),
        rule(
            "fraud_evasion",
            r"\b(?:without|not|never|avoid|before|from)_(?:\w+_){0,3}(?:detected|caught|flagged|noticed|traced|alert(?:ed|ing)?|block(?:ed|ing)|suspicio(?:n|us)|detection) .{0,80} \b(?:transactions?|payments?|purchas\w*|transfers?|spend|cards?|money|cash|amounts?|fraud)\b",
            unless=rf"{_HARMLESS} | \b(?:frauds?|transactions?)_(?:that_)?(?:was|were|is|are|went|go)_(?:not|never)\b | \bwhy_(?:was|were|is|are|did|does|do)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:transactions?|payments?|purchas\w*|transfers?|spend|cards?|money|cash|amounts?|fraud) .{0,80} \b(?:without|not|never|avoid|before)_(?:\w+_){0,3}(?:detected|caught|flagged|noticed|traced|alert(?:ed|ing)?|blocked|suspicio(?:n|us)|detection|trigger\w*)\b",
            unless=rf"{_HARMLESS} | \bwhy_(?:was|were|is|are|did|does|do)\b | \b(?:frauds?|transactions?)_(?:that_)?(?:was|were|is|are|went|go)_(?:not|never)\b | \b(?:share|number|how_many|many|recall|missed)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:split(?:ting)?|structur(?:e|ing)|break(?:ing)?_(?:up|down)|divid(?:e|ing)|smurf(?:ing)?|spread(?:ing)?_(?:out_)?|chop|keep(?:ing)?|slic(?:e|ing)) .{0,40} \b(?:amounts?|payments?|transactions?|transfers?|purchases?|deposits?|money|cash|sum|fraud)\b .{0,60} \b(?:smaller|small|below|under|beneath|unnoticed|so_(?:that|the|it)|limits?|threshold|avoid|flag\w*|alert\w*|radar|report\w*)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:use|using|test(?:ing)?|try|check(?:ing)?|validat(?:e|ing)|cash(?:ing)?_out|buy(?:ing)?|sell(?:ing)?|monetis\w*|monetiz\w*|spend(?:ing)?|charge|drain|verify|shop\w*|pay\w*) .{0,40} \b(?:stolen|cloned|skimmed|hacked|leaked|dumped|compromised|found|someone_else's|fake|carded)_(?:credit_|debit_|bank_|payment_)*(?:cards?|card_numbers?|accounts?|cvv\w*|details)\b",
            unless=rf"{_HARMLESS} | \b(?:does|do|can|could|will|would|did|is)_(?:the_|our_)?(?:model|monitoring|service|fusionguard|system|champion)\b | \bare_(?:frauds|criminals)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:how_much|what|which|exact|highest|largest|maximum|max|biggest)_.{0,10}(?:amounts?|sums?|money|values?|scores?|size)? .{0,60} \b(?:can|could|may|should|to)_(?:i|we|you|someone|spend|charge|transfer|send|withdraw|move|steal|stay)\b .{0,60} \b(?:without|before|below|under|not)\b .{0,30} \b(?:alert\w*|flag\w*|detect\w*|block\w*|caught|notic\w*|trigger\w*|suspic\w*|threshold|alarm\w*|limit)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:reverse-?_?engineer\w*|probe|probing|binary_search|work_out|figure_out|find_out|guess|infer|extract|steal|clone|replicate)\b .{0,40} \b(?:alert|fraud|decision|scoring|detection|model)_?(?:'s_)?(?:threshold|limits?|boundar(?:y|ies)|rules?|weights|model|logic)\b .{0,80} \b(?:below|under|avoid|around|past|without|evade|undetected|so_(?:that|i|we|my)|outside)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:which|what|how) .{0,50} \b(?:change|alter|modify|adjust|tweak|lower|spoof|fake|manipulate|craft|set|mimic|choose|pick)\b .{0,60} \b(?:so|to|until)\b .{0,50} \b(?:fraud(?:ulent)?|stolen|illegal|my)\b .{0,40} \b(?:look|looks|pass|passes|appear|seem|legitimate|normal|genuine|low|lower|drop|drops|undetected|approved|missed)\b",
        ),
        rule(
            "fraud_evasion",
            r"\b(?:make|making|disguise|craft|design|generate|create|write|build)\b .{0,40} \b(?:fraud(?:ulent)?|stolen|illegal|adversarial|laundered)\b .{0,50} \b(?:look|appear|seem|pass|legitimate|normal|genuine|fool|evade|undetected|bypass|as_legitimate)\b",
        ),
        rule(
            "fraud_evasion",
            rf"(?:{_ASK}|{_FIRST}) .{{0,40}} \b(?:commit(?:ting)?_(?:card_|credit_card_|bank_|identity_)*fraud|launder(?:ing)?|card_testing_(?:attack|bot|script)|carding|account_takeover|get_away_with|bin_attack|money_mules?|clone_(?:a_|credit_)*card)\b",
            unless=rf"{_HARMLESS} | \b(?:does|do|can|could|will|would|did|is|are)_(?:the_|our_)?(?:model|monitoring|service|fusionguard|system|champion)\b | \b(?:detect|catch|prevent|recogni[sz]e)\b",
        ),
    )
