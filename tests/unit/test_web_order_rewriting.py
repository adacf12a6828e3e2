"""An order written anew before it was confirmed: one commit, goods that only it held, who may, what is not possible."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.domain.orders import OrderStatus as S
from cti.machines.order import OrderEvent as E
from cti.store import money
from cti.store.models import Order, OrderHandling
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, body, browser
from tests.shop import Shop, open_shop


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


@pytest.fixture
def shop(site: Site) -> Shop:
    return open_shop(site.sessions, there=3)


def form(client: FlaskClient, order_id: int) -> dict[str, Any]:
    """The form that the order's page leads to, as the browser holds it."""
    page = body(client, f"/orders/new?instead={order_id}", **FRAGMENT)
    page = re.sub(r'<input[^>]*type="checkbox"[^>]*>', "", page)
    fields = dict(re.findall(r'<input[^>]*? name="([\w-]+)"[^>]*? value="([^"]*)"', page))
    chosen = re.findall(r'<select[^>]*? name="(\w+)".*?<option selected value="([^"]*)"', page, re.S)
    return fields | dict(chosen)


def following(site: Site, order_id: int) -> Order:
    with site.sessions() as session:
        key = session.scalars(select(OrderHandling.order_id).where(OrderHandling.origin_id == order_id)).one()
        return session.get_one(Order, key)


def test_the_last_pieces_of_the_old_order_are_there_for_the_new_one(site: Site, shop: Shop) -> None:
    order_id, client = shop.order(3, 1), browser(site, "supervisor")
    assert "Write anew" in body(client, f"/orders/{order_id}")
    sent = form(client, order_id)
    assert (sent["lines-0-quantity"], sent["line"], sent["payment"]) == ("3", "演示路 1 号", "cash_on_delivery")
    asked = client.post("/orders/quote", data=sent)
    assert (asked.status_code, "333.33" in asked.text) == (200, True)
    assert shop.read(order_id).status is S.NEW, "computing changes nothing"
    wrong = client.post("/orders/new", data=sent | {"lines-0-quantity": "4"}, headers=FRAGMENT)
    assert (wrong.status_code, "Only 3 left" in wrong.text) == (422, True)
    assert shop.read(order_id).status is S.NEW, "a form that is not right changes nothing"
    saved = client.post("/orders/new", data=sent | {"lines-1-quantity": "2", "seen_total": ""}, headers=FRAGMENT)
    assert saved.status_code == 200, saved.text
    old, new = shop.read(order_id), following(site, order_id)
    assert (old.status, new.status, new.total) == (S.CANCELLED, S.NEW, Decimal("366.66"))
    assert (new.agent_user_id, new.line, new.phone) == (old.agent_user_id, old.line, old.phone)
    assert [shop.level(at)[1] for at in (0, 1)] == [3, 2]
    assert audited(site, "order.create")[-1].after["instead"] == old.number
    again = client.post("/orders/new", data=sent | {"token": "x" * 20}, headers=FRAGMENT)
    assert again.status_code == 409


def test_what_is_paid_or_confirmed_is_not_written_anew(site: Site, shop: Shop) -> None:
    client = browser(site, "supervisor")
    confirmed, paid = shop.until(shop.order(1), E.CONFIRM), shop.order(1)
    assert "Write anew" not in body(client, f"/orders/{confirmed}")
    assert client.get(f"/orders/new?instead={confirmed}").status_code == 409
    with site.sessions() as session:
        money.receive(session, session.get_one(Order, paid), Decimal("10.00"), "bank", shop.boss)
        session.commit()
    answer = client.get(f"/orders/new?instead={paid}")
    assert (answer.status_code, "has paid" in answer.text) == (409, True)
    assert shop.read(paid).status is S.NEW


def test_who_does_not_see_an_order_does_not_write_it_anew(site: Site, shop: Shop) -> None:
    order_id = shop.order(1)
    assert browser(site, "agent2").get(f"/orders/new?instead={order_id}").status_code == 403
    assert browser(site, "supervisor").get("/orders/new?instead=999999").status_code == 404
