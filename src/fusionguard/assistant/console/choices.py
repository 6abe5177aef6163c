"""The choice between the families there are, which several tabs begin with."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fusionguard.families.catalog import family_names, model_family


def choose_family(elem_id: str, **layout: Any) -> gr.Radio:
    """Return the choice; the first family is chosen at first."""
    choices = [(model_family(name).words.label, name) for name in family_names()]
    return gr.Radio(choices, value=family_names()[0], label="Model", elem_id=elem_id, **layout)
