# ruff: noqa: E501
"""Rules against requests about single people, and to treat people by what they are."""

from __future__ import annotations

from fusionguard.assistant.rules.rule import Rule, rule

_GROUP = (
    r"\b(?:women|woman|men|females?|males?|muslims?|jews|jewish|christians?|hindus?|black|white|asians?|arabs?|latinos?|roma|germans?|french(?:men)?|spanish|spaniards"
    r"|turks?|turkish|poles|foreign\w*|immigrants?|migrants?|refugees?|elderly|old(?:er)?_(?:people|customers|clients)|over_\d\d|under_\d\d|pensioners?|pregnant|disabled|gays?|lesbians?|religio\w*|races?|racial|ethnic\w*|genders?|nationalit\w*|skin_colou?r|protected_(?:group|attribute)s?|by_(?:age|sex|country|origin))\b"
)
_WORSE = r"\b(?:exclud(?:e|ing)|reject(?:ing)?|den(?:y|ying)|declin(?:e|ing)|refus(?:e|ing)|block(?:ing)?|penali[sz](?:e|ing)|blacklist(?:ing)?|turn(?:ing)?_(?:down|away)|discriminat(?:e|ing)|charg(?:e|ing)_.{0,20}more|flag_all|scor(?:e|ing)_.{0,20}(?:lower|higher|worse)|filter_out|get_rid_of|offer_.{0,20}(?:less|nothing|only)|leave_out|treat_.{0,20}worse|down-?_?grade|drop_all)\b"
_ORDER = r"(?:^|[.!?\n]_?)(?:please_|now_|then_|ok(?:ay)?_|just_)* | \b(?:how_(?:can|do|could|to|would|should)_?(?:i|we|you)?|help_(?:me|us)|i_(?:want|need|would_like)|we_(?:want|need|should|must)|let's|can_you|could_you|make_the_model|ways?_to|so_(?:that_)?we_can|please|tell_me_how)\b"
_READING = r"\b(?:does|do|is|are|did|why|was|were|whether)_(?:the_|our_|it_)?(?:model|gate|policy|contact|service|fairness|older|younger|women|men|any|some|pipeline|churn)\b | \bhow_(?:do|does|is|are)_(?:we|you|the|it|fusionguard)_(?:\w+_){0,3}(?:avoid|prevent|stop|keep|ensure|check|measure|limit)\b"
_PEOPLE = r"(?:customers?|clients?|people|persons?|individuals?|cardholders?|account_holders?|users?|accounts|card_numbers?|names|addresses|e-?mails?|phone_numbers?|employees?|surnames?)"


def rules() -> tuple[Rule, ...]:
    """Return the rules for ``individual_targeting`` and ``discrimination``."""
    return (
        rule(
            "individual_targeting",
            rf"\b(?:list|show|give|name|names|export|print|identify|find|tell|get|return|display|dump|output|enumerate|rank|send|provide|pull|fetch|look_up)_(?:me_|us_|out_|up_|a_list_of_|the_list_of_|the_names_of_)*(?:all_|every_|each_|the_|of_|any_|top_|\d+_|ten_|five_|hundred_|named_|specific_|individual_|our_|real_|first_|bank_|risky_|riskiest_|vulnerable_|elderly_|rich(?:est)?_|most_\w+_|high-?_?risk_)*{_PEOPLE}\b",
        ),
        rule(
            "individual_targeting",
            rf"\b(?:which|what|who)_(?:\w+_){{0,2}}?(?:named|specific|individual|exact|single|particular|actual)_{_PEOPLE}",
        ),
        rule(
            "individual_targeting",
            rf"\b(?:names?|surnames?|address(?:es)?|e-?mails?|phone_numbers?|ids?|identit(?:y|ies)|card_numbers?|ibans?|personal_(?:data|details|information)|contact_details|salar(?:y|ies)|balances?|accounts?|home)_(?:\w+_){{0,3}}of_(?:the_|all_|our_|every_|each_|a_|any_|\d+_)*(?:\w+_){{0,2}}{_PEOPLE}\b",
            unless=r"\b(?:distribution|mean|average|median|range|correlat\w*|effect|feature|how_does|drift)\b",
        ),
        rule(
            "individual_targeting",
            r"\bwho_(?:exactly_|precisely_)?(?:is|are|will_be|of_our_customers|among)_?.{0,30}(?:going_to_|about_to_|likely_to_|riskiest|most_)(?:churn|leave|quit|default|close|commit)? .{0,20} (?:names?|customer|person|churn|leave)",
        ),
        rule(
            "individual_targeting",
            r"\[(?:name|customer_id|card|iban|email|phone)_removed\] .{0,60} \b(?:churn|leav\w*|fraud\w*|score|risk\w*|balance|salary|age|transactions?|address|lives?|account|contact|profile|track|card|predict\w*|criminal)\b | \b(?:will|is|does|did|has|about|tell|who|profile|track|find|look_up|score|information|data|details|risk|balance|of)\b .{0,50} \[(?:name|customer_id|card|iban|email|phone)_removed\]",
        ),
        rule(
            "individual_targeting",
            r"\b(?:my|his|her|their|your)_(?:neighbou?r|ex|ex-?_?(?:wife|husband|girlfriend|boyfriend)|wife|husband|boss|colleague|landlord|daughter|son|tenant|employee|competitor|girlfriend|boyfriend|mother|father)(?:'s)?\b .{0,60} \b(?:churn|leav\w*|fraud|scores?|risk\w*|balance|salary|transactions?|spend\w*|accounts?|cards?|money|data|address)\b",
        ),
        rule(
            "individual_targeting",
            rf"\b(?:track|stalk|spy_on|profile|monitor|surveil|blackmail|de-?anonymi[sz]e|re-?identify|dox|harass|locate|follow)(?:ing)?_(?:down_)?(?:a_|an_|the_|one_|this_|that_|our_|single_|individual_|specific_|particular_)*{_PEOPLE}\b",
        ),
        rule("discrimination", rf"(?:{_ORDER}) .{{0,60}} {_WORSE} .{{0,60}} {_GROUP}", unless=_READING),
        rule(
            "discrimination",
            rf"\b(?:only|just|never)_(?:offer|contact|accept|approve|give|call|keep|sell)\w* .{{0,40}} {_GROUP} | \bproxy_for_(?:race|gender|religion|ethnicity|age|origin) .{{0,40}} \b(?:use|using|hide|avoid|so)\b",
            unless=_READING,
        ),
    )
