"""Which tools a question asks for: by rules on the question's own words alone, so that no passage can call one."""

from __future__ import annotations

import re
from functools import cache

from fusionguard.assistant.followups import mentioned_family
from fusionguard.assistant.given_values import given_values
from fusionguard.assistant.tools.toolbox import ToolCall
from fusionguard.families.catalog import family_names, model_family

_REQUEST = re.compile(
    r"\brequest(?:[ -]?id)?\s*(?:number|no\.?|nr\.?|#)?[\s:=#'\"`]*([A-Za-z0-9][A-Za-z0-9._~-]{2,63})(?:['\"`]|\b)", re.IGNORECASE
)
_ROW = re.compile(r"\brow\s+(\d{1,5})\b", re.IGNORECASE)


def _words(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that finds one of some words or phrases."""
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_EXPLAINS = _words("why", "explain", "reasons?", "reason codes?", "what", "decided?", "decision", "flagged", "declined",
                   "blocked", "held", "reviewed?", "scored?", "happened")  # fmt: skip
_COMPARES = _words(
    "challengers?.*champions?", "champions?.*challengers?", "compare.*(?:models?|versions?|champions?|challengers?)"
)
_DRIFTS = _words("drift(?:ed|ing|s)?", "monitoring", "healthy", "health of")
_SAYS = _words("say", "says", "said", "verdict", "status", "state", "result", "healthy", "health of", "drifted", "drifting")
_METRICS = _words("metrics?", "average precision", "(?:roc )?auc", "recall", "precision", "perform(?:ance|s|ing)?", "how good",
                  "how well", "savings?", "brier", "gate", "promoted", "accura(?:te|cy)", "doing")  # fmt: skip
_OF_A_MODEL = _words("models?", "champions?", "challengers?", "version", "run", "gate", "classifier")
_NOW = _words("latest", "last", "newest", "current(?:ly)?", "now", "today", "at the moment", "recent(?:ly)?", "our", "champions?",
              "challengers?", "did", "was", "has", "have", "which", "doing")  # fmt: skip
_METHOD_OPENS = _words("how (?:do|does|can|should|to|are)", "why (?:do|does|is|are)", "what (?:do|is an?|is meant)", "what does",
                       "where", "when (?:do|does|is|are|should)", "who", "can", "should", "must",
                       "which (?:file|command|setting|statistic|test|library)", "what is the difference")  # fmt: skip
_METHOD_OF = re.compile(
    r"\s*how (?:is|was|were)\b.*\b(?:calculated|computed|measured|decided|chosen|made|set|defined|calibrated|trained|tested"
    r"|detected|judged|compared)\b",
    re.IGNORECASE,
)
_OTHER_MODELS = _words("logistic regression", "defaults?", "baselines?", "reference models?", "rules?")
"""What the metrics tool does not read: the model card compares with these."""
_NEWEST = _words("latest", "last", "newest", "most recent")
_CHALLENGER = _words("challengers?")
_MANUAL = _words("how (?:do|can|should|to)", "commands?", "endpoints?", "http", "api")


def route(question: str) -> tuple[ToolCall, ...]:
    """Return the calls that a question asks for; none where it asks about documents.

    The rules are tried in this order: a request's id with a word that asks about it, a made-up row with its values, champion
    against challenger, monitoring's verdict, metrics or the gate of a model. Questions of method ("how does the gate decide?")
    go to the documents. Where no kind of model is named, both are asked.
    """
    for rule in (_explaining, _scoring, _comparing, _monitoring, _metrics):
        calls = rule(question)
        if calls:
            return calls
    return ()


def _explaining(question: str) -> tuple[ToolCall, ...]:
    found = _REQUEST.search(question)
    if found is None or not any(letter.isdigit() for letter in found[1]) or not _EXPLAINS.search(question):
        return ()
    row = _ROW.search(question[found.end() :])
    arguments: dict[str, object] = {"request_id": found[1].rstrip("."), "row": int(row[1]) if row else 0}
    family = mentioned_family(question)
    return (ToolCall("explain_request", arguments | ({"family": family} if family else {})),)


def _scoring(question: str) -> tuple[ToolCall, ...]:
    if not _made_up().search(question) or _MANUAL.search(question):
        return ()
    family = mentioned_family(question) or family_names()[0]
    given = given_values(question, family)
    if not given.values and not given.unclear:
        return ()
    unclear = (*given.unclear, *given.leftover)
    arguments: dict[str, object] = {"family": family, "values": given.values}
    return (ToolCall("score_example", arguments | ({"unclear": unclear} if unclear else {})),)


def _comparing(question: str) -> tuple[ToolCall, ...]:
    if not _COMPARES.search(question) or _about_the_method(question):
        return ()
    return tuple(ToolCall("compare_models", {"family": family}) for family in _families(question))


def _monitoring(question: str) -> tuple[ToolCall, ...]:
    says = _SAYS.search(question) or (_NOW.search(question) and not _METRICS.search(question))
    if not _DRIFTS.search(question) or not says:
        return ()
    if _about_the_method(question) and not re.match(r"\s*what does monitoring say", question, re.IGNORECASE):
        return ()
    return tuple(ToolCall("monitoring_verdict", {"family": family}) for family in _families(question))


def _metrics(question: str) -> tuple[ToolCall, ...]:
    if not _METRICS.search(question) or not _OF_A_MODEL.search(question) or _about_the_method(question):
        return ()
    if _OTHER_MODELS.search(question):
        return ()
    if not _NOW.search(question) and not _named_model().search(question):
        return ()
    version = "challenger" if _CHALLENGER.search(question) else "latest" if _NEWEST.search(question) else "champion"
    return tuple(ToolCall("model_metrics", {"family": family, "version": version}) for family in _families(question))


def _about_the_method(question: str) -> bool:
    """Tell whether a question asks how something works or is done, and not how it stands."""
    if _METHOD_OF.match(question):
        return True
    opens = _METHOD_OPENS.match(question.lstrip())
    if opens is None:
        return False
    return not (_named_model().search(question) and _words("perform", "doing", "difference").search(question))


def _families(question: str) -> tuple[str, ...]:
    named = mentioned_family(question)
    return (named,) if named else family_names()


@cache
def _made_up() -> re.Pattern[str]:
    things = "|".join(thing for name in family_names() for thing in model_family(name).words.things)
    return _words(
        *(f"(?:score|rate|predict|assess|evaluate).*(?:{things}|row)", "what if", "hypothetical", "suppose", "imagine"),
        *("made-up", f"would.*(?:{things})", f"(?:{things}).*would", "how (?:risky|likely|suspicious)"),
    )


@cache
def _named_model() -> re.Pattern[str]:
    named, models = "|".join(family_names()), "models?|champions?|challengers?"
    return _words(f"(?:{named}).*(?:{models})", f"(?:{models}).*(?:{named})")
