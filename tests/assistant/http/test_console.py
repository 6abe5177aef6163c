"""The console in a real browser: each tab is used as people use it, and nothing is asked of anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fusionguard.assistant.http.feedback import feedback_file
from tests.assistant.http.conftest import RunningAssistant
from tests.browser.test_dashboard import ARTIFACTS, CHROMIUM
from tests.monitoring.conftest import fraud_profile_bundle, fraud_reference

__all__ = ["fraud_profile_bundle", "fraud_reference"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium"),
]
WAIT = 60_000
SHOWN = {
    "Assistant": "#question",
    "Monitoring": "#verdict .fg-badge",
    "Models": "#models-told table",
    "Score": "#score-fraud",
}
"""What each tab shows in the end."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page(browser: Any, console: RunningAssistant) -> Iterator[Any]:
    """A page that has been opened; in the end nothing may have left its origin, and nothing may have failed in it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    requested: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requested.append(request.url))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{console.address}/")
    opened.get_by_role("tab", name="Assistant").wait_for(timeout=WAIT)
    yield opened
    opened.close()
    assert [url for url in requested if not url.startswith((f"{console.address}/", "data:"))] == []
    assert errors == []
    assert "Traceback" not in console.output.read_text()


def ask(page: Any, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def open_tab(page: Any, tab: str) -> None:
    entry = page.get_by_role("tab", name=tab)
    if not entry.is_visible():  # Gradio folds tabs that do not fit into a menu
        page.locator(".overflow-menu button").first.click()
        entry = page.locator(".overflow-dropdown").get_by_text(tab)
    entry.click()


def test_the_assistant_answers_with_passages_that_open(page: Any, console: RunningAssistant) -> None:
    assert page.get_by_text("You are talking to an automated assistant").is_visible()
    assert page.locator("#thumb-up").is_disabled()
    ask(page, "How do I start the scoring service?")
    source = page.locator("#sources details").first
    source.wait_for(timeout=WAIT)
    assert not source.locator(".fg-passage").is_visible()
    source.locator("summary").click()
    assert source.locator(".fg-passage").is_visible()
    assert len(source.locator(".fg-passage").inner_text()) > 40
    assert "docs/" in source.locator("summary").inner_text()
    page.screenshot(path=str(ARTIFACTS / "console_assistant.png"))
    page.locator("#thumb-up").click()
    page.get_by_text("Thank you.").wait_for(timeout=WAIT)
    kept = json.loads(feedback_file(console.home).read_text().splitlines()[-1])
    assert (kept["thumb"], kept["kind"]) == ("up", "answer")
    assert page.locator("#thumb-up").is_disabled()
    page.get_by_label("Executive: the short of it").check()
    ask(page, "Who won the football championship of Uruguay in 1967?")
    page.get_by_text("No answer was found").wait_for(timeout=WAIT)
    assert page.locator("#sources details").count() == 0
    page.get_by_role("button", name="New conversation").click()
    page.get_by_text("No answer was found").wait_for(state="detached", timeout=WAIT)


def test_markup_of_a_question_is_text(page: Any) -> None:
    ask(
        page,
        "<img src=x onerror=\"document.title='taken'\"> <script>document.title='taken'</script> ![a](http://evil.example/a.png)",
    )
    page.locator("#chat .bot").first.wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    assert page.title() == "FusionGuard"
    assert page.locator("#chat img").count() == 0
    assert page.locator("#chat .user").get_by_text("![a](http://evil.example/a.png)").is_visible()


def test_stop_breaks_an_answer_off_and_the_next_one_comes(page: Any) -> None:
    page.get_by_label("Your question").fill("How do I start the scoring service?")
    page.evaluate("document.querySelector('#ask').click(); document.querySelector('#stop').click()")
    page.wait_for_timeout(1_000)
    ask(page, "How do I make an API key?")
    page.locator("#sources details").first.wait_for(timeout=WAIT)


def test_monitoring_shows_drift_and_what_other_limits_would_say(page: Any) -> None:
    page.get_by_role("tab", name="Monitoring").click()
    verdict = page.locator("#verdict .fg-badge")
    verdict.wait_for(timeout=WAIT)
    assert verdict.inner_text() == "act"
    page.locator("#features img").wait_for(timeout=WAIT)
    page.get_by_text("as it was").wait_for(timeout=WAIT)
    assert page.locator("#timeline img").is_visible() and page.locator("#outcomes img").is_visible()
    assert page.get_by_text("SIMULATED data").first.is_visible()
    assert "0.710 (0.640 to 0.770)" in page.locator("#outcomes table").inner_text()
    told = page.locator("#what-if-told")
    assert "as it was" in told.inner_text()
    page.set_viewport_size({"width": 1280, "height": 1180})
    page.screenshot(path=str(ARTIFACTS / "console_monitoring.png"))
    page.locator("#features details summary").click()
    assert page.locator("#features table tbody tr").first.inner_text().split()[0] == "V14"
    assert page.locator("#features table tbody tr").first.locator(".fg-badge").inner_text() == "act"  # all its values moved alike
    number = page.locator("#limit-psi_act input[type=number]")
    number.fill("0.12")
    number.press("Enter")
    number.blur()
    page.locator("#features table tbody tr").first.locator(".fg-act").wait_for(state="attached", timeout=WAIT)
    assert "instead of" in told.inner_text() or "findings ask to act" in told.inner_text()
    number.fill("0.05")
    number.blur()
    page.get_by_text("'act' must not lie below 'watch'").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Back to the limits of the run").click()
    page.get_by_text("as it was").wait_for(timeout=WAIT)
    page.get_by_label("Churn").first.check()
    page.get_by_text("No monitoring run yet").wait_for(timeout=WAIT)


def test_models_are_compared_with_plots_and_card(page: Any) -> None:
    page.get_by_role("tab", name="Models").click()
    told = page.locator("#models-told")
    told.locator("table").first.wait_for(timeout=WAIT)
    assert "0.800 (0.700 to 0.900)" in told.locator("table").first.inner_text()
    assert told.get_by_text("SIMULATED").first.is_visible()
    assert told.locator(".fg-plots").first.locator("img").count() == 2
    told.get_by_text("Model card of the champion").click()
    assert told.get_by_role("heading", name="Intended use").is_visible()
    page.screenshot(path=str(ARTIFACTS / "console_models.png"))


def test_an_example_is_scored_and_a_wrong_value_is_told(page: Any) -> None:
    page.get_by_role("tab", name="Score").click()
    told = page.locator("#score-told")
    page.locator("#unusual-fraud").click()
    page.wait_for_timeout(500)
    page.locator("#score-fraud").click()
    told.get_by_text("Probability of fraud").wait_for(timeout=WAIT)
    assert told.get_by_text("SIMULATED").is_visible()
    assert told.locator("table tbody tr").count() == 8
    page.screenshot(path=str(ARTIFACTS / "console_score.png"))
    page.locator("#field-fraud-Amount input").fill("-5")
    page.locator("#score-fraud").click()
    told.get_by_text("Amount must be a finite number from 0").wait_for(timeout=WAIT)
    page.locator("#score-family").get_by_label("Churn").check()
    page.locator("#score-churn").wait_for(timeout=WAIT)
    page.locator("#score-churn").click()
    told.get_by_text("Probability of leaving").wait_for(timeout=WAIT)


def test_on_a_phone_nothing_is_wider_than_the_page(page: Any) -> None:
    page.set_viewport_size(PHONE)
    for tab, what in SHOWN.items():
        open_tab(page, tab)
        page.locator(what).first.wait_for(timeout=WAIT)
        page.wait_for_timeout(1_500)
        width = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=str(ARTIFACTS / f"console_phone_{tab.lower()}.png"), full_page=True)
        assert width <= PHONE["width"], tab


def test_the_keyboard_reaches_question_and_buttons_in_their_order(page: Any) -> None:
    page.get_by_label("Your question").focus()
    page.keyboard.type("How do I start the scoring service?")
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.innerText"))
    assert [each for each in reached if each in ("ask", "stop", "clear")] == ["ask", "stop", "clear"]
    page.get_by_label("Your question").focus()
    page.keyboard.press("Enter")
    page.locator("#sources details").first.wait_for(timeout=WAIT)
    summary = page.locator("#sources summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#sources .fg-passage").first.is_visible()
