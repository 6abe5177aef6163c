"""The form of the tab *Score*: an input for each field of a model's rows, and the way from inputs to a row and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from fusionguard.datasets.prepared_names import OTHER
from fusionguard.families.family import ModelFamily
from fusionguard.families.request_fields import Choice, Field, Number

MISSING = "(missing)"
"""What a choice is called where nothing is known; its value is empty, which no category is."""
_LISTED = 30
"""A choice of more values can be searched."""


class ScoreForm:
    """The inputs of one model, in the order of its fields."""

    def __init__(self, family: ModelFamily) -> None:
        self._family = family
        self._fields: tuple[Field, ...] = family.request_fields.all

    def build(self) -> list[Any]:
        """Put the inputs together, those that matter less in an accordion; call it within the page's blocks."""
        form = self._family.words.form
        first = form.first or tuple(field.name for field in self._fields)
        made: dict[str, Any] = {}
        with gr.Row():
            for field in self._fields:
                if field.name in first:
                    made[field.name] = self.input(field)
        if len(made) < len(self._fields):
            with gr.Accordion(form.rest, open=False, elem_id=f"rest-{self._family.model}"), gr.Row():
                for field in self._fields:
                    if field.name not in first:
                        made[field.name] = self.input(field)
        return [made[field.name] for field in self._fields]

    def values(self, changed: Mapping[str, Any] | None = None) -> list[Any]:
        """Return what the inputs show of the example row, some of it changed."""
        row = {**self._family.example_row, **(changed or {})}
        return ["" if row[field.name] is None and isinstance(field, Choice) else row[field.name] for field in self._fields]

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the row that the inputs hold; an empty one is nothing."""
        told = {field.name: value for field, value in zip(self._fields, values, strict=True)}
        return {name: None if value == "" else value for name, value in told.items()}

    def input(self, field: Field) -> Any:
        """Return the input of a field, with what the example row has there."""
        value = self.values()[self._fields.index(field)]
        label = self._family.words.form.labels.get(field.name, field.name)
        named: dict[str, Any] = {"label": label, "elem_id": f"field-{self._family.model}-{_plain(field.name)}"}
        if isinstance(field, Choice):
            others = [OTHER] if OTHER not in field.values and not field.wrong(OTHER) else []
            choices = [*field.values, *others, *([] if field.required else [(MISSING, "")])]
            many = len(choices) > _LISTED
            return gr.Dropdown(choices, value=value, min_width=130, filterable=many, allow_custom_value=False, **named)
        if isinstance(field, Number):
            empty = None if field.required else "may be empty"
            return gr.Number(value=value, min_width=110, step=1 if field.whole else None, info=empty, **named)
        return gr.Textbox(value=value, max_lines=1, info=field.expected, min_width=180, **named)


def _plain(name: str) -> str:
    """Return a field's name as a page takes it for an id."""
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in name)
