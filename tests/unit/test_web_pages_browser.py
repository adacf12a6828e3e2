"""The business pages in a real Chromium: choosing a customer and writing an order by keys, a draft over a reload, the
recording's player, the live page. The engine runs on the simulator.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import func, select

from cti.domain.config.routes import TargetKind
from cti.store import divisions
from cti.store.models import Calendar, CallNote, Customer, CustomerPhone, InboundRule, Order, Queue, Trunk
from tests.fakes.site import Site
from tests.pages import FakeWorker, audited, make_call, make_recording
from tests.shop import open_shop
from webui.orders import queries

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("Chromium is not installed: the business pages were not tested in a browser", allow_module_level=True)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
SLOW = 10_000  # ms; a loaded machine
SHARED = "13700000077"
OpenPage = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
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


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[OpenPage]:
    """Sign in and go to a page. A script error or a blocked resource fails the test; 422 is an answer."""
    trouble: list[str] = []
    contexts = []

    def go(username: str, path: str) -> Page:
        context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SLOW)
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" and "422" not in m.text else None)
        page.on("pageerror", lambda e: trouble.append(str(e)))
        context.add_cookies(site.cookies(username))
        page.goto(site.url + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def newest_order(site: Site) -> Order:
    with site.sessions() as session:
        order = queries.get(session, session.scalars(select(func.max(Order.id))).one())
        assert order is not None
        return order


def state(page: Page, name: str) -> None:
    expect(page.locator("#cy-bar")).to_have_attribute("data-state", name, timeout=SLOW)


def test_a_caller_among_several_is_chosen_and_an_order_written_by_keys_alone(site: Site, open_page: OpenPage) -> None:
    with site.sessions() as session:
        session.add_all(CustomerPhone(customer_id=id, number=f"+86{SHARED}") for id in (11, 12))
        session.commit()
    page = open_page("agent1", "/desktop")
    keys = page.keyboard
    state(page, "notReady")
    keys.press("Alt+r")
    state(page, "ready")
    site.engine.call_in(SHARED)
    expect(page.locator("#pop[data-match=many] button.cx-choice").first).to_be_focused(timeout=SLOW)
    keys.press("2")
    pop = page.locator("#pop[data-match=one]")
    expect(pop).to_be_visible(timeout=SLOW)
    chosen = int(pop.get_attribute("data-customer-id") or 0)
    call_id = pop.get_attribute("data-call-id") or ""
    with site.sessions() as session:
        assert session.get_one(CallNote, call_id).customer_id == chosen
    keys.press("F2")
    state(page, "talking")

    keys.press("Alt+o")
    expect(page.locator("#order-form [data-text]")).to_be_focused(timeout=SLOW)
    keys.type("P00")
    expect(page.locator("#order-form [role=option]").nth(1)).to_be_visible(timeout=SLOW)
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.locator("#order-form [data-quantity]").first).to_be_focused()
    keys.type("3")
    keys.press("Enter")
    expect(page.locator("#order-form [data-text]").nth(1)).to_be_focused()
    keys.type("P001")
    keys.press("Enter")
    expect(page.locator("#order-form [data-quantity]").nth(1)).to_be_focused(timeout=SLOW)
    expect(page.locator("#order-form [data-quote]")).not_to_have_attribute("aria-busy", "true", timeout=SLOW)
    preview = page.locator("#order-form [data-total]").inner_text()

    page.reload()
    expect(page.locator("#order-form [data-draft-note]")).to_be_visible(timeout=SLOW)
    expect(page.locator("#order-form [data-total]")).to_have_text(preview)
    page.locator("#order-form [data-quantity]").nth(1).focus()
    keys.press("Control+Enter")
    saved = page.locator("#order-form[data-order-saved]")
    expect(saved).to_be_visible(timeout=SLOW)
    order = newest_order(site)
    assert saved.get_attribute("data-order-saved") == order.number
    assert (order.call_id, order.customer_id, f"{order.total:,.2f}") == (call_id, chosen, preview)
    assert [(line.product.code, line.quantity) for line in order.lines] == [("P002", 3), ("P001", 1)]
    expect(page.locator("#pop details.cx-history")).to_contain_text(order.number, timeout=SLOW)
    assert page.evaluate("Object.keys(sessionStorage).filter(k => k.startsWith('cy-order')).length") == 0


def test_an_unknown_caller_orders_by_keys_alone_and_the_draft_is_there_on_another_machine(
    site: Site, open_page: OpenPage
) -> None:
    with site.sessions() as session:
        divisions.fill(session)
        session.commit()
    page = open_page("agent1", "/desktop")
    keys, box = page.keyboard, page.locator("#order-form [data-quote]")
    state(page, "notReady")
    keys.press("Alt+r")
    state(page, "ready")
    site.engine.call_in("19900008801")
    expect(page.locator("#pop[data-match=none]")).to_be_visible(timeout=SLOW)
    call_id = page.locator("#pop").get_attribute("data-call-id")
    keys.press("F2")
    state(page, "talking")
    keys.press("Alt+o")
    expect(page.locator("#order-form [name=phone]")).to_be_focused(timeout=SLOW)
    keys.press("Enter")
    keys.type("Demo Newcomer")
    keys.press("Enter")
    keys.type("P003")
    keys.press("Enter")
    expect(page.locator("#order-form [data-quantity]")).to_be_focused(timeout=SLOW)
    keys.press("Enter")
    expect(page.locator("#order-form [data-text]").nth(1)).to_be_focused()
    keys.press("Enter")
    expect(page.locator("[name=address]")).to_be_focused()
    for _ in range(2):
        keys.press("Enter")
    expect(page.locator("[name=city]")).to_be_focused()
    keys.type("BJHD")
    keys.press("Enter")
    expect(page.locator("[name=line]")).to_be_focused(timeout=SLOW)
    expect(page.locator("[name=city]")).to_have_value("北京市海淀区")
    with page.expect_response("**/orders/draft", timeout=SLOW):
        keys.type("演示路 7 号")
    expect(box).not_to_have_attribute("aria-busy", "true", timeout=SLOW)
    total = page.locator("#order-form [data-total]").inner_text()
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(f"{site.url}/desktop")
    expect(page.locator("#order-form [name=line]")).to_have_value("演示路 7 号", timeout=SLOW)
    expect(page.locator("#order-form [data-total]")).to_have_text(total, timeout=SLOW)
    keys.press("Control+Enter")
    expect(page.locator("[data-order-saved]")).to_be_visible(timeout=SLOW)
    order = newest_order(site)
    assert (order.customer.name, order.city, order.line) == ("Demo Newcomer", "北京市海淀区", "演示路 7 号")
    assert (order.call_id, order.phone) == (call_id, "+8619900008801")
    expect(page.locator(f"#pop[data-customer-id='{order.customer_id}']")).to_be_visible(timeout=SLOW)
    assert f"{order.total:,.2f}" == total


def test_an_order_that_the_server_refuses_keeps_what_was_typed(site: Site, open_page: OpenPage) -> None:
    page = open_page("supervisor", "/orders/new")
    expect(page.locator("#order-form [name=phone]")).to_be_focused(timeout=SLOW)
    page.keyboard.type("19900000005")
    page.keyboard.press("Enter")
    expect(page.locator("#order-form [name=customer_id]")).to_have_value("5", timeout=SLOW)
    expect(page.locator("#order-form [data-text]")).to_be_focused(timeout=SLOW)
    page.locator("[data-text]").fill("P004")
    page.locator("[data-text]").press("Enter")
    expect(page.locator("[data-quantity]")).to_be_focused(timeout=SLOW)
    page.locator("[data-price]").fill("1.5")
    page.locator("[name=remarks]").fill("<b>&\"' 😀")
    page.locator("[name=address]").select_option("new")
    page.locator("[name=remarks]").press("Control+Enter")
    line = page.locator("[name=line]")
    expect(line).to_be_focused(timeout=SLOW)
    expect(page.get_by_text("Enter an address.")).to_be_visible()
    expect(page.locator("[data-price]")).to_have_value("1.5")
    line.fill("演示路 1 号")
    line.press("Control+Enter")
    expect(page.locator("[data-order-saved]")).to_be_visible(timeout=SLOW)
    order = newest_order(site)
    assert (f"{order.total}", order.remarks, order.line) == ("1.50", "<b>&\"' 😀", "演示路 1 号")


def test_a_recording_is_played_sought_and_sped_up_by_keys(site: Site, open_page: OpenPage) -> None:
    make_recording(site, make_call(site, "heard", agent="1001"))
    page = open_page("supervisor", "/calls/heard")
    player = page.locator("[data-player]")
    expect(player).to_have_attribute("data-waveform", "shown", timeout=SLOW)
    painted = """() => { const c = document.querySelector("[data-wave] canvas");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        return d.filter((v, i) => i % 4 === 3 && v > 0).length / (c.width * c.height) }"""
    assert page.evaluate(painted) > 0.05
    assert audited(site, "recording.listen") == []
    page.locator("[data-wave]").focus()
    page.keyboard.press("+")
    expect(page.locator("[data-speed]")).to_have_value("1.25")
    page.keyboard.press(" ")
    expect(page.locator("[data-clock]")).to_have_text("0:01 / 0:02", timeout=SLOW)
    assert len(audited(site, "recording.listen")) == 1
    page.keyboard.press("Home")
    expect(page.locator("[data-wave]")).to_have_attribute("aria-valuenow", "0", timeout=SLOW)
    expect(page.locator("[data-error]")).to_be_hidden()


def test_the_live_page_follows_without_reloading(site: Site, open_page: OpenPage) -> None:
    page = open_page("supervisor", "/floor")
    agent = page.locator("[data-agent='1003']")
    expect(agent).to_have_attribute("data-state", "loggedOff", timeout=SLOW)
    expect(page.locator("[data-alarms]")).to_be_hidden()
    site.engine.on_duty("1003")
    expect(agent).to_have_attribute("data-state", "ready", timeout=2000)
    site.engine.call_in("19900000012", "<i>x</i>")
    expect(agent).to_have_attribute("data-state", "alerting", timeout=2000)
    expect(agent.locator("small")).to_contain_text("19900000012")
    waiting = site.engine.call_in("19900000013")
    row = page.locator("[data-queue='2001'] .cx-waiting li").last
    expect(row).to_contain_text("19900000013", timeout=2000)
    expect(row.locator("time")).to_have_text("0:01", timeout=3000)
    expect(page.locator("[data-alarms]")).to_contain_text("2001 订购 Orders: too few agents are ready")
    expect(page.locator("[data-queue='2001'] [data-ready]")).to_have_attribute("data-alarm", "")
    site.engine.cut_switch()
    for place in (agent.locator("small"), row):
        expect(place).to_contain_text("the call's switch cannot be reached", timeout=2000)
    site.engine.restore_switch()
    for place in (agent.locator("small"), row):
        expect(place).not_to_contain_text("cannot be reached", timeout=2000)
    site.engine.caller_hangs_up(waiting)
    expect(page.locator(".cx-waiting li", has_text="19900000013")).to_have_count(0, timeout=2000)
    site.engine.stop()
    expect(page.locator("[data-stale-note]")).to_be_visible(timeout=SLOW)
    expect(page.locator("#cy-banners")).to_contain_text("The call engine does not answer")
    site.engine.start()
    expect(page.locator("[data-stale-note]")).to_be_hidden(timeout=SLOW)


def test_figures_of_the_day_and_what_is_out_of_bounds(site: Site, open_page: OpenPage) -> None:
    page = open_page("supervisor", "/floor")
    found = page.evaluate("""async () => {
        const f = await import("/static/js/figures.js");
        const today = { offered: 20, answered: 12, answered_in_target: 9, abandoned: 6, short_abandoned: 3,
            wait_total: 60, handling: 30, handled: 2 };
        const queue = { today, waiting: [{ since: 100 }, { since: 40 }], agents: { ready: 0 } };
        const nothing = { answered: 0, abandoned: 0, offered: 0, answered_in_target: 0 };
        const none = { today: nothing, waiting: [], agents: {} };
        const limits = { wait: 60, level: 80, ready: 1 };
        return [f.level(today), f.abandonment(today), f.speed(today), f.handling(today), f.longest(queue, 110),
            f.alarms(queue, limits, 110), f.alarms(queue, limits, 100), f.alarms(none, limits, 110),
            f.level(nothing), f.level(f.together([queue, queue])), f.level(f.together([]))];
    }""")
    assert found[:5] == [60, 30, 5, 15, 70]
    assert found[5:8] == [["wait", "level", "ready"], ["level", "ready"], []]
    assert found[8:] == [None, 60, None]


def test_a_supervisor_acts_on_the_live_page_by_keys_and_mouse(site: Site, open_page: OpenPage) -> None:
    site.engine.on_duty("1003")
    page = open_page("supervisor", "/floor")
    agent = page.locator("[data-agent='1003']")
    expect(agent).to_have_attribute("data-state", "ready", timeout=SLOW)
    agent.focus()
    page.keyboard.press("Enter")
    page.locator("[data-do='busy-meeting']").focus()
    page.keyboard.press("Enter")
    expect(agent).to_have_attribute("data-state", "notReady", timeout=SLOW)
    expect(agent).to_be_focused(timeout=SLOW)
    site.engine.call_in("19900000013")
    row = page.locator(".cx-waiting li", has_text="19900000013")
    row.click()
    expect(page.locator("[data-choices]")).to_contain_text("Nobody is ready.")
    drop = page.locator("[data-do='drop']")
    drop.click()
    expect(drop).to_have_text("Press again to hang up everybody in the call")
    drop.click()
    expect(row).to_have_count(0, timeout=SLOW)
    agent.click()
    page.get_by_role("checkbox", name="2001").uncheck()
    page.locator("[data-do='queues']").click()
    expect(agent.locator("small")).to_contain_text("other queues until sign-off", timeout=SLOW)
    agent.click()
    page.locator("[data-do='off']").click()
    expect(agent).to_have_attribute("data-state", "loggedOff", timeout=SLOW)
    assert [len(audited(site, f"supervise.{op}")) for op in ("force_not_ready", "drop", "force_logout")] == [1, 1, 1]


def test_a_supervisor_listens_and_takes_over_on_the_live_page(site: Site, open_page: OpenPage) -> None:
    site.set_user("agent2", role="supervisor")
    site.engine.on_duty("1003")
    site.engine.call_in("19900000012")
    site.engine.phone_answers("1003")
    site.engine.until_state("1003", "talking")
    page = open_page("agent2", "/floor")
    agent = page.locator("[data-agent='1003']")
    site.engine.on_duty("1002")
    site.engine.ask("1002", "not_ready", reason="meeting")
    own = page.locator("[data-agent='1002']")
    expect(own).to_have_attribute("data-state", "notReady", timeout=SLOW)
    agent.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-do='listen']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(own.locator("small")).to_contain_text("listens to 1003", timeout=SLOW)
    expect(page.locator("#cy-bar")).to_contain_text("You listen: nobody hears you", timeout=SLOW)
    expect(page).to_have_url(re.compile("/floor$"))
    agent.click()
    expect(page.locator("[data-do='listen']")).to_have_count(0)
    page.locator("[data-do='whisper']").click()
    expect(page.locator("#cy-bar")).to_contain_text("Only the agent hears you", timeout=SLOW)
    agent.click()
    page.locator("[data-do='stop']").click()
    expect(own).to_have_attribute("data-state", "notReady", timeout=SLOW)
    agent.click()
    page.locator("[data-do='intercept']").click()
    expect(page.locator("[data-do='intercept']")).to_have_text("Press again: the agent is out of the call")
    page.locator("[data-do='intercept']").click()
    expect(page).to_have_url(re.compile("/desktop"), timeout=SLOW)
    assert [len(audited(site, f"supervise.{op}")) for op in ("listen", "whisper", "stop", "intercept")] == [1, 1, 1, 1]


def test_customers_are_searched_as_one_types_and_changed_without_a_reload(site: Site, open_page: OpenPage) -> None:
    page = open_page("agent2", "/customers")
    page.evaluate("window.same = true")
    page.locator("input[type=search]").fill("19900000003")
    expect(page.locator("#customer-rows tbody tr")).to_have_count(1, timeout=SLOW)
    page.locator("#customer-rows tbody a").first.click()
    page.get_by_role("link", name="Edit").click()
    page.locator("[data-rows=phones] [data-row-add]").click()
    page.keyboard.type("021 6666 7788")
    page.locator("[data-rows=addresses] [data-row-add]").click()
    page.keyboard.type("上海市")
    page.keyboard.press("Enter")
    page.keyboard.type("演示路 3 号")
    page.keyboard.press("Control+Enter")
    expect(page.locator("dl.cx-facts")).to_contain_text("演示路 3 号", timeout=SLOW)
    assert page.evaluate("window.same") is True
    with site.sessions() as session:
        phones = select(CustomerPhone.number).where(CustomerPhone.customer_id == 3).order_by(CustomerPhone.id)
        assert list(session.scalars(phones)) == ["+8619900000003", "+862166667788"]


def test_a_place_is_found_by_its_initials_in_any_address_and_a_field_changed_in_place(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page("agent1", "/customers/30/edit")
    keys, cities = page.keyboard, page.locator("[data-places]")
    for place, (letters, name) in enumerate((("BJHD", "北京市海淀区"), ("cqyz", "重庆市渝中区"))):
        if place:
            page.locator("[data-rows=addresses] [data-row-add]").click()
        cities.last.fill("")
        cities.last.press_sequentially(letters)
        expect(page.locator(".cx-suggest li").first).to_contain_text(name, timeout=SLOW)
        keys.press("Enter")
        expect(cities.last).to_have_value(name)
        expect(page.locator("[name$='-line']").last).to_be_focused()
    keys.type("演示路 1")
    page.locator(".cx-actions .btn-primary").click()
    level = page.locator(".cu-in-place select").first
    with page.expect_response("**/customers/30/field") as answer:
        level.select_option("vip")
    assert answer.value.status == 204
    with site.sessions() as session:
        customer = session.get_one(Customer, 30)
        assert (customer.level, customer.region, len(customer.addresses)) == ("vip", "110108", 2)


def test_a_trunk_is_made_by_keys_in_four_steps(site: Site, open_page: OpenPage) -> None:
    """A mistake in the last step neither loses the password nor sends it back."""
    worker = FakeWorker(site)
    page = open_page("admin", "/admin/trunks/new")
    keys = page.keyboard
    expect(page.locator("[data-kind=carrier]")).to_be_focused(timeout=SLOW)
    keys.press("Enter")
    expect(page.locator("[name=host]")).to_be_focused(timeout=SLOW)
    keys.press("Enter")
    expect(page.locator("[name=host]")).to_be_focused()
    keys.type("sip.example.com")
    page.locator("[name=username]").fill("02161238000")
    page.locator("[name=secret]").fill("s3cret-in-there")
    keys.press("Enter")
    expect(page.locator("[name=codec_1]")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("[name=caller_id]")).to_be_focused()
    page.locator("[name=dial_rules-0-start]").fill("0")
    page.locator("[name=dial_rules-0-add]").fill("17909")
    page.locator("[name=dial_rules-0-add]").press("Tab")
    page.locator("[name=try_number]").fill("013800138000")
    expect(page.locator("[data-preview=out]")).to_contain_text("goes out as 17909013800138000", timeout=SLOW)
    page.locator("[data-step='4'] [data-row-add]").first.click()
    expect(page.locator("[name=dial_rules-1-start]")).to_be_focused()
    page.locator("[name=numbers-0-number]").fill("8000")
    page.locator("[name=numbers-0-number]").press("Enter")
    expect(page.locator("[name=numbers-0-number]")).to_have_class(re.compile("is-invalid"), timeout=SLOW)
    expect(page.locator("[name=numbers-0-number]")).to_be_focused()
    assert page.evaluate("document.documentElement.outerHTML.includes('s3cret-in-there')") is False
    keys.press("Control+a")
    keys.type("8009")
    page.locator("[name=numbers-0-target]").select_option("queue:orders")
    page.locator("[data-save]").press("Enter")
    expect(page.locator(".alert-success")).to_be_visible(timeout=SLOW)
    with site.sessions() as session:
        trunk = session.get_one(Trunk, "carrier")
        assert (trunk.secret, trunk.dial_rules) == ("s3cret-in-there", [{"prefix": "0", "strip": 0, "add": "17909"}])
    worker.close()


def test_a_trunks_status_and_test_call_are_followed_without_reloading(site: Site, open_page: OpenPage) -> None:
    page = open_page("admin", "/admin/trunks/local")
    page.evaluate("window.same = true")
    switch = {"name": "fake", "up": True, "trunks": {"local": "down"}, "round_trips": {}}
    site.engine.tell("cy.evt.centre", {"switches": [switch], "config_version": 1})
    expect(page.locator("#trunk-status-local")).to_contain_text("Does not answer", timeout=SLOW)
    page.locator("#main input[name=number][required]").fill("13800138000")
    page.keyboard.press("Enter")
    expect(page.locator("[data-test-state=ringing]")).to_be_visible(timeout=SLOW)
    site.engine.outside_is_busy("13800138000")
    expect(page.locator("[data-test-state=failed]")).to_contain_text("engaged", timeout=SLOW)
    assert page.evaluate("window.same") is True


def test_a_queues_agents_are_put_in_order_by_keys_and_its_choice_is_explained(site: Site, open_page: OpenPage) -> None:
    page = open_page("admin", "/admin/queues/service")
    expect(page.locator("[data-when='strategy=longest_idle']")).to_be_visible()
    page.select_option("[name=strategy]", "weighted")
    expect(page.locator("[data-when='strategy=weighted']")).to_be_visible()
    expect(page.locator("[data-when='strategy=longest_idle']")).to_be_hidden()
    rows = page.locator("[data-member]")
    numbers = rows.locator(".cx-num")
    expect(numbers).to_have_text(["1003", "1004", "1005", "1001", "1002", "1100"])
    rows.nth(2).locator("[name$=-weight]").fill("4")
    rows.nth(2).locator("[name$=-weight]").press("Alt+ArrowUp")
    rows.nth(0).locator("[data-down]").click()
    rows.nth(4).locator("[type=checkbox]").check()
    expect(numbers).to_have_text(["1005", "1003", "1004", "1002", "1001", "1100"])
    page.fill("[name=needs-0-name]", "en")
    page.click("[data-row-add]")
    page.locator("[data-row] [name$=-name]").nth(1).fill("vip")
    page.click("form[data-queue-form] .btn-primary")
    page.wait_for_url("**/admin/queues")
    with site.sessions() as session:
        queue = session.get_one(Queue, "service")
        members = [(m.agent.number, m.weight) for m in queue.members]
        assert members == [("1005", 4), ("1003", 1), ("1004", 1), ("1002", 1)]
        assert [need["skill"] for need in queue.needs] == ["en", "vip"]


def test_rules_are_put_in_order_by_keys_and_tried(site: Site, open_page: OpenPage) -> None:
    worker = FakeWorker(site)
    with site.sessions() as session:
        for place, name in enumerate(("First", "Second", "Third")):
            goal = {"target_kind": TargetKind.HANGUP, "callers": ["139"] if name == "Third" else ["138"]}
            session.add(InboundRule(id=name, name=name, order=place, **goal))
        session.commit()
    page = open_page("admin", "/admin/rules")
    page.locator("[data-rule=Third] a").first.focus()
    page.keyboard.press("Alt+ArrowUp")
    names = page.locator("[data-rule] td:nth-child(2)")
    expect(names).to_have_text(["First", "Third", "Second"])
    expect(page.locator("[data-rule=Third] [value=up]")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(names).to_have_text(["Third", "First", "Second"])
    page.fill("[data-rule-test] [name=caller]", "13900000001")
    expect(page.locator("#decision")).to_contain_text("is refused without an answer")
    expect(page.locator("#decision [data-took]")).to_have_text(re.compile("Third"))
    page.fill("[data-rule-test] [name=caller]", "13700000001")
    expect(page.locator("#decision [data-took]")).to_contain_text("No rule takes it")
    worker.close()


def test_a_calendar_is_drawn_while_it_is_typed_and_closed_with_one_click(site: Site, open_page: OpenPage) -> None:
    worker = FakeWorker(site)
    page = open_page("admin", "/admin/calendars/new")
    page.fill("[name=name]", "Office")
    bars = page.locator("#week .cx-week-open")
    expect(bars).to_have_count(5)
    page.fill("[name=day_5]", "9-12 13-17")
    expect(bars).to_have_count(6)
    page.locator("[data-copy]").nth(5).click()
    expect(page.locator("[name=day_6]")).to_have_value("9-12 13-17")
    expect(bars).to_have_count(8)
    page.click("details.cx-more summary")
    page.fill("[name=paste]", "2026-10-01至2026-10-07 国庆节\n2027-01-01 元旦")
    page.click("[name=take]")
    expect(page.locator("[data-row] [name$=-first]").nth(1)).to_have_value("2027-01-01")
    page.click("form[data-calendar-form] .cx-actions .btn-primary")
    page.wait_for_url("**/admin/calendars")
    supervisor = open_page("supervisor", "/admin/calendars")
    expect(supervisor.locator("[name=moment]")).to_be_hidden()
    supervisor.select_option("[name=until]", "moment")
    expect(supervisor.locator("[name=moment]")).to_be_visible()
    supervisor.select_option("[name=until]", "120")
    supervisor.click("button[value=closed]")
    expect(supervisor.locator("[data-state=closed]")).to_be_visible()
    expect(supervisor.locator("[data-calendar]")).to_contain_text("forced by hand")
    with site.sessions() as session:
        kept = session.scalars(select(Calendar)).one()
        assert [day["name"] for day in kept.closed] == ["国庆节", "元旦"]
        assert not kept.override_open
        assert kept.override_until is not None
    worker.close()


# ---------------------------------------------------------------- review of orders


def test_orders_are_reviewed_by_keys(open_page: OpenPage, site: Site) -> None:
    shop = open_shop(site.sessions)
    orders = [shop.order(1) for _ in range(12)]
    page = open_page("supervisor", "/orders/review")
    rows, here = page.locator("tr[data-id]"), page.locator("tr[data-here]")
    page.wait_for_selector("[data-worklist][data-ready]")
    expect(here).to_have_attribute("data-id", str(orders[0]))
    page.keyboard.press("j")
    expect(here).to_have_attribute("data-id", str(orders[1]))
    page.keyboard.press("v")
    page.keyboard.type("wrong number")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(11)
    page.wait_for_selector("[data-worklist][data-ready]")
    page.keyboard.press("a")
    page.keyboard.press("k")
    page.keyboard.press("Space")
    expect(page.locator("[data-slot=marked]")).to_have_text("10")
    page.keyboard.press("c")
    expect(rows).to_have_count(1)
    found = [shop.read(key) for key in orders]
    assert [order.status.value for order in found] == ["new", "cancelled", *["confirmed"] * 10]
