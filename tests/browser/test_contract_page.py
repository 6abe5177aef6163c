"""The contract's page in a real browser: the bar that says whether it holds has its colour."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.data.contract_page import contract_page
from fusionguard.data.contract_report import Check, ContractReport, Severity
from tests.browser.test_dashboard import CHROMIUM, FLAGS

GREEN, RED, AMBER = "rgb(42, 125, 79)", "rgb(179, 38, 30)", "rgb(178, 106, 0)"


def _check(success: bool, severity: Severity) -> Check:
    return Check(
        rule="values lie in a range",
        column="Amount",
        success=success,
        severity=severity,
        broken_rows=0 if success else 3,
        example_rows=[] if success else [7],
        observed="-1",
        expected="at least 0",
    )


@pytest.mark.full
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium")
def test_the_bars_of_verdict_and_checks_are_coloured(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    kinds: tuple[tuple[bool, Severity, str], ...] = ((True, "stop", GREEN), (False, "warning", AMBER), (False, "stop", RED))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme)
                for success, severity, colour in kinds:
                    checks = [_check(True, "stop"), _check(success, severity)]
                    holds = success or severity == "warning"
                    report = ContractReport(dataset="fraud", stage="raw data", success=holds, rows=11, checks=checks)
                    (tmp_path / "page.html").write_text(contract_page(report))
                    page.goto((tmp_path / "page.html").as_uri())
                    read = "nodes => nodes.map(n => [getComputedStyle(n).borderLeftColor, getComputedStyle(n).borderLeftWidth])"
                    (verdict,) = page.eval_on_selector_all("p.verdict", read)
                    cells = page.eval_on_selector_all("table:last-of-type tbody td:first-child", read)
                    assert verdict[0] == colour and verdict[1] != "0px"
                    assert [cell[0] for cell in cells] == [GREEN, colour]
                    assert all(cell[1] not in ("0px", "") for cell in cells)
        finally:
            browser.close()
