"""The wallboard: who may see it, what is on it, that it follows by itself, says when it is old, and fits its screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.site import Site
from tests.pages import body, browser, statuses
from tests.unit.test_web_pages_browser import SLOW, OpenPage, chromium, open_page, site  # noqa: F401

SCREEN = {"width": 1920, "height": 1080}


@pytest.fixture
def quiet_site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_supervisors_and_administrators_see_it(quiet_site: Site) -> None:
    for path in ("/wallboard", "/wallboard/lines"):
        answers = statuses(quiet_site, "GET", path)
        assert answers["nobody"] in (302, 401)
        assert (answers["agent2"], answers["supervisor"], answers["admin"]) == (403, 200, 200)


def test_no_customer_is_on_it(quiet_site: Site) -> None:
    quiet_site.engine.call_in("19900000013", "A name")
    page = body(browser(quiet_site, "supervisor"), "/wallboard")
    assert "19900000013" not in page
    assert "A name" not in page


def test_lines_in_use_are_counted(quiet_site: Site) -> None:
    def lines() -> Any:
        return browser(quiet_site, "supervisor").get("/wallboard/lines").json

    assert lines() == {"lines": [{"id": "local", "name": "本机 This machine", "in_use": 0, "max": 0}]}
    quiet_site.engine.on_duty("1003")
    quiet_site.engine.call_in("19900000013")
    centre = quiet_site.engine.engine.centre
    quiet_site.engine.until(lambda: len(centre.channels) > 0, "a call is there")
    next(iter(centre.calls.values())).legs[0].trunk = "local"
    assert lines()["lines"][0]["in_use"] == 1


def misfits(page: Page) -> list[str]:
    """What is cut off, or smaller than can be read from five metres."""
    found: list[str] = page.evaluate("""() => {
        const all = [...document.querySelectorAll("[data-wallboard] :is(td, th, b, small, time, h1, span)")];
        const small = all.filter((one) => parseFloat(getComputedStyle(one).fontSize) < 1080 / 30);
        const cut = all.filter((one) => one.matches("td + td, th") && one.scrollWidth > one.clientWidth + 1);
        const outside = all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
        const tiles = all.filter((one) => one.matches(".cw-totals *"));
        const beside = tiles.filter((one) => one.scrollWidth > one.parentElement.clientWidth);
        const told = [...small, ...cut, ...outside, ...beside].map((one) => one.outerHTML);
        return document.documentElement.scrollHeight > innerHeight ? [...told, "too high"] : told;
    }""")
    return found


def test_it_follows_and_says_when_it_is_old(site: Site, open_page: OpenPage) -> None:  # noqa: F811
    page = open_page("supervisor", "/wallboard")
    page.set_viewport_size(SCREEN)
    total = lambda name: page.locator(f"[data-total='{name}'] b")  # noqa: E731
    expect(total("waiting")).to_have_text("0")
    expect(page.locator("[data-stale]")).to_be_hidden()
    site.engine.on_duty("1003")
    expect(total("ready")).to_have_text("1", timeout=SLOW)
    site.engine.call_in("19900000012")
    site.engine.call_in("19900000013")
    expect(total("talking")).to_have_text("1", timeout=SLOW)
    row = page.locator("[data-queue='2001']")
    expect(row.locator("td").nth(1)).to_have_text("2", timeout=SLOW)
    expect(row.locator("td").nth(6)).to_have_attribute("data-alarm", "")
    expect(page.locator("[data-lines]")).to_contain_text("This machine")
    assert not misfits(page), "\n".join(misfits(page))
    _picture(page, "en")
    site.engine.stop()
    expect(page.locator("[data-stale]")).to_contain_text("Not up to date since", timeout=SLOW)
    site.engine.start()
    expect(page.locator("[data-stale]")).to_be_hidden(timeout=2 * SLOW)


def test_it_fits_in_chinese(site: Site, open_page: OpenPage) -> None:  # noqa: F811
    site.set_user("supervisor", locale="zh_CN")
    page = open_page("supervisor", "/wallboard")
    page.set_viewport_size(SCREEN)
    expect(page.locator("h1")).to_have_text("呼叫中心")
    expect(page.locator("[data-total='lines'] small")).to_have_text("占用线路")
    assert not misfits(page), "\n".join(misfits(page))
    _picture(page, "zh_CN")


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("CALLYARD_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/wallboard_{name}.png")
