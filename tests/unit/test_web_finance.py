"""Money in the pages: settlements, refunds by two people, payments, invoices, books that add up."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.domain.orders import RefundState, SettlementState
from cti.machines.order import OrderEvent as E
from cti.store import money
from cti.store.models import Invoice, Payment, Refund, Settlement, utc_now
from cti.store.orders import lock
from tests.fakes.site import Site
from tests.pages import HOSTILE, body, browser, statuses
from tests.shop import Shop, open_shop
from webui.common.permissions import declared
from webui.finance import queries


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


@pytest.fixture
def shop(site: Site) -> Shop:
    return open_shop(site.sessions)


@pytest.fixture
def client(site: Site) -> FlaskClient:
    return browser(site, "supervisor")


def begin(client: FlaskClient, shop: Shop) -> str:
    """The address of a new settlement over these days."""
    day = utc_now().date()
    period = {"since": (day - timedelta(days=7)).isoformat(), "until": (day + timedelta(days=1)).isoformat()}
    answer = client.post("/finance/settlements", data=period | {"carrier": shop.carrier_id})
    return str(answer.headers["Location"])


def do(client: FlaskClient, path: str, act: str, **fields: str) -> str:
    return str(client.post(path, data={"act": act} | fields, follow_redirects=True).text)


def test_a_settlement_from_the_page(site: Site, shop: Shop, client: FlaskClient) -> None:
    for _ in range(2):
        shop.until(shop.order(1), E.SIGN)
    path = begin(client, shop)
    page = body(client, path)
    first, second = re.findall(r'name="reported-(\d+)"', page)
    assert "200.00" in page
    page = do(client, path, "save", **{f"reported-{first}": "90.00", f"fee-{first}": "3", f"note-{first}": HOSTILE})
    assert "<script>alert" not in page
    assert "-110.00" in page
    assert "Write a word" in do(client, path, "close", **{f"reported-{first}": "90.00", f"note-{first}": ""})
    assert "not an amount" in do(client, path, "save", **{f"reported-{second}": "1e5"})
    do(client, path, "agree")
    page = do(client, path, "close", **{f"reported-{first}": "90.00", f"note-{first}": "damage"})
    assert "Closed" in page
    assert "reported-" not in page
    assert "cannot be changed" in do(client, path, "save", **{f"reported-{first}": "1"})
    with site.sessions() as session:
        found = session.scalars(select(Settlement).where(Settlement.carrier_id == shop.carrier_id)).one()
        assert (found.state, found.reported) == (SettlementState.CLOSED, 190)
        assert found.number is not None
    assert "No. " in body(client, path)


def test_a_settlement_from_the_carriers_file(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.until(shop.order(1), E.SIGN)
    path = begin(client, shop)
    waybill = f"W{order_id}-{shop.sent}"
    rows = f"运单号,金额,手续费\n{waybill},100.00,1.50\n{waybill},7,\nX1,abc,\nX2,3.00,\n"
    data = {"act": "file", "file": (io.BytesIO(rows.encode()), "told.csv")}
    page = client.post(path, data=data, follow_redirects=True).text
    assert "2 rows were taken in" in page
    assert "Row 3" in page
    assert "Row 4" in page
    assert "not known" in page
    data = {"act": "file", "file": (io.BytesIO(b"PKxx"), "told.xlsx")}
    assert "cannot be read" in client.post(path, data=data, follow_redirects=True).text
    assert (
        "open settlement"
        in client.post(
            "/finance/settlements",
            data={"carrier": shop.carrier_id, "since": "2026-01-01", "until": "2026-02-01"},
            follow_redirects=True,
        ).text
    )
    do(client, path, "drop")
    assert client.get(path).status_code == 404
    assert client.post(path, data={"act": "eat"}).status_code == 404


def test_what_a_carrier_kept_is_claimed_and_written_off_by_two_people(
    site: Site, shop: Shop, client: FlaskClient
) -> None:
    for _ in range(2):
        shop.until(shop.order(1), E.SIGN)
    path = begin(client, shop)
    first, second = re.findall(r'name="decision-(\d+)"', body(client, path))
    lines = {f"reported-{first}": "90.00", f"note-{first}": HOSTILE, f"decision-{first}": "claim"}
    lines |= {f"reported-{second}": "95.00", f"note-{second}": "wet", f"decision-{second}": "ask"}
    page = do(client, path, "close", **lines)
    claim, asked = re.findall(r'href="(/finance/differences/\d+)"', page)
    assert "Write-off to approve" in page
    page = body(client, claim)
    assert "<script>alert" not in page
    assert "10.00" in page
    step = {"event": "paid", "seen": "claimed", "reason": "letter"}
    assert "what is owed" in client.post(claim, data=step | {"amount": "11"}, follow_redirects=True).text
    page = client.post(claim, data=step | {"amount": "4.00", "reference": "B-9"}, follow_redirects=True).text
    assert "4.00 of 10.00" in page
    assert "Somebody was faster" in client.post(claim, data=step | {"amount": "4.00"}, follow_redirects=True).text
    approve = {"event": "approve", "seen": "asked", "reason": "so be it"}
    assert "A colleague decides" in body(client, asked)
    assert "Ask a colleague" in client.post(asked, data=approve, follow_redirects=True).text
    other = browser(site, "admin")
    assert "a reason is needed" in other.post(asked, data=approve | {"reason": " "}, follow_redirects=True).text
    assert "Written off" in other.post(asked, data=approve, follow_redirects=True).text
    assert other.post(asked, data=approve | {"event": "eat"}).status_code == 400
    page = body(client, f"/finance/differences?carrier={shop.carrier_id}")
    assert page.count('href="/finance/differences/') == 1  # the rest of the claim
    assert "add up to the cent" in body(client, "/finance/books?since=2020-01-01")
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/finance/differences?state=all") == allowed


def test_broken_goods_are_claimed_from_the_page(shop: Shop, client: FlaskClient) -> None:
    order_id = shop.until(shop.order(1), E.SHIP)
    data = {"waybill": f"W{order_id}-{shop.sent}", "amount": "70", "reason": "broken"}
    assert (
        "no such parcel"
        in client.post("/finance/differences/damage", data=data | {"waybill": "x"}, follow_redirects=True).text
    )
    page = client.post("/finance/differences/damage", data=data, follow_redirects=True).text
    assert "Damaged or lost" in page
    assert "70.00" in page


@pytest.mark.parametrize(("since", "until"), [("2026-02-01", "2026-01-01"), ("x", ""), ("2020-01-01", "2026-01-01")])
def test_a_period_that_is_none(client: FlaskClient, shop: Shop, since: str, until: str) -> None:
    data = {"carrier": shop.carrier_id, "since": since, "until": until}
    assert "Check the period" in client.post("/finance/settlements", data=data, follow_redirects=True).text


def test_a_payment_then_a_refund_by_two_people(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.order(1, payment=Payment.BANK_TRANSFER)
    number = shop.read(order_id).number
    assert number in body(client, "/finance/payments")
    path = f"/finance/orders/{order_id}/receive"
    for amount, says in (("100.01", "not what is due"), ("0", "not what is due"), ("x", "not an amount")):
        assert says in client.post(path, data={"amount": amount}, follow_redirects=True).text
    page = client.post(path, data={"amount": "100.00", "reference": "B-1", "back": "order"}, follow_redirects=True).text
    assert "B-1" in page
    client.post(f"/orders/{order_id}/step", data={"event": "void", "reason": "changed mind"})
    with site.sessions() as session:
        refund = session.scalars(select(Refund).where(Refund.order_id == order_id)).one()
    decide, pay = (f"/finance/refunds/{refund.id}/{what}" for what in ("decide", "pay"))
    assert "A colleague decides" in body(client, "/finance/refunds")
    assert "Ask a colleague" in client.post(decide, data={"approve": "yes"}, follow_redirects=True).text
    other = browser(site, "admin")
    assert "Somebody was faster" in other.post(pay, data={}, follow_redirects=True).text
    assert other.post(decide, data={"approve": "yes"}).status_code == 303
    assert client.post(pay, data={"reference": "B-2"}).status_code == 303
    with site.sessions() as session:
        assert session.get_one(Refund, refund.id).state is RefundState.PAID
    assert "B-2" in body(client, "/finance/refunds?state=paid")


def test_who_has_not_paid_is_listed_however_many_before_have(
    site: Site, shop: Shop, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "WAITING", 2)
    taken = [shop.order(1, payment=Payment.BANK_TRANSFER) for _ in range(5)]
    with site.sessions() as session:
        before = [order.id for order, _account in queries.to_pay_first(session)]
        for order_id in {*before, *taken[:4]}:
            order = lock(session, order_id)
            if due := money.account(session, order).due:
                money.receive(session, order, due, "paid", shop.boss)
        session.commit()
        assert [(order.id, account.due) for order, account in queries.to_pay_first(session)] == [(taken[4], 100)]


def test_a_rejected_refund_can_be_asked_for_again(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.order(1, payment=Payment.ONLINE)
    client.post(f"/finance/orders/{order_id}/receive", data={"amount": "100.00"})
    client.post(f"/orders/{order_id}/step", data={"event": "void", "reason": "x"})
    with site.sessions() as session:
        refund = session.scalars(select(Refund).where(Refund.order_id == order_id)).one()
    browser(site, "admin").post(f"/finance/refunds/{refund.id}/decide", data={"approve": "no"})
    page = body(client, "/finance/books")
    assert "Paid too much" in page
    client.post(f"/finance/orders/{order_id}/refund", data={"reason": "again"})
    assert "Paid too much" not in body(client, "/finance/books")


def test_an_invoice_from_the_orders_page(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.until(shop.order(1), E.SIGN)
    path = f"/finance/orders/{order_id}/invoice"
    assert "no title" in client.post(path, data={"title": " "}, follow_redirects=True).text
    page = client.post(path, data={"title": HOSTILE, "back": "order"}, follow_redirects=True).text
    assert "Valid" in page
    assert "<script>alert" not in page
    assert "Void it first" in client.post(path, data={"title": "x"}, follow_redirects=True).text
    with site.sessions() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.order_id == order_id)).one()
    client.post(f"/finance/invoices/{invoice.id}/void", data={"reason": "wrong title"})
    page = body(client, f"/finance/invoices?q={invoice.number}")
    assert "wrong title" in page
    assert str(invoice.number) in page


def test_the_books_add_up(site: Site, shop: Shop, client: FlaskClient) -> None:
    shop.until(shop.order(2, 1, created_at=datetime(2025, 3, 31, 15, 0, tzinfo=UTC)), E.SIGN)
    page = body(client, "/finance/books?since=2025-03-01&until=2025-03-31")
    assert "add up to the cent" in page
    assert "233.33" in page
    assert body(client, "/finance/books?since=x&until=2026-99-99")
    assert "233.33" not in body(client, "/finance/books?since=2025-04-01&until=2025-04-30")


def test_money_is_for_those_who_look_after_it(site: Site, shop: Shop) -> None:
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/finance/refunds?state=all") == allowed
    views = site.app.view_functions.items()
    open_to = {str(declared(view)).partition(".")[0] for name, view in views if name.startswith("finance.")}
    assert open_to == {"finance", "refunds", "invoices", "tariffs"}
    refused = {"nobody": 302, "agent2": 403, "supervisor": 404, "admin": 404}
    assert statuses(site, "GET", "/finance/settlements/99999999999999999999") == refused
    assert statuses(site, "POST", "/finance/refunds/99999999999999999999/pay") == refused
