"""The tab *Models*: champion and challenger side by side, their plots and their cards."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.asked import AskedModel
from fusionguard.assistant.console.choices import choose_model
from fusionguard.assistant.console.html import empty, markdown, pane, picture, shown, table, tiles, warning
from fusionguard.assistant.tools.kept import KnownVersion, know_version
from fusionguard.errors import FusionGuardError, RegistryError, UnknownChoiceError
from fusionguard.home import Home
from fusionguard.registry.model_names import how_to_train

_SHAP = ("importance", "summary")
_CAPTIONS = {"importance": "SHAP: what moves the scores most", "summary": "SHAP: how each feature moves them"}


class ModelsTab:
    """What is known of the models that are registered."""

    def __init__(self, home: Home, models: Sequence[AskedModel]) -> None:
        self._home, self._models = home, models

    def build(self, tab: gr.Tab) -> None:
        """Put the tab together; call it within the page's blocks."""
        chosen = choose_model(self._models, "models-family")
        told = pane("<p class='fg-muted'>Reading the registry takes some seconds the first time.</p>", elem_id="models-told")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "concurrency_limit": 2}
        for event in (tab.select, chosen.change):
            event(self._tell, chosen, told, **private)

    def _tell(self, name: str) -> str:
        model = next(each for each in self._models if each.name == name)
        try:
            return shown(self._told(model))
        except FusionGuardError as error:
            return shown(warning(str(error)))

    def _told(self, model: AskedModel) -> str:
        try:
            champion = know_version(self._home, model, "champion")
        except (RegistryError, UnknownChoiceError):
            return empty(f"No {model.name} model is champion yet", how_to_train(model.name))
        try:
            challenger = know_version(self._home, model, "challenger")
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
        parts += [self._plots_and_card(model.name, champion, "champion")]
        if challenger is not None:
            parts += [self._plots_and_card(model.name, challenger, "challenger")]
        return "".join(parts)

    def _plots_and_card(self, name: str, version: KnownVersion, role: str) -> str:
        folder = self._home.models / f"{name}-{version.bundle}"
        plots = {file.stem: file.read_bytes() for file in sorted((folder / "plots").glob("*.png"))}
        parts = []
        of = f"{name} {role}, version {version.version}"
        shap = "".join(picture(plots[plot], f"{_CAPTIONS[plot]}: {of}.") for plot in _SHAP if plot in plots)
        if shap:
            parts.append(f'<h3 class="fg-h">What moves the {role}\'s scores (SHAP)</h3><div class="fg-plots">{shap}</div>')
        rest = "".join(picture(plots[plot], f"{plot.replace('_', ' ')}: {of}.") for plot in plots if plot not in _SHAP)
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
