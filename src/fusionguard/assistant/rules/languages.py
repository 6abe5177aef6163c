"""The main rules in other languages: words for what is asked and for what it is asked of, near each other in either order."""

from __future__ import annotations

import json
import re
from importlib.resources import files

from fusionguard.assistant.rules.rule import Rule


def rules() -> tuple[Rule, ...]:
    """Return one rule a line of ``languages.json``: a reason, a language, two lists of words."""
    table: dict[str, dict[str, list[str]]] = json.loads(
        files("fusionguard.assistant.rules").joinpath("languages.json").read_text("utf-8")
    )
    return tuple(
        Rule(reason, _near(*words), re.compile(words[2]) if len(words) > 2 else None)
        for reason, languages in table.items()
        for words in languages.values()
    )


def _near(first: str, second: str, *_: str) -> re.Pattern[str]:
    """Words begin where a word does, in scripts that part words."""
    one, other = (rf"(?:\b(?:{each})|(?<=[\u3040-\u9fff])(?:{each}))" for each in (first, second))
    return re.compile(rf"{one}.{{0,60}}?{other}|{other}.{{0,60}}?{one}", re.DOTALL)
