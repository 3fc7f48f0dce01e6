"""A page on paper: light, whole, without what is there to be clicked; and the screen afterwards as it was before."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A4 = {"width": 703, "height": 1032}  # within 12 mm of margins
FIRST_BAR = "[data-chart='chart-spend-data'] .bars .point path"
SEEN = """addEventListener("beforeprint", () => {
  const drawn = document.querySelector("[data-chart='chart-spend-data']");
  window.printed = {
    fill: getComputedStyle(drawn.querySelector(".bars .point path")).fill,
    box: drawn.querySelector(".main-svg").getAttribute("viewBox"),
    layers: drawn.querySelectorAll(".trace.bars").length,
  };
})"""


def on_paper(dashboard: Dashboard, path: str) -> Page:
    """A page in the dark theme, as a printer of A4 lays it out."""
    dashboard.page.set_viewport_size(A4)  # type: ignore[arg-type]
    page = dashboard.open(path)
    page.click("[data-theme-toggle]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    return page


@pytest.mark.parametrize("path", ["", "traces/x/?span=c2", "traces/x/?span=c2&view=raw", "traces/", "gpu/", "ledger/"])
def test_paper_is_light_and_nothing_stands_over_its_edge(dashboard: Dashboard, path: str) -> None:
    page = on_paper(dashboard, path)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(18, 24, 27)"
    for what in (".sidebar", ".toolbar", ".button", "dialog"):
        assert page.locator(what).evaluate_all("all => all.filter(one => one.checkVisibility()).length") == 0, what
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    over = "(all, width) => all.filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.innerText)"
    assert page.locator(".table td, .table th, .span-link, .words").evaluate_all(over, A4["width"]) == []


def test_a_trace_is_printed_whole(dashboard: Dashboard) -> None:
    page = on_paper(dashboard, "traces/x/?span=c2")
    cut = "all => all.filter(one => one.scrollHeight > one.clientHeight + 1).map(one => one.className)"
    assert page.locator(".spans, .code > pre, .call pre, .table-wrap").evaluate_all(cut) == []
    assert page.locator(".span-line").count() == 9
    reasoning = page.locator("details.reasoning:not([open]) > .words").first
    assert reasoning.evaluate("one => one.getBoundingClientRect().height") > 0, "what is folded on the screen"
    expect(page.locator(".tabs a:visible")).to_have_text("Conversation")


def test_charts_are_printed_in_light_inks_and_come_back_dark(dashboard: Dashboard) -> None:
    page = dashboard.open()
    bar = page.locator(FIRST_BAR).first
    light = bar.evaluate("e => getComputedStyle(e).fill")
    page.click("[data-theme-toggle]")
    expect(bar).not_to_have_css("fill", light)
    dark = bar.evaluate("e => getComputedStyle(e).fill")
    layers = page.locator("[data-chart='chart-spend-data'] .trace.bars")
    before = layers.count()
    page.locator("[data-legend-of='chart-spend-data'] button").last.click()
    expect(layers).to_have_count(before - 1)
    page.evaluate(SEEN)
    page.pdf()
    printed = page.evaluate("window.printed")
    assert printed["fill"] == light
    assert re.fullmatch(r"0 0 680 \d+", printed["box"])
    assert printed["layers"] == before - 1, "a layer that was taken away stays away"
    expect(bar).to_have_css("fill", dark)
    expect(layers).to_have_count(before - 1)
    chart = page.locator("[data-chart='chart-spend-data']")
    drawing = chart.locator(".main-svg").first
    expect(drawing).not_to_have_attribute("viewBox", re.compile("."))
    expect(drawing).to_have_attribute("width", str(chart.evaluate("e => e.clientWidth")))
