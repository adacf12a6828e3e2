"""The agent's page in a real Chromium, with the engine on the simulator: by keyboard, over a reload, in two tabs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from sqlalchemy import select

import webui
from cti.domain.config.queues import Strategy
from cti.store.models import BusyReason, Customer, CustomerPhone, PhoneKind, Queue, Task, utc_now
from tests.fakes.proxy import LinkProxy
from tests.fakes.site import PASSWORD, Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("Chromium is not installed: the agent's page was not tested in a browser", allow_module_level=True)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
SCRIPTS = Path(webui.__file__).parent / "static" / "js"
SLOW = 20_000  # ms; a loaded machine
expect.set_options(timeout=SLOW)
CUSTOMER = "19900000012"  # of the demo data; nobody else answers it


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.listen()
    yield made
    made.close()


class Desk:
    """An agent before the page. ``trouble`` collects what the browser complained about."""

    def __init__(self, browser: Browser, site: Site, username: str = "agent1", by_form: bool = False) -> None:
        self.site = site
        self.context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
        self.trouble: list[str] = []
        if not by_form:
            self.context.add_cookies(site.cookies(username))
        self.page = self.open()
        if by_form:
            self.page.fill("[name=username]", username)
            self.page.fill("[name=password]", PASSWORD)
            self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/desktop")
        self.state("notReady")

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.on("console", lambda m: self.trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.trouble.append(str(e)))
        page.goto(self.site.url + path)
        return page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def state(self, name: str) -> None:
        expect(self.page.locator("#cy-bar")).to_have_attribute("data-state", name)
        expect(self.page.locator("#cy-bar .is-busy")).to_have_count(0)  # a key pressed meanwhile is not taken

    def enabled(self) -> set[str]:
        shown = self.page.locator("#cy-bar [data-act]:not([disabled]):visible")
        return {element.get_attribute("data-act") or "" for element in shown.all()} - {"history"}

    def ready(self) -> None:
        self.press("Alt+r")
        self.state("ready")

    def rung(self, number: str = CUSTOMER) -> str:
        channel = self.site.engine.call_in(number, "Demo Caller")
        self.state("alerting")
        return channel

    def in_call(self) -> str:
        self.ready()
        channel = self.rung()
        self.press("F2")
        self.state("talking")
        return channel

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def desk(browser: Browser, site: Site) -> Iterator[Desk]:
    made = Desk(browser, site)
    yield made
    made.close()
    assert made.trouble == []


def test_a_call_from_ready_to_wrap_up_by_keyboard_alone(desk: Desk) -> None:
    assert desk.enabled() == {"ready", "busy", "away", "dial"}
    desk.ready()
    assert desk.enabled() == {"busy", "away", "dial"}
    desk.rung()
    expect(desk.page.locator("#pop[data-call-id]")).to_be_visible()
    assert {"answer", "hangup"} <= desk.enabled()
    assert "hold" not in desk.enabled()
    expect(desk.page.locator("#cy-call")).to_contain_text("199****0012")
    assert CUSTOMER not in desk.page.content()
    desk.site.engine.phone_answers("1001")
    desk.state("talking")
    assert {"hangup", "hold", "keypad", "transfer"} <= desk.enabled()
    assert "mute" not in desk.enabled(), "the page has no say over a telephone's microphone"
    assert "dial" not in desk.enabled()
    desk.press("F8")
    desk.state("hold")
    desk.press("F8")
    desk.state("talking")
    desk.press("F4")
    desk.state("workingAfterCall")
    expect(desk.page.locator("[data-slot=call-time]")).to_contain_text("s left")
    desk.press("Alt+m", "Alt+n")
    desk.state("ready")


def test_the_customer_is_there_before_the_answer(desk: Desk) -> None:
    desk.ready()
    desk.rung()
    with desk.site.sessions() as session:
        found = select(Customer.name).join(CustomerPhone).where(CustomerPhone.number == f"+86{CUSTOMER}")
        name = session.scalars(found).one()
    expect(desk.page.locator("#pop")).to_contain_text(name)
    expect(desk.page.locator("#cy-bar")).to_have_attribute("data-state", "alerting")


def test_keys_work_while_typing_in_a_field(desk: Desk) -> None:
    desk.press("Alt+l")
    desk.page.keyboard.type("123")
    desk.ready()
    expect(desk.page.locator("#cy-dial input")).to_have_value("123")


def test_busy_with_a_reason_by_keys_and_what_comes_after_the_call(desk: Desk) -> None:
    desk.press("Alt+b", "2")
    expect(desk.page.locator("[data-slot=reason]")).to_have_text("Lunch")
    desk.press("Alt+w")
    expect(desk.page.locator("[data-slot=reason]")).to_contain_text("away")
    desk.in_call()
    desk.press("Alt+b", "1")
    expect(desk.page.locator("[data-slot=reason]")).to_have_text("then busy")


def test_a_reason_that_lasts_longer_than_it_may_is_coloured(browser: Browser, site: Site) -> None:
    with site.sessions() as session:
        session.add(BusyReason(code="lunch", names={"en": "Lunch"}, minutes_a_day=1))
        session.commit()
    desk, floor = Desk(browser, site), browser.new_context(locale="en-GB").new_page()
    try:
        floor.goto(f"{site.url}/floor")
        floor.fill("[name=username]", "supervisor")
        floor.fill("[name=password]", PASSWORD)
        floor.keyboard.press("Enter")
        box = floor.locator('.cx-agent[data-agent="1001"]')
        expect(box).not_to_have_attribute("data-over", "")
        site.engine.agent("1001").used["lunch"] = 180.0
        desk.press("Alt+b", "1")
        expect(desk.page.locator("[data-slot=used]")).to_have_text("3 of 1 min today")
        expect(desk.page.locator("[data-slot=used]")).to_have_attribute("data-over", "")
        expect(box).to_have_attribute("data-over", "")
        expect(box).to_contain_text("over the limit of today")
        desk.press("Alt+r")
        expect(box).not_to_have_attribute("data-over", "")
        assert desk.trouble == []
    finally:
        desk.close()
        floor.context.close()


def test_consult_and_complete_by_keys(desk: Desk) -> None:
    desk.in_call()
    desk.site.engine.on_duty("1002")
    desk.press("F9")
    expect(desk.page.locator("#cy-targets li").first).to_contain_text("1002")
    desk.page.keyboard.type("1002")
    desk.press("Enter")
    desk.site.engine.phone_answers("1002")
    expect(desk.page.locator("#cy-call")).to_contain_text("With")
    assert {"complete", "take_back", "hangup"} <= desk.enabled()
    desk.press("Alt+c")
    desk.state("workingAfterCall")
    desk.site.engine.until_state("1002", "talking")


def test_consult_and_take_back_by_keys(desk: Desk) -> None:
    desk.in_call()
    desk.site.engine.on_duty("1002")
    desk.press("F9")
    expect(desk.page.locator("#cy-targets li").first).to_be_visible()
    desk.page.keyboard.type("1002")
    desk.press("Enter")
    desk.site.engine.phone_answers("1002")
    expect(desk.page.locator("[data-act=take_back]")).to_be_enabled()
    desk.press("Alt+q")
    desk.state("talking")
    expect(desk.page.locator("[data-act=transfer]")).to_be_enabled()


def test_a_conference_by_keys_then_the_third_is_dropped(desk: Desk) -> None:
    desk.in_call()
    desk.site.engine.on_duty("1002")
    desk.press("F9")
    expect(desk.page.locator("#cy-targets li").first).to_be_visible()
    desk.page.keyboard.type("1002")
    desk.press("Enter")
    desk.site.engine.phone_answers("1002")
    expect(desk.page.locator("[data-act=conference]")).to_be_enabled()
    desk.press("Alt+i")
    expect(desk.page.locator("#cy-call")).to_contain_text("Conference with")
    expect(desk.page.locator("[data-slot=state]")).to_have_text("Conference")
    expect(desk.page.locator("[data-act=complete]")).to_contain_text("Leave")
    expect(desk.page.locator("[data-act=conference]")).to_be_hidden()
    desk.press("Alt+q")
    expect(desk.page.locator("[data-act=transfer]")).to_be_enabled()
    desk.state("talking")


def test_a_transfer_that_rings_is_taken_back(desk: Desk) -> None:
    desk.in_call()
    desk.site.engine.on_duty("1002")
    desk.press("F9")
    expect(desk.page.locator("#cy-targets li").first).to_be_visible()
    desk.page.keyboard.type("1002")
    desk.press("Shift+Enter")
    expect(desk.page.locator("#cy-call")).to_contain_text("Transferring to 1002")
    desk.press("Alt+q")
    desk.state("talking")
    expect(desk.page.locator("[data-act=take_back]")).to_be_hidden()


def test_blind_transfer_to_a_queue(desk: Desk) -> None:
    desk.in_call()
    desk.press("F9")
    expect(desk.page.locator("#cy-targets li").first).to_be_visible()
    desk.page.keyboard.type("2002")
    desk.press("Shift+Enter")
    desk.state("workingAfterCall")


def test_digits_go_out_in_order(desk: Desk) -> None:
    sent: list[str] = []
    desk.in_call()
    desk.page.on("request", lambda r: sent.append(str(r.post_data)) if r.url.endswith("/desktop/command") else None)
    with desk.page.expect_response(lambda answer: '"digits":"9"' in str(answer.request.post_data)):
        desk.press("Alt+k", "1", "2", "#", "9")
    assert [body.split('"digits":"')[1][0] for body in sent] == ["1", "2", "#", "9"]
    expect(desk.page.locator("#cy-keypad [data-slot=sent]")).to_have_text("12#9")
    desk.press("Escape")
    expect(desk.page.locator("#cy-keypad")).not_to_be_visible()


def test_dialling_out_and_again_from_the_history(desk: Desk) -> None:
    desk.press("Alt+l")
    desk.page.keyboard.type("010 6552 0001")
    desk.press("Enter")
    desk.site.engine.outside_answers("01065520001")
    desk.state("talking")
    desk.press("F4")
    desk.state("workingAfterCall")
    desk.press("Alt+n")
    desk.state("notReady")
    desk.press("Alt+j")
    expect(desk.page.locator("#cy-history button").first).to_have_text("010 6552 0001")


def test_a_number_on_a_page_dials_when_clicked(desk: Desk) -> None:
    desk.ready()
    desk.rung()
    desk.site.engine.phone_answers("1001")
    desk.state("talking")
    desk.press("F4")
    desk.state("workingAfterCall")
    desk.page.locator("#pop [data-dial]").first.click()
    desk.site.engine.until(lambda: desk.site.engine.sim.outside(f"+86{CUSTOMER}").ringing, "customer rings")


def test_a_call_that_a_colleague_takes_is_told_and_goes_from_the_page(desk: Desk) -> None:
    engine = desk.site.engine
    queues = tuple(replace(queue, strategy=Strategy.RING_ALL) for queue in engine.config.queues)
    engine.configure(replace(engine.config, queues=queues))
    desk.ready()
    engine.on_duty("1002")
    desk.rung()
    expect(desk.page.locator("#pop[data-call-id]")).to_be_visible()
    engine.phone_answers("1002")
    desk.state("ready")
    name = engine.agent("1002").name
    expect(desk.page.locator("#toasts .alert")).to_have_text(f"{name} has taken the call.")
    expect(desk.page.locator("#pop")).to_have_count(0)
    expect(desk.page.locator("#cy-welcome")).to_be_visible()


def test_a_reload_in_a_call_brings_back_state_customer_and_draft(desk: Desk) -> None:
    desk.in_call()
    note = desk.page.locator("#note-panel textarea").first
    note.fill("half a sentence")
    desk.page.reload()
    desk.state("talking")
    expect(desk.page.locator("#pop[data-call-id]")).to_be_visible(timeout=3000)
    expect(desk.page.locator("#note-panel textarea").first).to_have_value("half a sentence", timeout=3000)
    assert desk.site.engine.agent("1001").call_id


def test_other_pages_keep_the_bar_and_a_ring_brings_the_desk(desk: Desk) -> None:
    desk.ready()
    desk.page.evaluate("window.stillTheSamePage = true")
    desk.page.click("#cy-menu a[href^='/customers']")
    desk.page.wait_for_url("**/customers**")
    expect(desk.page.locator("#cy-menu a[aria-current]")).to_have_attribute("href", "/customers")
    desk.rung()
    expect(desk.page.locator("#pop[data-call-id]")).to_be_visible()
    assert desk.page.evaluate("window.stillTheSamePage") is True


def test_the_note_of_the_call_before_is_saved_and_gone_when_the_next_one_rings(desk: Desk) -> None:
    channel = desk.in_call()
    first = desk.site.engine.agent("1001").call_id
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(status=200, body="<form></form>")

    desk.page.route(f"**/calls/{first}/note", lambda route: take(route) if route.request.method == "POST" else None)
    desk.page.locator("#note-panel textarea").first.fill("firstwords")
    desk.site.engine.caller_hangs_up(channel)
    desk.state("workingAfterCall")
    desk.site.engine.ask("1001", "wrapup_done")  # as when the time is over
    desk.state("ready")
    desk.rung()
    expect(desk.page.locator("#cy-note")).to_be_hidden()
    desk.site.engine.phone_answers("1001")
    desk.state("talking")
    expect(desk.page.locator(f"#note-panel form:not([data-call-id='{first}']) textarea")).to_have_value("")
    expect(desk.page.locator("#cy-note")).to_be_visible()
    assert len(sent) == 1
    assert "firstwords" in sent[0]


def test_lost_links_are_told_and_taken_back(desk: Desk) -> None:
    lines = desk.page.locator("#cy-banners")
    desk.site.engine.cut_switch()
    expect(lines).to_contain_text("switch")
    desk.site.engine.restore_switch()
    expect(lines).to_be_empty()
    desk.site.engine.stop()
    expect(lines).to_contain_text("engine", timeout=10_000)
    desk.site.engine.start()
    expect(lines).not_to_contain_text("engine", timeout=10_000)


def test_a_page_that_loses_its_net_has_the_call_again_with_it(browser: Browser, site: Site) -> None:
    """It says so, and shows what has come of the call meanwhile."""
    wire = LinkProxy("127.0.0.1", int(site.url.rpartition(":")[2]))
    loop = site.engine.loop
    assert loop is not None

    def do(step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, loop).result(5)

    do(wire.start())
    site.url = f"http://127.0.0.1:{wire.port}"
    desk = Desk(browser, site)
    channel = desk.in_call()
    do(wire.cut())
    expect(desk.page.locator("#cy-link")).to_be_visible()
    desk.state("talking")
    assert site.engine.agent("1001").call_id
    site.engine.caller_hangs_up(channel)
    do(wire.restore())
    expect(desk.page.locator("#cy-link")).to_be_hidden()
    desk.state("workingAfterCall")
    desk.close()
    do(wire.stop())


def test_no_answer_sets_busy_and_says_why(desk: Desk) -> None:
    desk.ready()
    desk.rung()
    agent = desk.site.engine.agent("1001")
    desk.site.engine._do(lambda: desk.site.engine.sim.phone("1001").reject())
    desk.state("notReady")
    desk.site.engine.until(lambda: agent.notice, "a notice")
    expect(desk.page.locator("#toasts .alert").first).to_be_visible()


def test_a_desk_phone_that_comes_back_brings_its_agent_back_on_duty(desk: Desk) -> None:
    engine = desk.site.engine
    agent, phone = engine.agent("1001"), engine.sim.phone("1001")

    def time_passes() -> None:
        assert engine.runner is not None
        engine.runner._fire(f"device:{agent.agent_id}")

    desk.ready()
    engine._do(phone.unregister)
    engine.until(lambda: not agent.registered, "unregistered")
    engine._do(time_passes)
    desk.state("notReady")
    expect(desk.page.locator("#toasts .alert").first).to_be_visible()
    engine._do(phone.register)
    desk.state("ready")
    engine._do(phone.unregister)
    engine.until(lambda: not agent.registered, "unregistered")
    engine._do(time_passes)
    desk.state("notReady")
    engine._do(time_passes)
    desk.state("loggedOff")
    engine._do(phone.register)
    desk.state("notReady")
    assert "ready" in desk.enabled()


def test_signing_out_in_a_call_is_refused_and_works_after_it(desk: Desk) -> None:
    desk.in_call()
    desk.page.click("#cy-me summary")
    desk.page.click("[data-logout] button")
    expect(desk.page.locator("#toasts")).to_contain_text("Finish the call")
    desk.press("F4")
    desk.state("workingAfterCall")
    desk.page.click("#cy-me summary")
    if not desk.page.locator("[data-logout] button").is_visible():
        desk.page.click("#cy-me summary")
    desk.page.click("[data-logout] button")
    desk.page.wait_for_url("**/login")
    desk.site.engine.until_state("1001", "loggedOff")


def test_shortcuts_are_listed_and_every_one_does_something(desk: Desk) -> None:
    desk.press("?")
    expect(desk.page.locator("#cy-shortcuts")).to_contain_text("Alt+R")
    desk.press("Escape")
    desk.press("Alt+/")
    expect(desk.page.locator("#cy-shortcuts")).to_be_visible()
    listed = desk.page.locator("#cy-shortcuts dd kbd").all_text_contents()
    table = desk.page.evaluate("JSON.parse(document.getElementById('cy-keys').textContent)")
    assert listed == [key for binding in table for key in binding["keys"]]
    scripts = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    known = set(re.findall(r'onKeys\("(\w+)"|^  \["(\w+)", (?:\(\) =>|show)', scripts, re.MULTILINE))
    buttons = desk.page.locator("#cy-bar [data-act]").all()
    actions = {name for pair in known for name in pair} | {button.get_attribute("data-act") for button in buttons}
    assert {binding["action"] for binding in table} <= actions


def test_a_reminder_is_noted_in_a_call_by_two_keys_and_told_when_it_is_due(desk: Desk) -> None:
    desk.in_call()
    expect(desk.page.locator("#pop[data-match=one]")).to_be_visible()
    name = desk.page.locator("[data-customer-name]").inner_text()
    desk.press("Alt+t")
    expect(desk.page.locator("#cy-task [name=text]")).to_have_value(f"Call {name} back")
    desk.press("Enter")
    expect(desk.page.locator("#cy-task")).to_be_hidden()
    with desk.site.sessions() as session:
        task = session.scalars(select(Task)).one()
        assert (task.number, task.customer_id is not None) == (CUSTOMER, True)
        task.due_at = utc_now() - timedelta(seconds=1)
        session.commit()
    bell = desk.page.locator("#cy-bell")
    expect(bell).to_have_attribute("data-count", "0")
    desk.site.app.extensions["callyard_reminders"].tell(desk.site.user("agent1").id)
    expect(bell).to_have_attribute("data-count", "1")
    expect(bell.locator("[role=status]")).to_contain_text(name)
    expect(desk.page.locator("#toasts .alert-warning, dialog[open]")).to_have_count(0)
    desk.press("Alt+g")
    bell.get_by_role("button", name="Done").click()
    expect(bell).to_have_attribute("data-count", "0")
    assert CUSTOMER not in desk.page.content()


HIDDEN_TAB = """
  const real = window.setTimeout;
  window.setTimeout = (work, wait = 0, ...rest) => real(work, Math.max(wait, 1000), ...rest);
  const repeat = window.setInterval;
  window.setInterval = (work, wait, ...rest) => repeat(work, Math.max(wait, 60000), ...rest);
  Object.defineProperty(document, "hidden", { get: () => true });
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
"""


def test_a_hidden_tab_whose_timers_the_browser_slows_down_follows_the_call(desk: Desk) -> None:
    desk.context.add_init_script(HIDDEN_TAB)
    desk.page.reload()
    desk.state("notReady")
    desk.ready()
    desk.rung()
    expect(desk.page.locator("#pop[data-call-id]")).to_have_count(1)  # SLOW is short of a slowed repetition
    desk.site.engine.phone_answers("1001")
    desk.state("talking")
    assert "hold" in desk.enabled()
    desk.press("F8")
    desk.state("hold")


def test_one_tab_is_the_phone_and_another_can_take_it_over(browser: Browser, tmp_path: Path) -> None:
    site = Site(tmp_path, PhoneKind.WEB)
    site.listen()
    desk = Desk.__new__(Desk)
    desk.site, desk.trouble, desk.context = site, [], browser.new_context(locale="en-GB")
    try:
        desk.context.add_cookies(site.cookies("agent1"))
        first = desk.open()
        other = "#cy-phone[data-state=other]"
        expect(first.locator("#cy-phone[data-state]")).to_have_count(1)
        expect(first.locator(other)).to_have_count(0)
        second = desk.open("/desktop")
        expect(second.locator("#cy-banners [data-name=tab]")).to_contain_text("in use in another tab")
        expect(second.locator(other)).to_have_count(1)
        second.get_by_role("button", name="Use it here").click()
        expect(second.locator(other)).to_have_count(0)
        expect(first.locator(other)).to_have_count(1)
        expect(first.locator("#cy-banners [data-name=tab]")).to_contain_text("in use in another tab")
        first.get_by_role("button", name="Use it here").click()
        expect(first.locator(other)).to_have_count(0)
        expect(second.locator(other)).to_have_count(1)
    finally:
        desk.close()
        site.close()


def test_one_tab_is_in_control_of_a_desk_phone_and_another_can_take_it_over(desk: Desk) -> None:
    second = desk.open("/desktop")
    expect(second.locator("#cy-banners [data-name=tab]")).to_contain_text("in use in another tab")
    expect(second.locator("#cy-bar [data-act=ready]")).to_be_disabled()
    desk.ready()
    expect(second.locator("#cy-bar")).to_have_attribute("data-state", "ready")
    second.keyboard.press("Alt+w")
    second.evaluate(
        "import('/static/js/agent.js').then(({ command }) => command('not_ready', { reason: 'away' }).catch(() => {}))"
    )
    expect(second.locator("#toasts .alert")).to_contain_text("in use in another tab")
    assert desk.site.engine.agent("1001").state == "ready"
    second.get_by_role("button", name="Use it here").click()
    expect(desk.page.locator("#cy-bar [data-act=busy]")).to_be_disabled()
    second.keyboard.press("Alt+w")
    desk.state("notReady")
    second.close()
    expect(desk.page.locator("#cy-banners [data-name=tab]")).to_have_count(0)
    desk.ready()


def test_another_systems_page_opens_at_the_answer_once(desk: Desk) -> None:
    with desk.site.sessions() as session:
        for queue in session.scalars(select(Queue)):
            queue.pop_url = f"{desk.site.url}/healthz?n={{number}}&who={{caller_name}}&q={{queue}}"
        session.commit()
    desk.ready()
    desk.site.engine.call_in(CUSTOMER, "A & <b>=1#")
    desk.state("alerting")
    with desk.context.expect_page() as opened:
        desk.press("F2")
    opened.value.wait_for_url("**/healthz?**")
    assert f"?n={CUSTOMER}&who={quote('A & <b>=1#', safe='')}&q=" in opened.value.url
    assert opened.value.evaluate("window.opener") is None
    opened.value.close()
    desk.page.reload()
    desk.state("talking")
    expect(desk.page.locator("#note-panel form")).to_be_visible()
    assert len(desk.context.pages) == 1


def test_two_tabs_share_one_stream_and_show_the_same(desk: Desk) -> None:
    desk.ready()
    second = desk.open("/desktop")
    expect(second.locator("#cy-bar")).to_have_attribute("data-state", "ready")
    hub = desk.site.app.extensions["callyard_hub"]
    assert hub.open == 1
    desk.press("Alt+w")
    expect(second.locator("#cy-bar")).to_have_attribute("data-state", "notReady")


def test_chinese_from_the_login_to_the_bar(browser: Browser, site: Site) -> None:
    site.set_user("agent1", locale="zh_CN")
    desk = Desk(browser, site, by_form=True)
    try:
        expect(desk.page.locator("[data-act=ready]")).to_contain_text("就绪")
        assert desk.page.evaluate("document.documentElement.lang") == "zh-CN"
        assert desk.trouble == []
    finally:
        desk.close()
