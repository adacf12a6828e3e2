"""A callback ticket in a real Chromium: noted from the call by two keys, then taken, called and in hand on the desk."""

from __future__ import annotations

from playwright.sync_api import expect
from sqlalchemy import select

from cti.store.models import Ticket
from tests.fakes.site import Site
from tests.unit.test_web_pages_browser import SLOW, OpenPage, chromium, open_page, site, state

__all__ = ["chromium", "open_page", "site"]


def only_ticket(site: Site) -> Ticket:
    with site.sessions() as session:
        return session.scalars(select(Ticket)).one()


def test_a_caller_is_noted_by_two_keys_and_called_back_by_one_more(site: Site, open_page: OpenPage) -> None:
    page = open_page("agent1", "/desktop")
    keys = page.keyboard
    state(page, "notReady")
    keys.press("Alt+r")
    state(page, "ready")
    site.engine.call_in("19900000012")
    expect(page.locator("#pop[data-match=one]")).to_be_visible(timeout=SLOW)
    keys.press("F2")
    state(page, "talking")

    keys.press("Alt+a")
    keys.press("Enter")
    expect(page.locator("#cy-ticket")).to_be_hidden(timeout=SLOW)
    expect(page.locator("#toasts")).to_contain_text("The callback is noted.", timeout=SLOW)
    ticket = only_ticket(site)
    assert (ticket.number, ticket.customer_id, ticket.queue_id) == ("+8619900000012", 12, "orders")
    assert ticket.name

    keys.press("F4")
    state(page, "workingAfterCall")
    page.goto(f"{site.url}/followup")
    state(page, "workingAfterCall")
    expect(page.locator(f"#take-{ticket.id}")).to_be_visible()
    keys.press("Alt+x")
    held = page.locator(f"#cy-desk [data-held='{ticket.id}']")
    expect(held).to_be_visible(timeout=SLOW)  # the call out brings the desk, and the ticket with it
    assert only_ticket(site).held_by == site.user("agent1").id
    held.locator("[name=note]").fill("rang for long")
    keys.press("Enter")  # no result: goes to the first button
    expect(held.get_by_role("button", name="Ordered")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(held).to_be_hidden(timeout=SLOW)
    assert (only_ticket(site).tries, only_ticket(site).held_by) == (1, None)
