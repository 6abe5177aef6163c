"""The console can be read in a light and in a dark scheme: every text has a contrast of at least 4.5 to 1 with its ground."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assistant.http.conftest import RunningAssistant
from tests.assistant.http.test_console import PHONE, SHOWN, WAIT, ask, open_tab
from tests.browser.test_dashboard import ARTIFACTS, CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.full,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium"),
]
LEAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, level AA, for text of usual size."""

MEASURE = """() => {
  const parse = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const opacity = element => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= +getComputedStyle(e).opacity;
    return all;
  };
  const shown = element => element.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && element.getClientRects().length && element.getBoundingClientRect().width > 1;
  const found = [];
  const judge = (element, text, colour) => {
    const below = behind(element), ink = parse(colour);
    ink[3] *= opacity(element);
    const value = ratio(over(ink, below), below);
    found.push({text: text.trim().slice(0, 60), contrast: value, at: element.tagName + "." + element.className, colour,
                behind: below.slice(0, 3).join()});
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (node.textContent.trim() && shown(element) && !["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName))
      judge(element, node.textContent, getComputedStyle(element).color);
  }
  for (const field of document.querySelectorAll("input:not([type=checkbox], [type=radio], [type=range]), textarea"))
    if (shown(field))
      judge(field, field.value || field.placeholder, getComputedStyle(field, field.value ? null : "::placeholder").color);
  return found;
}"""
"""What a reader sees of each text: its colour over all that is painted below it, with every opacity."""


@pytest.mark.parametrize("size", [{"width": 1280, "height": 1000}, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_every_tab_stands_out(browser: Any, console: RunningAssistant, scheme: str, size: dict[str, int]) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(f"{console.address}/console/")
    page.get_by_label("Your question").wait_for(timeout=WAIT)
    assert ("dark" in page.evaluate("document.body.className")) == (scheme == "dark")
    texts = judged(page, f"empty_{scheme}_{size['width']}")
    ask(page, "How do I start the scoring service?")
    page.locator("#sources details summary").first.click(timeout=WAIT)
    texts += judged(page, f"assistant_{scheme}_{size['width']}")
    for tab, what in list(SHOWN.items())[1:]:
        open_tab(page, tab)
        page.locator(what).first.wait_for(timeout=WAIT)
        page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
        if tab == "Score":
            page.locator("#score-fraud").click()
            page.locator("#score-told table").wait_for(timeout=WAIT)
        texts += judged(page, f"{tab.lower()}_{scheme}_{size['width']}")
    page.close()
    assert len(texts) > 200 and any("SIMULATED" in text["text"] for text in texts)
    faint = {
        f"{t['text']} ({t['at']}): {t['contrast']:.2f}, {t['colour']} on {t['behind']}" for t in texts if t["contrast"] < LEAST
    }
    assert faint == set()


def judged(page: Any, name: str) -> list[dict[str, Any]]:
    page.mouse.move(0, 0)
    page.wait_for_timeout(1_200)  # Gradio fades in what comes
    page.screenshot(path=str(ARTIFACTS / f"console_{name}.png"), full_page=True)
    texts: list[dict[str, Any]] = page.evaluate(MEASURE)
    return texts
