"""What people say for what the documents say: words added to a question before it is searched for."""

from __future__ import annotations

import re
from functools import cache

from fusionguard.families.catalog import family_names, model_family

_SAID_AND_MEANT = (
    # people, money, law
    (r"client|people|person|somebody|consumer", "customer"),
    (r"money|revenue|earn|gain|payoff|worth it", "profit value"),
    (r"expensive|\bprice|\bfee\b|how much .* cost", "cost price"),
    (r"\blegal|lawful|\blaw\b|permitted|regulat|complian", "law legal counsel"),
    (r"discriminat|unfair|equal|prejudice|bias", "fairness gap group"),
    (r"privacy|gdpr|\bpii\b|sensitive", "personal data"),
    (r"sign(s|ed)? off|responsible for|approv|in charge", "decides"),
    (r"\bdeny|\breject|\brefus|\bloan|\blend|mortgage", "deny lend refuse"),
    (r"even out|level out|make .* fair|correct .* bias", "mitigation thresholds"),
    # models
    (r"weakness|shortcoming|drawback|flaw|disadvantage|caveat|blind spot", "limits"),
    (r"tiny|little|minor|cheap|cents", "small amount"),
    (r"flag|suspicious|alarm|blocked", "alert review"),
    (r"how (good|well|accurate|reliable)|accura|quality|performan", "average precision ROC AUC results"),
    (
        r"matters? most|important|influen|driv(e|es|er|ers) |which (input|feature|variable|column)",
        "SHAP importance explainability",
    ),
    (r"explanation|reasons? for", "explain reason codes"),
    (r"very same|identical|repeatab|reproduc", "reproduce seed same"),
    (r"combin|blend|ensemble|\bmerge|put together", "fusion fused average"),
    (r"hyperparam|optuna|grid search|optimi[sz]", "tuning search trials"),
    (r"rule of thumb|simple rule|heuristic|excel|without a model", "rule of thumb"),
    (r"promot|released model|took over", "gate verdict champion"),
    (r"not be used|misuse|intended|purpose|what is it for", "intended use meant"),
    (r"better than (chance|random)|times as (many|good)", "lift"),
    # data
    (r"made[- ]up|fake|invented|synthetic|artificial|generated", "simulated"),
    (r"realistic|true to life|like the real", "real differs near published"),
    (r"sampl|subset|one in (ten|\w+)|only kept|undersampl|downsampl", "sampled sampling rate"),
    (r"twice|double|repeated|again and again", "duplicates"),
    (r"valid|accepted|allowed|permitted|range", "in range rule"),
    (r"check fails|broken data|bad data|invalid", "contract broken rule stop"),
    (r"broke(n)? off|interrupted|start over|half ?way|continue|go on|pick up", "resumed goes on"),
    (r"credential|\btoken|password|log ?in", "credentials token key"),
    (r"own (data|file|csv|transactions|customers|card data)|my (csv|file|data)", "source local file layout"),
    (r"\bmeans?\b|meaning of|stands? for|\bdefin|abbreviat|acronym|jargon|^what('s| is| are) (an? |the )?[\w-]+\W*$", "glossary"),
    # running it
    (r"get going|get started|just (cloned|installed)|first steps|begin|how do i install|clone", "make setup install"),
    (r"shell|command line|terminal|console", "command fusionguard prints"),
    (r"browser|screen|\bgui\b|visual|see the (pipeline|graph)|graph", "dashboard"),
    (r"\bstored?|location|directory|on disk|saved|keep (its|the)|somewhere else", "folder state lives"),
    (r"\bram\b|memory|how big", "memory MB"),
    (r"fast|slow|speed|laten|quick|how long", "seconds milliseconds"),
    (r"overhead", "costs adds"),
    (r"grow|scal(e|es|ing)|more rows|bigger|larger", "growth rows"),
    (r"new step|extend|plug ?in|write a|contribut", "adding step"),
    # the service
    (r"\bapi\b|endpoint|\brest\b|http", "service POST route"),
    (r"swap|rotat|renew|exchange|replace", "rotation key"),
    (r"down ?time|without (a )?(pause|interruption)", "reload SIGHUP"),
    (r"go(ing)? back|revert|undo|previous|last week|older (model|version)", "rollback"),
    (r"next to the (present|current)|side by side|a/b|in parallel|without .* noticing|try .* new model", "shadow challenger"),
    (r"docker|container|image|\bpod\b", "container image"),
    (r"crash|\bkill|\bdies?\b|died", "kill crash"),
    (r"too many requests|rate limit|throttl|status|answered \d{3}|error \d{3}", "status"),
    # clusters and monitoring
    (r"cluster|supercomputer|\bhpc\b|university", "Slurm cluster hpc"),
    (r"preempt|evict|taken away|thrown off", "preemption interruptible checkpoint"),
    (r"graphics card|cuda|\bgpu", "gpu"),
    (r"several jobs|share|spread|parallel search", "helpers sweep"),
    (r"reboot|restart|connection lost|lost connection", "resume"),
    (r"copy .* (code|files)|upload|transfer", "push copy"),
    (r"wrong unit|unit|factor of 100", "unit-error drift"),
    (r"notice|detect|discover|spot", "caught drift"),
    (r"false alarm|for nothing|cry wolf", "false alarms"),
)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    of_families = (rule for name in family_names() for rule in model_family(name).words.said_and_meant)
    return tuple((re.compile(said, re.IGNORECASE), tuple(meant.split())) for said, meant in (*_SAID_AND_MEANT, *of_families))


def documents_words(question: str) -> tuple[str, ...]:
    """Return the words with which the documents say what a question says in others, each once."""
    return tuple(dict.fromkeys(word for said, meant in _rules() if said.search(question) for word in meant))
