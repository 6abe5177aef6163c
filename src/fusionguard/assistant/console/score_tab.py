"""The tab *Score*: a form with an example row; the model answers here, and nothing is logged as traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.console.choices import choose_family
from fusionguard.assistant.console.html import note, pane, shown, table, tiles, warning
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.scoring import percent
from fusionguard.errors import FusionGuardError
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.request_fields import Choice, Field, Number
from fusionguard.home import Home
from fusionguard.serving.launch import release_folder
from fusionguard.serving.requests import wrong

_STRONGEST = 8


class ScoreTab:
    """A form for each family, and the answer beside it."""

    def __init__(self, home: Home) -> None:
        self._models = ScoringModels(home, release_folder(home))

    def build(self) -> None:
        """Put the tab together; call it within the page's blocks."""
        pane(note("Made-up rows only: what is scored here is not logged, and is no traffic for monitoring."))
        family = choose_family("score-family")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        forms = []
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                buttons = {}
                for name in family_names():
                    with gr.Group(visible=name == family_names()[0], elem_id=f"form-{name}") as form:
                        inputs = self._inputs(name)
                    with gr.Row(visible=name == family_names()[0]) as row:
                        usual = gr.Button("Everyday example", size="sm", elem_id=f"usual-{name}", min_width=120)
                        unusual = gr.Button("Unusual example", size="sm", elem_id=f"unusual-{name}", min_width=120)
                        score = gr.Button("Score", variant="primary", size="sm", elem_id=f"score-{name}", min_width=120)
                    forms += [form, row]
                    buttons[name] = (usual, unusual, score, inputs)
            with gr.Column(scale=2, min_width=300):
                told = pane(_NOTHING, elem_id="score-told")
        for name, (usual, unusual, score, inputs) in buttons.items():
            usual.click(lambda name=name: _values(name, {}), None, inputs, **private)
            unusual.click(lambda name=name: _values(name, model_family(name).words.form.unusual), None, inputs, **private)
            answer = self._answer(name)
            score.click(answer, inputs, told, concurrency_limit=2, concurrency_id="score", **private)

        def choose(chosen: str) -> list[Any]:
            return [gr.update(visible=chosen == name) for name in family_names() for _ in range(2)] + [shown(_NOTHING)]

        family.change(choose, family, [*forms, told], **private)

    def _inputs(self, family: str) -> list[Any]:
        """Put a form together; the inputs come back in the order of the fields."""
        row = model_family(family).example_row
        fields = model_family(family).request_fields.all
        form = model_family(family).words.form
        first = form.first or tuple(field.name for field in fields)
        made: dict[str, Any] = {}
        with gr.Row():
            for field in fields:
                if field.name in first:
                    made[field.name] = _input(field, row[field.name], family)
        if len(first) < len(fields):
            with gr.Accordion(form.rest, open=False, elem_id="components"), gr.Row():
                for field in fields:
                    if field.name not in first:
                        made[field.name] = _input(field, row[field.name], family)
        return [made[field.name] for field in fields]

    def _answer(self, family: str) -> Any:
        fields = model_family(family).request_fields.all

        async def answer(*values: Any) -> str:
            faults = [
                f"{field.name} must be {field.expected}."
                for field, value in zip(fields, values, strict=True)
                if wrong(field, value)
            ]
            if faults:
                return shown("".join(warning(fault) for fault in faults[:5]))
            try:
                return shown(await asyncio.to_thread(self._score, family, list(values)))
            except FusionGuardError as error:
                return shown(warning(str(error)))

        return answer

    def _score(self, family: str, values: list[Any]) -> str:
        engine = self._models.engine(family)
        told = engine.explain(values)
        answer = dict(zip(model_family(family).outputs, told.answer.values, strict=True))
        simulated = engine.bundle.manifest.origin == "simulated"
        asked, words = model_family(family), model_family(family).words
        flagged = answer["decision"] == asked.flagged
        colour = "act" if flagged else "healthy"
        decision = f'<span class="fg-badge fg-{colour}">{escape(answer["decision"])}</span>'
        parts = [warning("The model was trained on SIMULATED data: this says nothing about real customers.")] if simulated else []
        parts.append(
            tiles(
                [
                    ("Decision", decision, ""),
                    (f"Probability of {words.chance_of}", percent(answer["probability"]), ""),
                    ("Score", f"{answer['score']:.2f}", "calibrated log-odds"),
                    (words.worth, f"{answer[asked.worth]:,.2f}", ""),
                ]
            )
        )
        parts.append(f"<p>{escape(told.answer.why[:1].upper() + told.answer.why[1:])}.</p>")
        if answer["reasons"]:
            listed = "".join(f"<li>{escape(reason)}</li>" for reason in answer["reasons"].split("; "))
            parts.append(f'<h3 class="fg-h">Reasons</h3><ul>{listed}</ul>')
        pairs = sorted(zip(told.names, told.values, strict=True), key=lambda pair: -abs(pair[1]))[:_STRONGEST]
        rows = [[escape(name), f"{value:+.2f}", "raises" if value > 0 else "lowers"] for name, value in pairs]
        parts.append('<h3 class="fg-h">What moved the score most</h3>')
        parts.append(table(("Feature", "Log-odds", "The risk it"), rows, numbers=(1,)))
        parts.append(f'<p class="fg-muted">Model {escape(engine.bundle.version)}</p>')
        return "".join(parts)


_NOTHING = '<div class="fg-empty">Fill in the form, or take an example, and choose Score.</div>'


def _values(family: str, changed: Mapping[str, Any]) -> list[Any]:
    row = {**model_family(family).example_row, **changed}
    return [row[field.name] for field in model_family(family).request_fields.all]


def _input(field: Field, value: Any, family: str) -> Any:
    elem_id = f"field-{family}-{field.name}"
    if isinstance(field, Choice):
        return gr.Dropdown(list(field.values), value=value, label=field.name, elem_id=elem_id, min_width=130, filterable=False)
    label = model_family(family).words.form.labels.get(field.name, field.name)
    return gr.Number(
        value=value, label=label, elem_id=elem_id, min_width=110, step=1 if isinstance(field, Number) and field.whole else None
    )
