"""Review and every further step of an order in the pages: in bulk, by right, told what is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.domain.orders import OrderStatus as S
from cti.machines.order import WHO
from cti.machines.order import OrderEvent as E
from cti.store.models import Order, OrderHandling, Parcel, Return, User, utc_now
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, statuses
from tests.shop import Shop, open_shop
from webui.common.permissions import Permission


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


@pytest.fixture
def shop(site: Site) -> Shop:
    return open_shop(site.sessions)


def bulk(client: FlaskClient, event: str, ids: list[int], **more: Any) -> list[dict[str, Any]]:
    answer = client.post("/orders/review/do", json={"event": event, "ids": ids} | more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["results"]
    return found


def step(client: FlaskClient, order_id: int, event: str, **fields: Any) -> str:
    """The page one lands on."""
    form = {"event": event, "reason": "so it is"} | fields
    answer = client.post(f"/orders/{order_id}/step", data=form, follow_redirects=True)
    assert answer.status_code == 200, answer.text[:300]
    return str(answer.text)


def test_each_event_is_for_a_permission_that_there_is() -> None:
    assert set(WHO.values()) <= {str(permission) for permission in Permission}


def test_the_list_shows_what_to_look_at_and_takes_letters(site: Site, shop: Shop) -> None:
    first, second = shop.order(1), shop.order(2)
    client = browser(site, "supervisor")
    page = body(client, "/orders/review")
    assert page.index(f'data-id="{first}"') < page.index(f'data-id="{second}"')
    assert page.count("Ordered twice?") >= 3
    only = body(client, "/orders/review?flag=phone")
    assert f'data-id="{first}"' not in only
    assert all(f'data-key="{letter}"' in page for letter in "chmsvp")


def test_many_at_once_and_what_fails_is_named(site: Site, shop: Shop) -> None:
    orders, client = [shop.order(1) for _ in range(3)], browser(site, "supervisor")
    shop.go(orders[1], E.CONFIRM)
    found = bulk(client, "confirm", [*orders, 999_999])
    assert [one["ok"] for one in found] == [True, False, True, False]
    assert "not possible" in found[1]["message"]
    assert "not there" in found[3]["message"]
    assert [shop.read(key).status for key in orders] == [S.CONFIRMED] * 3


def test_what_is_put_aside_has_a_reason_and_a_day(site: Site, shop: Shop) -> None:
    order_id, client = shop.order(1), browser(site, "supervisor")
    assert "Say why" in bulk(client, "hold", [order_id])[0]["message"]
    assert bulk(client, "hold", [order_id], reason=HOSTILE, until="2020-01-02")[0]["ok"]
    page = body(client, "/orders/review?status=held")
    assert "<script>alert" not in page
    assert 'class="ch-off"' in page
    assert bulk(client, "resume", [order_id])[0]["ok"]
    with site.sessions() as session:
        assert session.get_one(OrderHandling, order_id).held_until is None


def test_merging_from_the_list(site: Site, shop: Shop) -> None:
    orders, client = [shop.order(1), shop.order(0, 1)], browser(site, "supervisor")
    assert not bulk(client, "merge", orders[:1])[0]["ok"]
    assert bulk(client, "merge", orders)[0]["ok"]
    assert [shop.read(key).status for key in orders] == [S.NEW, S.CANCELLED]
    assert shop.read(orders[0]).number in body(client, f"/orders/{orders[1]}")


@pytest.mark.parametrize(
    "sent",
    [
        {"event": "ship", "ids": [1]},
        {"event": "confirm", "ids": []},
        {"event": "confirm", "ids": ["1"]},
        {"event": "confirm", "ids": [True]},
        {"event": "confirm", "ids": [10**30]},
        {"event": "confirm", "ids": list(range(1, 102))},
        {"event": {"a": 1}, "ids": [1]},
        {"event": "confirm"},
        [],
        None,
    ],
)
def test_nonsense_for_the_list_is_refused(site: Site, sent: Any) -> None:
    assert browser(site, "supervisor").post("/orders/review/do", json=sent).status_code == 400


def test_a_split_in_the_page(site: Site, shop: Shop) -> None:
    order_id, client = shop.order(2, 1), browser(site, "supervisor")
    first, _second = shop.lines(order_id)
    for wrong in ({}, {f"take-{first}": "3"}, {f"take-{first}": "x"}, {"take-999999": "1"}):
        answer = client.post(f"/orders/{order_id}/split", data=wrong)
        assert (answer.status_code, "Check the numbers" in answer.text) == (422, True), wrong
    answer = client.post(f"/orders/{order_id}/split", data={f"take-{first}": "1", "seen": "new"})
    assert answer.status_code == 303
    assert "Comes from" in body(client, answer.headers["Location"])
    assert shop.lines(order_id)[first] == 1


def test_one_order_from_its_page_to_the_return(site: Site, shop: Shop) -> None:
    order_id, client = shop.order(2), browser(site, "supervisor")
    line = next(iter(shop.lines(order_id)))
    for event in ("confirm", "pick", "pack"):
        step(client, order_id, event)
    assert "Enter the waybill" in step(client, order_id, "ship", carrier=shop.carrier_id, waybill=" ")
    assert "Choose a carrier" in step(client, order_id, "ship", carrier="9" * 30, waybill="1")
    assert "W-77" in step(client, order_id, "ship", carrier=shop.carrier_id, waybill="W-77")
    step(client, order_id, "sign")
    assert "Check the numbers" in step(client, order_id, "return", **{f"take-{line}": "3"})
    step(client, order_id, "return", **{f"take-{line}": "2"})
    assert "Check the numbers" in step(client, order_id, "receive", **{f"good-{line}": "2", f"bad-{line}": "1"})
    page = step(client, order_id, "receive", **{f"good-{line}": "1"})
    assert "1 good, 0 broken" in page
    with site.sessions() as session:
        customer = session.get_one(Order, order_id).customer_id
    assert f'href="/orders/new?customer_id={customer}"' in page, "other goods in place of those"
    assert "To approve" in page
    assert shop.read(order_id).status is S.COMPLETED
    with site.sessions() as session:
        assert session.scalars(select(Parcel).where(Parcel.order_id == order_id)).one().waybill == "W-77"
        assert session.scalars(select(Return).where(Return.order_id == order_id)).one().amount == 100


def test_a_page_left_open_too_long_says_so(site: Site, shop: Shop) -> None:
    order_id = shop.order(1)
    page = step(browser(site, "supervisor"), order_id, "hold", seen="confirmed")
    assert "moved on by somebody else" in page
    assert shop.read(order_id).status is S.NEW


def test_an_agent_cancels_the_own_new_order_and_nothing_else(site: Site, shop: Shop) -> None:
    with site.sessions() as session:
        shop.boss = type(shop.boss)(
            session.scalars(select(User.id).where(User.username == "agent1")).one(), "agent1", lambda _name: True
        )
    order_id, client = shop.order(1), browser(site, "agent1")
    page = body(client, f"/orders/{order_id}")
    assert "Cancel order" in page
    assert "Confirm</button>" not in page
    assert client.post(f"/orders/{order_id}/step", data={"event": "confirm"}).status_code == 403
    assert browser(site, "agent2").post(f"/orders/{order_id}/step", data={"event": "takeBack"}).status_code == 403
    assert client.post(f"/orders/{order_id}/step", data={"event": "nonsense"}).status_code == 400
    step(client, order_id, "takeBack")
    assert shop.read(order_id).status is S.CANCELLED
    assert shop.level() == (100, 0)


def test_an_address_is_put_right_while_the_order_is_under_review(site: Site, shop: Shop) -> None:
    order_id, client = shop.order(1), browser(site, "supervisor")
    form = {"recipient": "Demo", "city": "上海市", "line": HOSTILE, "postcode": "200000", "phone": ""}
    assert client.post(f"/orders/{order_id}/address", data=form).status_code == 303
    order = shop.read(order_id)
    assert (order.city, order.line, order.phone) == ("上海市", HOSTILE, "+8619900000001")
    entry = audited(site, "order.address")[-1]
    assert entry.before == {"city": "北京市", "line": "演示路 1 号", "postcode": ""}
    client.post(f"/orders/{order_id}/address", data={"phone": "13900000009"})
    assert (shop.read(order_id).phone, shop.read(order_id).city) == ("+8613900000009", "上海市")
    page = body(client, f"/orders/{order_id}")
    assert page.count("Address changed") == 2
    assert "<script>alert" not in page
    shop.until(order_id, E.PICK)
    refused = client.post(f"/orders/{order_id}/address", data=form, follow_redirects=True).text
    assert "warehouse" in refused
    assert shop.read(order_id).phone == "+8613900000009"


def test_slips_to_print(site: Site, shop: Shop) -> None:
    ids = [shop.order(1, discount="10.00", fee="8.00"), shop.order(1)]
    page = body(browser(site, "supervisor"), f"/orders/slips?ids={ids[0]},{ids[1]},x,999999")
    assert page.count('class="ch-sheet"') == 2
    assert [page.count(words) for words in ("−10.00", "8.00</td>", "98.00</th>", "Courier")] == [1, 1, 1, 2]
    assert browser(site, "agent2").get(f"/orders/slips?ids={ids[0]}").status_code == 404


def test_who_may_review(site: Site, shop: Shop) -> None:
    order_id = shop.order(1, created_at=utc_now() - timedelta(days=2))
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    for path in ("/orders/review", f"/orders/{order_id}/split"):
        assert statuses(site, "GET", path) == allowed
    assert browser(site, "admin").get("/orders/review?status=shipped").status_code == 400
