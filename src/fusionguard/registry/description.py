"""What MLflow's pages say in words about a model, a run and a verdict, as Markdown of named paragraphs."""

from __future__ import annotations

from collections.abc import Mapping

from fusionguard import __version__
from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.families.family import FamilyTraits
from fusionguard.registry.overview import MAIN_METRIC, reading_text
from fusionguard.registry.pipeline_run import PipelineRun

LONGEST = 5000
"""So many characters MLflow's databases keep of the description of a version."""

_CARD = "\n\n---\n\n"
"""Between the paragraphs and the model card."""
_CUT = "\n\n*The rest of the card is `model_card.md` among the artifacts of the run.*"


def describe_model(family: FamilyTraits, provenance: Provenance, metrics: Mapping[str, float]) -> str:
    """Return a few sentences: what it is, the data it was made from, its main metric with the interval."""
    simulated = provenance.simulated
    origin = "SIMULATED" if simulated else provenance.origin
    what = family.title if family.model == family.name else f"{family.title} of the data set '{family.model}'"
    told = f"{what}, made from {provenance.rows:,} rows of {origin} data ({provenance.description})."
    if MAIN_METRIC in metrics:
        read = reading_text(*(metrics.get(f"{MAIN_METRIC}{suffix}") for suffix in ("", "_low", "_high")))
        told += f" Average precision on the test rows: {read}."
    if simulated:
        told += f" Its numbers say nothing about real {family.features.rows}."
    return told


def describe_run(about: str, run: PipelineRun) -> str:
    """Return a run's note: about its model, and what there is to know of how it was made."""
    source = run.source
    state = {True: "with no file changed", False: "with changes that no commit holds", None: ""}[source.clean]
    code = f", commit `{source.commit}` {state}".rstrip() if source.commit else ""
    text = put_paragraph(about, "Started", f"by {source.user} (the operating system's name), as `{source.command}`")
    if source.asked_by:
        text = put_paragraph(text, "Asked for", f"by {source.asked_by}")
    text = put_paragraph(text, "Code", f"FusionGuard {__version__}{code}")
    if run.name:
        opened = f"; `{run.opened_by}` shows it and prints its address" if run.opened_by else ""
        text = put_paragraph(text, "ZenML run", f"[{run.name}]({run.address}){opened}" if run.address else run.name)
    return text


def describe_verdict(verdict: GateVerdict) -> str:
    """Return the gate's verdict in sentences."""
    return f"{'Promoted to champion' if verdict.promoted else 'Not promoted'}. {verdict.reason}"


def put_paragraph(text: str, name: str, content: str) -> str:
    """Return ``text`` with its paragraph of that name replaced, or with a new one; all others, a person's too, stay."""
    head, rule, card = text.partition(_CARD)
    paragraphs, named = head.split("\n\n") if head else [], f"**{name}:** "
    kept = [f"{named}{content}" if paragraph.startswith(named) else paragraph for paragraph in paragraphs]
    if not any(paragraph.startswith(named) for paragraph in paragraphs):
        kept.append(f"{named}{content}")
    return _fit("\n\n".join(kept), card if rule else "")


def put_card(text: str, card: str) -> str:
    """Return ``text`` with the model card below its paragraphs, as many of the card's sections as a description holds."""
    return _fit(text.partition(_CARD)[0], card.strip())


def _fit(head: str, card: str) -> str:
    if not card:
        return head[:LONGEST]
    room = LONGEST - len(head) - len(_CARD)
    if len(card) > room:
        card = card.removesuffix(_CUT.strip()).rstrip()[: max(room - len(_CUT), 0)]
        card = card[: max(card.rfind("\n#"), 0)].rstrip() + _CUT
    return f"{head}{_CARD}{card}"[:LONGEST]
