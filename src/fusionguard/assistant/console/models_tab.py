"""The tab *Models*: champion and challenger side by side, their plots and their cards."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.console.choices import choose_family
from fusionguard.assistant.console.html import empty, markdown, pane, picture, shown, table, tiles, warning
from fusionguard.assistant.tools.kept import KnownVersion, know_version
from fusionguard.errors import FusionGuardError, RegistryError, UnknownChoiceError
from fusionguard.home import Home

_SHAP = ("importance", "summary")
_CAPTIONS = {"importance": "SHAP: what moves the scores most", "summary": "SHAP: how each feature moves them"}


class ModelsTab:
    """What is known of the models that are registered."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def build(self, tab: gr.Tab) -> None:
        """Put the tab together; call it within the page's blocks."""
        family = choose_family("models-family")
        told = pane("<p class='fg-muted'>Reading the registry takes some seconds the first time.</p>", elem_id="models-told")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "concurrency_limit": 2}
        for chosen in (tab.select, family.change):
            chosen(self._tell, family, told, **private)

    def _tell(self, family: str) -> str:
        try:
            return shown(self._told(family))
        except FusionGuardError as error:
            return shown(warning(str(error)))

    def _told(self, family: str) -> str:
        try:
            champion = know_version(self._home, family, "champion")
        except (RegistryError, UnknownChoiceError):
            return empty(f"No {family} model is champion yet", f"make {family}")
        try:
            challenger = know_version(self._home, family, "challenger")
        except UnknownChoiceError:
            challenger = None
        if challenger is not None and challenger.version == champion.version:
            challenger = None
        parts = []
        if champion.simulated or (challenger is not None and challenger.simulated):
            parts.append(warning("Trained on SIMULATED data: these numbers say nothing about real customers."))
        parts.append(_about(champion, challenger))
        parts.append('<h3 class="fg-h">On the test slice, with 95 % intervals</h3>')
        parts.append(_metrics(champion, challenger))
        if champion.gate is not None:
            parts.append(f'<h3 class="fg-h">Gate</h3><p>{escape(champion.gate.reason)}</p>')
        parts += [self._plots_and_card(family, champion, "champion")]
        if challenger is not None:
            parts += [self._plots_and_card(family, challenger, "challenger")]
        return "".join(parts)

    def _plots_and_card(self, family: str, version: KnownVersion, role: str) -> str:
        folder = self._home.models / f"{family}-{version.bundle}"
        plots = {file.stem: file.read_bytes() for file in sorted((folder / "plots").glob("*.png"))}
        parts = []
        of = f"{family} {role}, version {version.version}"
        shap = "".join(picture(plots[name], f"{_CAPTIONS[name]}: {of}.") for name in _SHAP if name in plots)
        if shap:
            parts.append(f'<h3 class="fg-h">What moves the {role}\'s scores (SHAP)</h3><div class="fg-plots">{shap}</div>')
        rest = "".join(picture(plots[name], f"{name.replace('_', ' ')}: {of}.") for name in plots if name not in _SHAP)
        if rest:
            head = f"More plots of the {role}"
            parts.append(f'<details class="fg-more"><summary>{head}</summary><div class="fg-plots">{rest}</div></details>')
        card = folder / "model_card.md"
        if card.is_file():
            text = markdown(card.read_text(encoding="utf-8"))
            parts.append(
                f'<details class="fg-more"><summary>Model card of the {role}</summary><div class="fg-doc">{text}</div></details>'
            )
        else:
            parts.append(f'<p class="fg-muted">The card of the {role} is not in this home: another one trained it.</p>')
        return "".join(parts)


def _about(champion: KnownVersion, challenger: KnownVersion | None) -> str:
    def tile(role: str, version: KnownVersion) -> tuple[str, str, str]:
        told = f"trained {version.trained_at:%Y-%m-%d}, bundle {version.bundle}"
        return role, f"version {version.version}", told

    facts = [tile("Champion", champion)]
    facts.append(
        tile("Challenger", challenger) if challenger is not None else ("Challenger", "none", "nothing waits to replace it")
    )
    if champion.main is not None:
        facts.append((champion.main.label, escape(champion.main.text), "what the gate decides by"))
    return tiles(facts)


def _metrics(champion: KnownVersion, challenger: KnownVersion | None) -> str:
    other = {metric.name: metric.text for metric in challenger.metrics} if challenger is not None else {}
    heads = ["Metric", "Champion"] + (["Challenger"] if challenger is not None else [])
    rows = [
        [escape(metric.label), escape(metric.text)] + ([escape(other.get(metric.name, "–"))] if challenger is not None else [])
        for metric in champion.metrics
    ]
    return table(heads, rows, numbers=range(1, len(heads)))
