"""A day of the shop in the browser: a call, the order, review, picking, packing, the parcel, its signature, a part that
comes back, the refund by two people, the settlement with the carrier; then the books add up."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from cti.domain.orders import OrderStatus, RefundState, SettlementState
from cti.store.models import Order, Refund, Role, Settlement, User
from cti.store.money import account
from tests.e2e.conftest import DeskMaker, PhoneMaker
from tests.e2e.rig.browser import Person
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.ledger import finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE = 1000.0


@pytest.mark.runs_on("asterisk")
async def test_from_the_call_to_books_that_add_up(
    centre: Centre, desks: DeskMaker, callers: PhoneMaker, browsers: dict[str, Browser]
) -> None:
    await centre.configure(second_administrator)
    number = "19900000031"
    desk = await (await desks("agent1", "zh_CN")).open()
    await desk.ready()
    caller = await (await callers(number)).dial("8001", CUSTOMER_TONE)
    call_id = await desk.pop(centre.customer_of(number).name, 12)
    await desk.press("F2")
    await desk.shows("talking")
    await desk.save_order("P003", 2)
    await desk.press("F4")
    await desk.shows("workingAfterCall", "ready")
    await caller.becomes("ended", 5)
    await finished_call(centre, number)
    with centre.database() as session:
        order = session.scalars(select(Order).where(Order.call_id == call_id)).one()
    boss = await Person.sign_in(centre, browsers["agent2"], "supervisor", "en")
    await through_the_warehouse(boss.page, order)
    await a_part_comes_back(boss.page, order)
    await settle(boss.page, order)
    other = await Person.sign_in(centre, browsers["agent2"], "agent5", "en")
    await pay_back(other.page, order)
    await boss.page.goto("/finance/books")
    await expect(boss.page.locator(".ch-ok")).to_contain_text("add up to the cent")
    with centre.database() as session:
        order = session.get_one(Order, order.id)
        now = account(session, order)
        piece = order.lines[0].amount / order.lines[0].quantity
        assert (now.due, now.with_carriers, now.to_refund) == (0, 0, 0)
        assert (now.received, now.refunded, now.credited) == (order.total, piece, piece)
        assert session.scalars(select(Refund).where(Refund.order_id == order.id)).one().state is RefundState.PAID
        assert session.scalars(select(Settlement)).one().state is SettlementState.CLOSED
        assert order.status is OrderStatus.COMPLETED
    for person in (desk, boss, other):
        assert not person.errors, person.errors
    await boss.close()
    await other.close()


def second_administrator(session: object) -> None:
    """Who approves what the supervisor asks for."""
    user = session.scalars(select(User).where(User.username == "agent5")).one()  # type: ignore[attr-defined]
    user.role = Role.ADMIN


async def through_the_warehouse(page: Page, order: Order) -> None:
    """Keys and a scanner, but for the new carrier."""
    await page.goto(f"/orders/review?q={order.number}")
    await page.wait_for_selector("[data-worklist][data-ready]")
    await page.keyboard.press("c")
    await expect(page.locator("tr[data-id]")).to_have_count(0)
    await at_the_keys(page, "/fulfilment")
    await page.keyboard.press("Enter")
    await expect(page.locator(".ch-sheet")).to_contain_text(order.number)
    await at_the_keys(page, "/fulfilment/pack")
    await page.keyboard.type(order.number)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="All of it is in the parcel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".alert-success")).to_contain_text("is packed")
    await at_the_keys(page, "/fulfilment/carriers")
    await page.keyboard.type("SF")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Demo Express")
    await page.keyboard.press("Enter")
    await expect(page.locator("input[name=code][value=SF]")).to_be_visible()
    await at_the_keys(page, "/fulfilment/ship")
    await page.keyboard.type(order.number)
    await page.keyboard.press("Tab")
    await page.keyboard.type(f"SF{order.number}")
    await page.keyboard.press("Enter")
    await expect(page.locator(".alert-success")).to_contain_text("on its way")
    await step(page, order, "Signed for")


async def at_the_keys(page: Page, path: str) -> None:
    """A page that puts the cursor where one begins, which a browser does some time after loading."""
    await page.goto(path)
    await expect(page.locator("main :focus")).to_have_count(1)


async def step(page: Page, order: Order, name: str) -> None:
    await page.goto(f"/orders/{order.id}")
    await page.locator("[data-steps]").get_by_role("button", name=name).click()
    await expect(page.locator("h1 .badge").first).to_have_text("Signed for")


async def a_part_comes_back(page: Page, order: Order) -> None:
    steps = page.locator("[data-steps]")
    await page.goto(f"/orders/{order.id}")
    await steps.locator("summary", has_text="Take goods back").click()
    await steps.locator("input[name^=take-]").fill("1")
    await steps.locator("input[name=reason]").fill("one too many")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1 .badge").first).to_have_text("Coming back")
    await steps.locator("summary", has_text="Inspect what came back").click()
    await steps.get_by_role("button", name="Inspect what came back").click()
    await expect(page.locator("h1 .badge").first).to_have_text("Signed for")
    await expect(page.locator("[data-account]")).to_contain_text("To approve")
    await expect(page.locator("[data-due]")).to_have_text("0.00")


async def settle(page: Page, order: Order) -> None:
    await page.goto("/finance")
    await page.get_by_role("button", name="New settlement").click()
    await expect(page.locator("main")).to_contain_text(order.number)
    await page.get_by_role("button", name="The rest is as expected").click()
    await expect(page.locator(".cx-total[data-tone=bad]")).to_have_count(0)
    await page.get_by_role("button", name="Close and number").click()
    await expect(page.locator("h1")).to_contain_text(re.compile(r"No\. \d+"))


async def pay_back(page: Page, order: Order) -> None:
    await page.goto("/finance/refunds")
    await page.locator("tr", has_text=order.number).get_by_role("button", name="Approve").click()
    await expect(page.locator("tr", has_text=order.number)).to_have_count(0)
    await page.goto("/finance/refunds?state=approved")
    await page.locator("tr", has_text=order.number).get_by_role("button", name="Was paid").click()
    await expect(page.locator("tr", has_text=order.number)).to_have_count(0)
