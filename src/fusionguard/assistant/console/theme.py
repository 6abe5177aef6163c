"""How the console looks: the palette of the plots, the fonts of the system, and one style sheet."""

from __future__ import annotations

from importlib.resources import files

import gradio as gr

from fusionguard.evaluation.plot_style import INK, MAIN, MUTED

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")

CSS = files("fusionguard.assistant.console").joinpath("console.css").read_text(encoding="utf-8")


def make_theme() -> gr.themes.Base:
    """Return the theme: no font, no picture and no style from elsewhere."""
    blue = gr.themes.Color(
        name="fusionguard",
        c50="#eef4fb",
        c100="#d8e6f5",
        c200="#b3cdea",
        c300="#84aedb",
        c400="#4d86c4",
        c500=MAIN,
        c600=MAIN,
        c700="#184d88",
        c800="#143f6f",
        c900="#10325a",
        c950="#0b2340",
    )
    theme = gr.themes.Base(
        primary_hue=blue,
        secondary_hue=blue,
        neutral_hue="slate",
        text_size="md",
        radius_size="md",
        font=SANS,
        font_mono=MONO,
    )
    return theme.set(
        body_background_fill="#fafbfc",
        body_background_fill_dark="#fafbfc",
        body_text_color=INK,
        body_text_color_subdued="#5b6874",
        block_label_text_color="#5b6874",
        block_border_width="1px",
        block_shadow="none",
        button_primary_background_fill=MAIN,
        button_primary_background_fill_hover="#184d88",
        button_primary_text_color="#ffffff",
        border_color_accent=MUTED,
    )
