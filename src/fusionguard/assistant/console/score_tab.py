"""The tab *Score*: a form with an example row; the model answers here, and nothing is logged as traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.asked import AskedModel
from fusionguard.assistant.console.choices import choose_model
from fusionguard.assistant.console.html import note, pane, shown, table, tiles, warning
from fusionguard.assistant.console.score_form import ScoreForm
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.scoring import percent
from fusionguard.errors import FusionGuardError
from fusionguard.families.of_bundle import family_of
from fusionguard.home import Home
from fusionguard.serving.launch import release_folder

_STRONGEST = 8
_NOTHING = '<div class="fg-empty">Fill in the form, or take an example, and choose Score.</div>'


class ScoreTab:
    """A form for each model, and the answer beside it."""

    def __init__(self, home: Home, models: Sequence[AskedModel]) -> None:
        self._engines, self._models = ScoringModels(home, release_folder(home)), models

    def build(self) -> None:
        """Put the tab together; call it within the page's blocks."""
        pane(note("Made-up rows only: what is scored here is not logged, and is no traffic for monitoring."))
        chosen = choose_model(self._models, "score-family")
        forms: list[Any] = []
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                starts = [self._form(model, forms, visible=place == 0) for place, model in enumerate(self._models)]
            with gr.Column(scale=2, min_width=300):
                told = pane(_NOTHING, elem_id="score-told")
        for start in starts:
            start(told)

        def choose(name: str) -> list[Any]:
            return [gr.update(visible=name == model.name) for model in self._models for _ in range(2)] + [shown(_NOTHING)]

        chosen.change(choose, chosen, [*forms, told], api_visibility="private", show_progress="minimal")

    def _form(self, model: AskedModel, forms: list[Any], *, visible: bool) -> Callable[[Any], None]:
        """Put a model's form and buttons together, and return what ties them to the place of the answer."""
        form, unusual = ScoreForm(model.family), model.words.form.unusual
        with gr.Group(visible=visible, elem_id=f"form-{model.name}") as group:
            inputs = form.build()
        with gr.Row(visible=visible) as row:
            small: dict[str, Any] = {"size": "sm", "min_width": 120}
            examples = [(gr.Button("Everyday example", elem_id=f"usual-{model.name}", **small), form.values())]
            if unusual:
                button = gr.Button("Unusual example", elem_id=f"unusual-{model.name}", **small)
                examples.append((button, form.values(unusual)))
            score = gr.Button("Score", variant="primary", elem_id=f"score-{model.name}", **small)
        forms += [group, row]

        def start(told: Any) -> None:
            private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
            for button, values in examples:
                button.click(lambda values=values: values, None, inputs, **private)
            score.click(self._answer(model, form), inputs, told, concurrency_limit=2, concurrency_id="score", **private)

        return start

    def _answer(self, model: AskedModel, form: ScoreForm) -> Callable[..., Coroutine[Any, Any, str]]:
        async def answer(*values: Any) -> str:
            try:
                return shown(await asyncio.to_thread(self._score, model.name, form.row(values)))
            except FusionGuardError as error:
                return shown(warning(str(error)))

        return answer

    def _score(self, name: str, row: dict[str, Any]) -> str:
        engine = self._engines.engine(name)
        family = family_of(engine.bundle)
        told = self._engines.explain(name, row)
        answer = dict(zip(family.outputs, told.answer.values, strict=True))
        simulated = engine.bundle.manifest.origin == "simulated"
        colour = "act" if answer["decision"] == family.flagged else "healthy"
        decision = f'<span class="fg-badge fg-{colour}">{escape(answer["decision"])}</span>'
        parts = [warning("The model was trained on SIMULATED data: this says nothing about real customers.")] if simulated else []
        parts.append(
            tiles(
                [
                    ("Decision", decision, ""),
                    (f"Probability of {family.words.chance_of}", percent(answer["probability"]), ""),
                    ("Score", f"{answer['score']:.2f}", "calibrated log-odds"),
                    (family.words.worth, f"{answer[family.worth]:,.2f}", ""),
                ]
            )
        )
        parts.append(f"<p>{escape(told.answer.why[:1].upper() + told.answer.why[1:])}.</p>")
        if answer["reasons"]:
            listed = "".join(f"<li>{escape(reason)}</li>" for reason in answer["reasons"].split("; "))
            parts.append(f'<h3 class="fg-h">Reasons</h3><ul>{listed}</ul>')
        pairs = sorted(zip(told.names, told.values, strict=True), key=lambda pair: -abs(pair[1]))[:_STRONGEST]
        words = family.features.words
        rows = [[escape(words.get(name, name)), f"{value:+.2f}", "raises" if value > 0 else "lowers"] for name, value in pairs]
        parts.append('<h3 class="fg-h">What moved the score most</h3>')
        parts.append(table(("Feature", "Log-odds", "The risk it"), rows, numbers=(1,)))
        parts.append(f'<p class="fg-muted">Model {escape(engine.bundle.version)}</p>')
        return "".join(parts)
