"""Which tools a question asks for: by rules on the question's own words alone, so that no passage can call one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from fusionguard.assistant.asked import AskedModel, mentioned_models, shipped_models
from fusionguard.assistant.given_values import given_values
from fusionguard.assistant.tools.toolbox import ToolCall

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
_SCORES = _words("score", "rate", "predict", "assess", "evaluate")
_NEWEST = _words("latest", "last", "newest", "most recent")
_CHALLENGER = _words("challengers?")
_MANUAL = _words("how (?:do|can|should|to)", "commands?", "endpoints?", "http", "api")


def route(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    """Return the calls that a question asks for; none where it asks about documents.

    The rules are tried in this order: a request's id with a word that asks about it, a made-up row with its values, champion
    against challenger, monitoring's verdict, metrics or the gate of a model. Questions of method ("how does the gate decide?")
    go to the documents. Where none of the models is named, all are asked.
    """
    for rule in (_explaining, _scoring, _comparing, _monitoring, _metrics):
        calls = rule(question, models)
        if calls:
            return calls
    return ()


def _explaining(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    found = _REQUEST.search(question)
    if found is None or not any(letter.isdigit() for letter in found[1]) or not _EXPLAINS.search(question):
        return ()
    row = _ROW.search(question[found.end() :])
    arguments: dict[str, object] = {"request_id": found[1].rstrip("."), "row": int(row[1]) if row else 0}
    named = mentioned_models(question, models)
    return (ToolCall("explain_request", arguments | ({"model": named[0].name} if len(named) == 1 else {})),)


def _scoring(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    named = any(model.named_by.search(question) for model in models if not model.ships)
    if not (_made_up().search(question) or (named and _SCORES.search(question))) or _MANUAL.search(question):
        return ()
    meant = mentioned_models(question, models) or tuple(models[:1])
    given = given_values(question, meant[0])
    if not given.values and not given.unclear:
        return ()
    which = (f"which model is meant, {' or '.join(model.name for model in meant)}",) if len(meant) > 1 else ()
    unclear = (*which, *given.unclear, *given.leftover)
    arguments: dict[str, object] = {"model": meant[0].name, "values": given.values}
    return (ToolCall("score_example", arguments | ({"unclear": unclear} if unclear else {})),)


def _comparing(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    if not _COMPARES.search(question) or _about_the_method(question, models):
        return ()
    return tuple(ToolCall("compare_models", {"model": model.name}) for model in _meant(question, models))


def _monitoring(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    says = _SAYS.search(question) or (_NOW.search(question) and not _METRICS.search(question))
    if not _DRIFTS.search(question) or not says:
        return ()
    if _about_the_method(question, models) and not re.match(r"\s*what does monitoring say", question, re.IGNORECASE):
        return ()
    return tuple(ToolCall("monitoring_verdict", {"model": model.name}) for model in _meant(question, models))


def _metrics(question: str, models: Sequence[AskedModel]) -> tuple[ToolCall, ...]:
    if not _METRICS.search(question) or _OTHER_MODELS.search(question) or _about_the_method(question, models):
        return ()
    if not _OF_A_MODEL.search(question) or not (_NOW.search(question) or _names_a_model(question, models)):
        return ()
    version = "challenger" if _CHALLENGER.search(question) else "latest" if _NEWEST.search(question) else "champion"
    return tuple(ToolCall("model_metrics", {"model": model.name, "version": version}) for model in _meant(question, models))


def _about_the_method(question: str, models: Sequence[AskedModel]) -> bool:
    """Tell whether a question asks how something works or is done, and not how it stands."""
    if _METHOD_OF.match(question):
        return True
    opens = _METHOD_OPENS.match(question.lstrip())
    if opens is None:
        return False
    return not (_names_a_model(question, models) and _words("perform", "doing", "difference").search(question))


def _meant(question: str, models: Sequence[AskedModel]) -> Sequence[AskedModel]:
    return mentioned_models(question, models) or models


def _names_a_model(question: str, models: Sequence[AskedModel]) -> bool:
    """Tell whether a question names a model: a declared data set, or a kind beside the word."""
    return bool(_named_model().search(question)) or any(model.named_by.search(question) for model in models if not model.ships)


@cache
def _made_up() -> re.Pattern[str]:
    things = "|".join(thing for model in shipped_models() for thing in model.words.things)
    return _words(
        *(f"(?:score|rate|predict|assess|evaluate).*(?:{things}|row)", "what if", "hypothetical", "suppose", "imagine"),
        *("made-up", f"would.*(?:{things})", f"(?:{things}).*would", "how (?:risky|likely|suspicious)"),
    )


@cache
def _named_model() -> re.Pattern[str]:
    named, models = "|".join(model.name for model in shipped_models()), "models?|champions?|challengers?"
    return _words(f"(?:{named}).*(?:{models})", f"(?:{models}).*(?:{named})")
