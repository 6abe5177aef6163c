"""The choice between the models that can be asked, which several tabs begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from fusionguard.assistant.asked import AskedModel


def choose_model(models: Sequence[AskedModel], elem_id: str, **layout: Any) -> gr.Radio:
    """Return the choice; the first model is chosen at first."""
    choices = [(model.label, model.name) for model in models]
    return gr.Radio(choices, value=models[0].name, label="Model", elem_id=elem_id, **layout)
