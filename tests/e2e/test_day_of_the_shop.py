"""A day of the shop in the browser: an airing, calls, an order, a callback ticket that becomes an order by a call back;
review, picking, packing, parcels, signatures, a part that comes back, the refund by two people, the settlement with the
carrier; then the books and the reports add up to the same sums."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.orders import OrderStatus, RefundState, SettlementState
from cti.store.models import Airing, Did, Order, Refund, Role, Settlement, Ticket, TicketState, User, utc_now
from cti.store.money import account
from tests.e2e.conftest import DeskMaker, PhoneMaker
from tests.e2e.rig.browser import Desk, Person
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call
from tests.e2e.rig.sip import SipCall, SipPhone

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE = 1000.0
SHOWN, PRODUCT, COST = "8066", "P003", Decimal("300.00")


@pytest.mark.runs_on("asterisk")
async def test_from_the_airing_to_reports_that_add_up(
    centre: Centre, desks: DeskMaker, callers: PhoneMaker, browsers: dict[str, Browser]
) -> None:
    await centre.configure(before_the_day)
    boss = await Person.sign_in(centre, browsers["agent2"], "supervisor", "en")
    await on_the_air(boss.page)
    desk = await (await desks("agent1", "zh_CN")).open()
    await desk.ready()
    first = await ordered_in_the_call(centre, desk, await callers("19900000031"))
    second = await called_back(centre, desk, await callers("19900000032"))
    for order in (first, second):
        await through_the_warehouse(boss.page, order)
    await a_part_comes_back(boss.page, first)
    await settle(boss.page, first, second)
    other = await Person.sign_in(centre, browsers["agent2"], "agent5", "en")
    await pay_back(other.page, first)
    await boss.page.goto("/finance/books")
    await expect(boss.page.locator(".ch-ok")).to_contain_text("add up to the cent")
    with centre.database() as session:
        orders = [session.get_one(Order, order.id) for order in (first, second)]
        piece = orders[0].lines[0].amount / orders[0].lines[0].quantity
        for order, back in zip(orders, (piece, Decimal(0)), strict=True):
            now = account(session, order)
            assert (now.due, now.with_carriers, now.to_refund) == (0, 0, 0)
            assert (now.received, now.refunded, now.credited) == (order.total, back, back)
            assert order.status is OrderStatus.COMPLETED
        assert session.scalars(select(Refund).where(Refund.order_id == first.id)).one().state is RefundState.PAID
        assert session.scalars(select(Settlement)).one().state is SettlementState.CLOSED
        airing = session.scalars(select(Airing).where(Airing.dnis == SHOWN)).one()
        assert {order.airing_id for order in orders} == {airing.id}
        worth = f"{sum((order.total for order in orders), Decimal(0)):,.2f}"
    sums = {"calls": "2", "orders": "2", "amount": worth, "net": worth, "cost": f"{COST:,.2f}"}
    await reports_say(boss.page, airing, sums)
    for person in (desk, boss, other):
        assert not person.errors, person.errors
    await boss.close()
    await other.close()


async def on_the_air(page: Page) -> None:
    """A medium, and the airing that goes on now, with the number and the product that it shows."""
    await page.goto("/media/channels")
    await page.fill("input[name=name]", "Demo TV")
    await page.locator("main form button.btn-primary", has_text="Save").click()
    await expect(page.locator("main table")).to_contain_text("Demo TV")
    await page.goto("/media/airings/new")
    begun = utc_now().astimezone(ZoneInfo("Asia/Shanghai")) - timedelta(minutes=10)
    values = {
        "programme": "Morning show",
        "dnis": SHOWN,
        "starts_at": begun.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (begun + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "products": PRODUCT,
        "cost": str(COST),
    }
    for name, value in values.items():
        await page.fill(f"main [name={name}]", value)
    await page.locator("main form button.btn-primary").click()
    await expect(page.locator("main")).to_contain_text("Morning show")


async def answered(centre: Centre, desk: Desk, caller: SipPhone) -> tuple[SipCall, str]:
    call = await caller.dial(SHOWN, CUSTOMER_TONE)
    call_id = await desk.pop(centre.customer_of(caller.number).name, 12)
    await desk.press("F2")
    await desk.shows("talking")
    return call, call_id


async def hung_up(desk: Desk, call: SipCall) -> None:
    await desk.press("F4")
    await desk.shows("workingAfterCall", "ready")
    await call.becomes("ended", 5)
    await desk.shows("ready", deadline=10)


async def ordered_in_the_call(centre: Centre, desk: Desk, caller: SipPhone) -> Order:
    call, call_id = await answered(centre, desk, caller)
    await desk.save_order(PRODUCT, 2)
    await hung_up(desk, call)
    await finished_call(centre, caller.number)
    with centre.database() as session:
        return session.scalars(select(Order).where(Order.call_id == call_id)).one()


async def called_back(centre: Centre, desk: Desk, caller: SipPhone) -> Order:
    """Noted in a rush by two keys; then called, and the ticket becomes an order with what was on the air."""
    await centre.set_trunk_port(caller.port)
    call, _call_id = await answered(centre, desk, caller)
    await desk.press("Alt+a")
    await expect(desk.page.locator("#cy-ticket")).to_be_visible()
    await desk.press("Enter")
    await expect(desk.page.locator("#cy-ticket")).to_be_hidden()
    await hung_up(desk, call)
    await finished_call(centre, caller.number)
    await desk.page.goto("/followup")
    await desk.shows("ready", "notReady", deadline=10)
    await desk.page.locator("[hx-post$='/next']").click()
    back = await caller.incoming(15)
    await back.answer(CUSTOMER_TONE)
    await desk.shows("talking", deadline=10)
    await desk.page.locator("#cy-desk [data-ticket-order]").click()
    form = desk.page.locator("#order-form")
    await expect(form.locator("[data-text]").first).to_have_value(re.compile(PRODUCT))
    await expect(form.locator("[name=medium]")).not_to_have_value("")
    await expect(form.locator(":focus")).to_have_count(1)
    await desk.press("Control+Enter")
    await expect(desk.page.locator("[data-order-saved]")).to_be_visible(timeout=5000)
    await hung_up(desk, back)

    def done() -> Ticket | None:
        with centre.database() as session:
            found = select(Ticket).where(Ticket.number.endswith(caller.number), Ticket.state == TicketState.ORDERED)
            return session.scalars(found).first()

    ticket = await until("the ticket became an order", done, 5)
    with centre.database() as session:
        return session.get_one(Order, ticket.order_id)


async def reports_say(page: Page, airing: Airing, sums: dict[str, str]) -> None:
    """What the airing brought: the same in the report of media, in that of orders, and on its own page."""
    for path, names in (
        (f"/reports/media?group=airing&medium={airing.medium_id}", ("calls", "orders", "amount", "net", "cost")),
        (f"/reports/orders?airing={airing.number}", ("orders", "amount", "net")),
    ):
        await page.goto(path)
        for name in names:
            await expect(page.locator(f".cr-totals [data-total={name}]")).to_have_text(sums[name])


def before_the_day(session: Session) -> None:
    """A number that nobody else calls, and who approves what the supervisor asks for."""
    usual = session.scalars(select(Did).where(Did.number == "8001")).one()
    session.add(Did(number=SHOWN, name="On the air", target_kind=usual.target_kind, target_id=usual.target_id))
    session.scalars(select(User).where(User.username == "agent5")).one().role = Role.ADMIN


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


async def settle(page: Page, *orders: Order) -> None:
    await page.goto("/finance")
    await page.get_by_role("button", name="New settlement").click()
    for order in orders:
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
