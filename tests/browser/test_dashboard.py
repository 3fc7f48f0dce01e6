"""What a person does: reads charts, filters, opens a trace, walks by keyboard, switches the theme, uses a narrow
screen.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Dashboard
from tests.browser.sample import HOSTILE, SIZES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATHS = ("", "traces/", "traces/x/", "sessions/", "users/", "ledger/")


@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_quiet_and_runs_no_foreign_script(dashboard: Dashboard, size: str) -> None:
    dashboard.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for path in PATHS:
        if (path, size) == ("traces/x/", "none"):
            continue
        page = dashboard.open(path, size=size)
        assert page.locator("h1").count() == 1
        assert page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_nothing_spills_over_the_edge(dashboard: Dashboard, width: int) -> None:
    dashboard.page.set_viewport_size({"width": width, "height": 800})
    for size in ("much", "broken"):
        for path in PATHS:
            page = dashboard.open(path, size=size)
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (path, size, over)


@pytest.mark.parametrize("width", [390, 1280, 1600])
def test_names_and_tags_of_traces_are_not_cut(dashboard: Dashboard, width: int) -> None:
    dashboard.page.set_viewport_size({"width": width, "height": 800})
    page = dashboard.open("traces/")
    assert page.locator(".traces .tag").count() > 50
    cut = "e => e.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert page.eval_on_selector_all(".traces .row-link, .traces .tag .clip, .traces .model", cut) == []


def test_tags_that_are_left_out_can_be_read(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/")
    assert (
        page.locator(".what-tags", has_text="+2").first.locator("[title]").last.get_attribute("title") == "mobile, eu"
    )


@pytest.mark.parametrize("size", ["little", "much"])
@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_points_stay_inside_their_chart(dashboard: Dashboard, width: int, size: str) -> None:
    dashboard.page.set_viewport_size({"width": width, "height": 800})
    page = dashboard.open("scores/trend/?name=groundedness", size=size)
    chart = page.locator("[data-chart='chart-costs-data'][data-drawn]")
    frame = chart.bounding_box()
    names = chart.locator(".textpoint text")
    assert frame
    assert names.count() == {"little": 1, "much": 5}[size]
    for at in range(names.count()):
        box = names.nth(at).bounding_box()
        assert box
        assert box["x"] >= frame["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"], names.nth(at).text_content()


def test_a_laptop_shows_every_column_of_the_served_models(dashboard: Dashboard) -> None:
    dashboard.page.set_viewport_size({"width": 1280, "height": 800})
    page = dashboard.open("gpu/")
    assert page.locator(".table-wrap", has=page.locator(".serving")).evaluate("e => e.scrollWidth <= e.clientWidth")


def test_charts_are_drawn_in_the_inks_of_the_theme(dashboard: Dashboard) -> None:
    page = dashboard.open()
    bars = page.locator("[data-chart='chart-spend-data'] .bars .point path")
    assert bars.count() > 100
    light = bars.first.evaluate("e => getComputedStyle(e).fill")
    page.click("[data-theme-toggle]")
    expect(bars.first).not_to_have_css("fill", light)
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_chart_has_its_numbers_as_a_table(dashboard: Dashboard) -> None:
    page = dashboard.open()
    page.click("#overview .chart-card:first-child summary")
    assert "$" in page.inner_text("#overview .chart-card:first-child tbody tr:first-child")


def test_a_layer_can_be_taken_away(dashboard: Dashboard) -> None:
    page = dashboard.open()
    item = page.locator("[data-legend-of='chart-spend-data'] button").first
    layers = page.locator("[data-chart='chart-spend-data'] .trace.bars")
    before = layers.count()
    item.click()
    expect(layers).not_to_have_count(before)
    expect(item).to_have_attribute("aria-pressed", "false")


def test_another_range_redraws_without_a_new_page(dashboard: Dashboard) -> None:
    page = dashboard.open()
    page.evaluate("window.stayed = true")
    page.click("text='7d'")
    page.wait_for_url(re.compile(r"range=7d"))
    expect(page.locator("#overview [aria-current]")).to_have_text("7d")
    page.wait_for_selector("[data-chart='chart-latency-data'][data-drawn]")
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page.locator("#overview [aria-current]")).to_have_text("24h")
    page.wait_for_selector("[data-chart='chart-latency-data'][data-drawn]")


def test_filters_go_into_the_address_and_come_off_again(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/")
    page.keyboard.press("/")
    page.keyboard.type("refund")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"traces/\?q=refund$"))
    page.select_option("#filter-model", "gpt-4o-mini")
    page.wait_for_url(re.compile(r"model=gpt-4o-mini"))
    expect(page.locator(".chip")).to_have_count(2)
    page.click("[aria-label='Remove Text refund']")
    page.wait_for_url(re.compile(r"traces/\?model=gpt-4o-mini$"))
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"traces/\??$"))


def test_a_list_is_walked_by_keyboard(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/")
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(page.locator(f"#row-{1:032x}")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"traces/0+1/"))


def test_a_live_list_asks_again_and_keeps_the_focus(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/")
    page.click("text=Live")
    page.wait_for_selector("[data-poll]")
    page.keyboard.press("j")
    dashboard.size = "little"
    with page.expect_response(lambda answer: "live=1" in answer.url, timeout=15_000):
        pass
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(page.locator(f"#row-{0:032x}")).to_be_focused()


def test_choosing_a_span_changes_the_panel_and_the_address(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/x/")
    page.click("text=get_invoice >> nth=0")
    page.wait_for_selector("#span-panel[data-span='t1']")
    page.wait_for_url(re.compile(r"\?span=t1$"))
    expect(page.locator(".span-link[aria-current='true']")).to_have_text(re.compile(r"^\s*get_invoice"))
    page.click("#span-panel >> text=Attributes")
    page.wait_for_url(re.compile(r"view=attributes"))
    page.go_back()
    page.wait_for_selector("#span-panel[data-span='t1']")
    page.reload()
    expect(page.locator("#span-panel")).to_have_attribute("data-span", "t1")


def test_spans_fold_by_keyboard(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/x/")
    rows = page.locator(".span-line:visible")
    expect(rows).to_have_count(9)
    page.locator("[data-span-link]", has_text="get_invoice").focus()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(7)
    page.locator("[data-span-link]", has_text="support-agent").focus()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(7)
    page.click("[aria-label='Fold get_invoice']")
    expect(rows).to_have_count(9)


def test_pictures_are_shown_only_from_the_record(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/x/", size="little")
    assert page.locator(".picture img").get_attribute("src").startswith("data:image/png;base64,")  # type: ignore[union-attr]
    assert page.locator(".reference a").get_attribute("rel") == "noopener noreferrer nofollow"


def test_markup_in_data_is_shown_as_text(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/x/", size="broken")
    assert page.inner_text("h1") == HOSTILE
    assert HOSTILE in page.inner_text("#span-panel .words >> nth=1")


def test_a_body_is_copied(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/x/?view=raw", size="little")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-copy='#raw-request']")
    page.wait_for_selector("text=Copied")
    assert '"stream": true' in page.evaluate("navigator.clipboard.readText()")


def test_the_first_tab_stop_skips_to_the_content(dashboard: Dashboard) -> None:
    page = dashboard.open("traces/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_keys_are_listed_and_go_places(dashboard: Dashboard) -> None:
    page = dashboard.open()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url(re.compile(r"/ledger/$"))


def test_without_scripts_every_page_still_works(dashboard: Dashboard, browser: "Browser") -> None:
    state = dashboard.page.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{dashboard.address}traces/x/")
    page.click("text=get_invoice >> nth=0")
    page.wait_for_url(re.compile(r"\?span=t1$"))
    page.goto(dashboard.address)
    page.click("text='7d'")
    page.wait_for_url(re.compile(r"range=7d$"))
    context.close()


def test_the_system_decides_the_theme_until_somebody_does(
    dashboard: Dashboard, colour_of: Callable[[str], str]
) -> None:
    page = dashboard.open("ledger/")
    light = colour_of("body")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).not_to_have_css("background-color", light)
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_css("background-color", light)
