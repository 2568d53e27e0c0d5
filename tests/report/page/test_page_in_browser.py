"""The page in a real browser: what it loads, how it fits, sorts, and looks in the dark and on paper."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_run import HOSTILE

pytestmark = pytest.mark.run

WIDTHS = (390, 768, 1280)

# The contrast of text with what is behind it, of every element that has text of its own, as WCAG counts it.
CONTRAST = """
() => {
  const parse = (text) => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const light = ([r, g, b]) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((c) => linear(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] === 1) return color;
    }
    return [255, 255, 255, 1];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(script)")) {
    if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const colors = [parse(getComputedStyle(element).color), behind(element)];
    const [a, b] = colors.map(light).sort((x, y) => y - x);
    found.push([element.tagName + "." + element.className, (a + 0.05) / (b + 0.05)]);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser of this machine. Where it must be there, GENBENCH_TEST_BROWSER says so."""
    must = bool(os.environ.get("GENBENCH_TEST_BROWSER"))
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        (pytest.fail if must else pytest.skip)("no Chromium on this machine: looked for " + ", ".join(names))
    if not must:
        pytest.importorskip("playwright.sync_api")
    from playwright.sync_api import Error, sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as driver:
        try:
            started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"] if root else [])
        except Error as error:
            (pytest.fail if must else pytest.skip)(f"{program} cannot be started: {error}")
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(page: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a browser finds the page of the hostile run."""
    file = tmp_path_factory.mktemp("browser") / "report.html"
    file.write_text(page, encoding="utf-8")
    return file.as_uri()


class Tab:
    """An open page, with what it asked for and complained of."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)
        self.address = address

    def check(self) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if url != self.address and not url.startswith("data:")] == []


@pytest.fixture(scope="module")
def tab(browser: Any, address: str) -> Iterator[Tab]:
    """The page at the width of a desk."""
    opened = Tab(browser, address, viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield opened
    opened.context.close()


def rows(page: Any, body: str = "models") -> list[str]:
    return page.eval_on_selector_all(
        f"#mnist-quality tbody.{body} > tr > th", "cells => cells.map(c => c.textContent)"
    )


def values(page: Any, column: int) -> list[float]:
    found = page.eval_on_selector_all(
        f"#mnist-quality tbody.models > tr > :nth-child({column})", "cells => cells.map(c => c.dataset.sort)"
    )
    return [float(value) for value in found]


def test_it_opens_fits_and_loads_nothing(tab: Tab) -> None:
    page = tab.page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{wide} at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    pictures = page.eval_on_selector_all("img", "all => all.map(i => [i.complete, i.naturalWidth, i.width])")
    assert len(pictures) >= 5 and all(done and width > 0 and shown > 0 for done, width, shown in pictures)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('h2')).fontSize") == "26.4px"
    )  # has its style
    assert HOSTILE in rows(page)
    tab.check()


def test_a_click_sorts_by_the_number_and_controls_stay(tab: Tab) -> None:
    page, before, controls = tab.page, rows(tab.page), rows(tab.page, "controls")
    head = page.locator("#mnist-quality thead th").nth(2)
    button = head.get_by_role("button", name="FD")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert values(page, 3) == sorted(values(page, 3)) and rows(page) != before
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert values(page, 3) == sorted(values(page, 3), reverse=True)
    assert rows(page, "controls") == controls
    assert page.eval_on_selector("#mnist-quality table", "t => t.tBodies[1].className") == "controls"
    button.click()
    assert head.get_attribute("aria-sort") is None and rows(page) == before
    tab.check()


def test_the_keyboard_sorts_and_one_column_at_a_time(tab: Tab) -> None:
    page, before = tab.page, rows(tab.page)
    heads = page.locator("#mnist-quality thead th")
    page.locator("#mnist-quality thead button").nth(4).focus()  # precision: more is better
    page.keyboard.press("Enter")
    assert heads.nth(4).get_attribute("aria-sort") == "descending"
    assert values(page, 5) == sorted(values(page, 5), reverse=True)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    sorted_by = page.eval_on_selector_all("#mnist-quality th[aria-sort]", "all => all.length")
    assert heads.nth(3).get_attribute("aria-sort") == "ascending" and sorted_by == 1
    page.locator("#mnist-quality thead button").first.click()  # by name
    names = rows(page)
    assert names == sorted(names, key=str.casefold) and heads.nth(0).get_attribute("aria-sort") == "ascending"
    page.locator("#mnist-quality thead button").first.click()
    page.locator("#mnist-quality thead button").first.click()
    assert rows(page) == before
    tab.check()


def test_models_without_a_number_are_last_either_way(tab: Tab) -> None:
    page = tab.page
    page.evaluate("delete document.querySelector('#mnist-quality tbody.models td:nth-child(3)').dataset.sort")
    lost = rows(page)[0]
    for _ in range(2):
        page.locator("#mnist-quality thead button").nth(2).click()
        assert rows(page)[-1] == lost
    page.reload()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(browser: Any, address: str, scheme: str) -> None:
    tab = Tab(browser, address, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    tab.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    red, green, blue = map(
        int, tab.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)")
    )
    assert (red + green + blue < 150) == (scheme == "dark")
    found = tab.page.evaluate(CONTRAST)
    kinds = {kind.partition(".")[0] for kind, _ in found}
    assert {"P", "TH", "DD", "DT", "A", "SPAN", "FIGCAPTION", "SUMMARY", "CODE"} <= kinds
    assert [(kind, round(ratio, 2)) for kind, ratio in found if ratio < 4.5] == []
    tab.check()
    tab.context.close()


def test_the_name_stays_in_sight_while_a_table_is_scrolled(browser: Any, address: str) -> None:
    tab = Tab(browser, address, viewport={"width": 390, "height": 800})
    box = tab.page.locator("#mnist-throughput .scroll")
    box.evaluate("e => { e.scrollLeft = 400; }")
    name = tab.page.locator("#mnist-throughput tbody th").first
    assert box.evaluate("e => e.scrollLeft") == 400
    left, edge = name.bounding_box()["x"], box.bounding_box()["x"]
    assert abs(left - edge) < 1.5 and name.bounding_box()["width"] < 200
    tab.context.close()


def test_on_paper_it_is_light_whole_and_unfolded(browser: Any, address: str, tmp_path: Path) -> None:
    tab = Tab(browser, address, viewport={"width": 1032, "height": 700}, color_scheme="dark")
    page = tab.page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    beyond = page.eval_on_selector_all(
        "table, img, pre, dl, p",
        "all => all.filter(e => e.getBoundingClientRect().right > 1033).map(e => e.outerHTML)",
    )
    assert beyond == []
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    tab.check()
    tab.context.close()


def test_without_scripts_everything_is_there_and_no_button_is_dead(browser: Any, address: str) -> None:
    tab = Tab(browser, address, java_script_enabled=False)
    assert tab.page.locator("button").count() == 0
    assert tab.page.locator("#mnist-quality tbody.models tr").count() == 5
    assert tab.page.locator(".sorts").first.is_hidden()
    tab.page.locator("details.notes summary").first.click()
    assert tab.page.locator("details.notes li").nth(1).is_visible()
    assert not tab.page.locator(".sorts").first.is_visible()
    tab.context.close()
