"""How the console looks: the palette of the plots, the fonts of the system, and one style sheet."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import gradio as gr

from fusionguard.evaluation.plot_style import INK, MAIN, MUTED

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
_SOFT, _SOFT_DARK, _LINK_DARK = "#5b6874", "#a9b6c2", "#8ab8ec"
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
        **_both("body_background_fill", "#fafbfc", "#11181f"),
        **_both("body_text_color", INK, "#e6ebf0"),
        **_both("body_text_color_subdued", _SOFT, _SOFT_DARK),
        **_both("block_label_text_color", _SOFT, _SOFT_DARK),
        **_both("input_placeholder_color", _SOFT, _SOFT_DARK),
        **_both("link_text_color", MAIN, _LINK_DARK),
        **_both("link_text_color_hover", "#184d88", _LINK_DARK),
        **_both("link_text_color_visited", MAIN, _LINK_DARK),
        **_both("link_text_color_active", MAIN, _LINK_DARK),
        **_both("button_primary_background_fill", MAIN, MAIN),
        **_both("button_primary_background_fill_hover", "#184d88", "#184d88"),
        **_both("button_primary_text_color", "#ffffff", "#ffffff"),
        **_both("input_background_fill", "#ffffff", "#1b242d"),
        block_border_width="1px",
        block_shadow="none",
        border_color_accent=MUTED,
    )


def _both(name: str, light: str, dark: str) -> dict[str, Any]:
    """Return a colour for the light scheme and the one for the dark: Gradio takes no dark one from the light."""
    return {name: light, f"{name}_dark": dark}
