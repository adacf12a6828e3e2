"""Orders in the pages: entry saved once and exactly, prices by right, the list, who sees whose."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cti.store.models import Medium, Order, Product
from tests.fakes.site import Site
from tests.pages import FRAGMENT, HOSTILE, audited, body, browser, make_call, statuses
from webui.orders import queries


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    yield made
    made.close()


def price_of(site: Site, code: str) -> Decimal:
    with site.sessions() as session:
        return session.scalars(select(Product).where(Product.code == code)).one().price


def open_form(client: FlaskClient, customer: int = 5, call: str = "") -> dict[str, Any]:
    """The fields of a fresh form, as the browser holds them."""
    page = body(client, f"/orders/new?customer_id={customer}&call_id={call}", **FRAGMENT)
    fields = dict(
        re.findall(r'<input id="(?:token|customer_id|call_id)" name="(\w+)" type="hidden" value="([^"]*)"', page)
    )
    chosen = re.search(r'<option selected value="([^"]+)"', page)
    assert chosen is not None
    return fields | {"address": chosen.group(1), "payment": "online", "remarks": ""}


def lines(*rows: tuple[str, str] | tuple[str, str, str]) -> dict[str, str]:
    """Lines as typed by code: (code, quantity[, price])."""
    found = {}
    for at, (code, quantity, *price) in enumerate(rows):
        found |= {f"lines-{at}-text": code, f"lines-{at}-product": "", f"lines-{at}-quantity": quantity}
        found[f"lines-{at}-price"] = price[0] if price else ""
    return found


def test_the_orders_page_says_how_it_goes_and_what_was_seen(site: Site) -> None:
    with site.sessions() as session:
        medium = Medium(name="演示卫视")
        session.add(medium)
        session.commit()
        seen = str(medium.id)
    client = browser(site, "agent1")
    saved = send(client, open_form(client) | lines(("P001", "1")) | {"delivery": "post", "medium": seen})
    assert saved.status_code == 200
    with site.sessions() as session:
        order_id = session.scalars(select(Order.id).where(Order.medium_id == int(seen))).one()
    page = body(client, f"/orders/{order_id}")
    assert "Ordinary mail" in page
    assert "演示卫视" in page


def send(client: FlaskClient, form: dict[str, Any]) -> Any:
    return client.post("/orders/new", data=form, headers=FRAGMENT)


def count(site: Site) -> int:
    with site.sessions() as session:
        return session.scalar(select(func.count()).select_from(Order)) or 0


def newest(site: Site) -> Order:
    with site.sessions() as session:
        order = queries.get(session, session.scalars(select(func.max(Order.id))).one())
        assert order is not None
        return order


# ---------------------------------------------------------------- saving


def test_an_order_is_saved_exactly_and_linked_to_the_call(site: Site) -> None:
    make_call(site, "o1", agent="1001")
    client = browser(site, "agent1")
    form = open_form(client, 5, "o1") | lines(("P001", "3"), ("p002", "1"), ("", ""))
    answer = send(client, form)
    assert answer.status_code == 200
    order = newest(site)
    expected = price_of(site, "P001") * 3 + price_of(site, "P002")
    assert order.total == expected
    assert f"{expected:,.2f}" in answer.text
    assert f'data-order-saved="{order.number}"' in answer.text
    assert (order.call_id, order.customer_id, order.payment.value) == ("o1", 5, "online")
    assert (order.line, order.phone) == (order.customer.addresses[0].line, "+8619900000005")
    assert [(line.product.code, line.quantity) for line in order.lines] == [("P001", 3), ("P002", 1)]
    entry = audited(site, "order.create")[-1]
    assert entry.after == {"number": order.number, "total": str(expected)}
    assert f'href="/orders/{order.id}"' in body(browser(site, "supervisor"), "/calls/o1")


def test_the_same_form_sent_again_is_the_same_order(site: Site) -> None:
    client = browser(site, "agent1")
    form = open_form(client) | lines(("P003", "1"))
    first, before = send(client, form), count(site)
    again = send(client, form | lines(("P003", "5")))
    assert count(site) == before
    assert re.findall(r'data-order-saved="(\d+)"', first.text) == re.findall(r'data-order-saved="(\d+)"', again.text)
    assert "nothing was saved twice" in again.text


def test_the_same_form_sent_twice_at_once_is_one_order(site: Site) -> None:
    form = open_form(browser(site, "agent1")) | lines(("P003", "2"))
    clients = [site.client("agent1") for _ in range(4)]
    before, answers = count(site), []
    gate = threading.Barrier(len(clients))

    def go(client: FlaskClient) -> None:
        gate.wait(10)
        answers.append(send(client, form))

    threads = [threading.Thread(target=go, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [a.status_code for a in answers] == [200] * 4
    assert len({re.findall(r'data-order-saved="(\d+)"', a.text)[0] for a in answers}) == 1
    assert count(site) == before + 1


def test_a_token_of_somebody_else_does_not_show_their_order(site: Site) -> None:
    mine, form = browser(site, "agent1"), open_form(browser(site, "agent1")) | lines(("P003", "1"))
    assert send(mine, form).status_code == 200
    assert send(browser(site, "agent2"), form).status_code == 403


def test_only_by_right_a_price_differs_from_the_products(site: Site) -> None:
    agent, supervisor = browser(site, "agent1"), browser(site, "supervisor")
    refused = send(agent, open_form(agent) | lines(("P004", "2", "1.00")))
    assert refused.status_code == 422
    assert "You may not change prices" in refused.text
    assert 'data-field="lines-0-price"' in refused.text
    same = send(agent, open_form(agent) | lines(("P004", "2", f"{price_of(site, 'P004'):.2f}")))
    assert same.status_code == 200
    assert send(supervisor, open_form(supervisor) | lines(("P004", "3", "0.33"))).status_code == 200
    assert newest(site).total == Decimal("0.99")


def test_an_address_may_be_typed_in(site: Site) -> None:
    client = browser(site, "agent1")
    other = {"address": "new", "city": "杭州市", "line": "演示路 9 号", "postcode": "310000", "recipient": "Demo"}
    assert send(client, open_form(client) | lines(("P001", "1")) | other).status_code == 200
    order = newest(site)
    assert (order.city, order.line, order.postcode, order.recipient) == ("杭州市", "演示路 9 号", "310000", "Demo")


@pytest.mark.parametrize(
    ("changes", "names", "says"),
    [
        (lines(("", "")), "lines-0-text", "at least one product"),
        (lines(("NO-SUCH", "1")), "lines-0-text", "Choose a product"),
        (lines(("P001", "0")), "lines-0-quantity", "between 1 and"),
        (lines(("P001", "10000")), "lines-0-quantity", "between 1 and"),
        (lines(("P001", "1.5")), "lines-0-quantity", "integer"),
        (lines(("P001", "1", "-5")), "lines-0-price", "not a price"),
        (lines(("P001", "1", "NaN")), "lines-0-price", "not a price"),
        (lines(("P001", "1", "1e3")), "lines-0-price", "not a price"),
        (lines(("P001", "1")) | {"address": "99999"}, "address", "Choose an address"),
        (lines(("P001", "1")) | {"address": "new"}, "line", "Enter an address"),
        (lines(("P001", "1")) | {"payment": "gold bars"}, "payment", "valid choice"),
        (lines(("P001", "1")) | {"token": "short"}, "token", "damaged"),
        (lines(("P001", "1")) | {"remarks": "x" * 2001}, "remarks", "2000"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_saved(
    site: Site, changes: dict[str, str], names: str, says: str
) -> None:
    client, before = browser(site, "supervisor"), count(site)
    answer = send(client, open_form(client) | changes)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'name="{names}"' in answer.text
    assert count(site) == before


def test_an_order_cannot_be_hung_on_a_colleagues_call(site: Site) -> None:
    make_call(site, "o2", agent="1002")
    client, before = browser(site, "agent1"), count(site)
    assert send(client, open_form(client) | lines(("P001", "1")) | {"call_id": "o2"}).status_code == 403
    assert count(site) == before


def test_hostile_remarks_stay_text(site: Site) -> None:
    client = browser(site, "agent1")
    assert send(client, open_form(client) | lines(("P001", "1")) | {"remarks": HOSTILE}).status_code == 200
    order = newest(site)
    assert order.remarks == HOSTILE
    page = body(client, f"/orders/{order.id}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_product_taken_off_sale_is_neither_offered_nor_sold(site: Site) -> None:
    client = browser(site, "agent1")
    form = open_form(client) | lines(("P030", "1"))
    with site.sessions() as session:
        session.scalars(select(Product).where(Product.code == "P030")).one().active = False
        session.commit()
    assert client.get("/orders/products?q=P030").json["products"] == []
    assert send(client, form).status_code == 422


def test_products_are_suggested_by_code_and_name_in_the_users_language(site: Site) -> None:
    client = browser(site, "agent1")
    found = client.get("/orders/products?q=p00").json["products"]
    assert [p["code"] for p in found][:2] == ["P001", "P002"]
    assert found[0]["price"] == f"{price_of(site, 'P001'):.2f}"
    english = found[0]["name"]
    site.set_user("agent1", locale="zh_CN")
    chinese = client.get("/orders/products?q=p001").json["products"][0]["name"]
    site.set_user("agent1", locale="en")
    assert english != chinese
    assert [p["code"] for p in client.get(f"/orders/products?q={chinese[2:]}").json["products"]] == ["P001"]


# ---------------------------------------------------------------- the list


@pytest.fixture(scope="module")
def many(site: Site) -> list[str]:
    """Orders of two agents; the numbers of agent2's."""
    for username, times in (("agent1", 2), ("agent2", 2)):
        for _ in range(times):
            client = browser(site, username)
            assert send(client, open_form(client, 9) | lines(("P001", "1"))).status_code == 200
    other = site.user("agent2").id
    with site.sessions() as session:
        return list(session.scalars(select(Order.number).where(Order.agent_user_id == other)))


def numbers(page: str) -> set[str]:
    return set(re.findall(r'href="/orders/\d+"><strong>(\d+)', page))


def test_an_agent_sees_the_own_orders_a_supervisor_all(site: Site, many: list[str]) -> None:
    assert numbers(body(browser(site, "agent2"), "/orders")) == set(many)
    other = site.user("agent1").id
    assert numbers(body(browser(site, "agent2"), f"/orders?agent={other}")) == set(many)
    assert numbers(body(browser(site, "supervisor"), "/orders")) > set(many)
    mine = site.user("agent2").id
    assert numbers(body(browser(site, "supervisor"), f"/orders?agent={mine}")) == set(many)


def test_the_list_is_filtered(site: Site, many: list[str]) -> None:
    client = browser(site, "supervisor")
    assert numbers(body(client, f"/orders?q={many[0]}")) == {many[0]}
    assert set(many) <= numbers(body(client, "/orders?q=19900000009"))
    assert numbers(body(client, "/orders?status=shipped")) == set()
    assert numbers(body(client, "/orders?until=2020-01-01")) == set()
    assert set(many) <= numbers(body(client, "/orders?since=2020-01-01&status=new"))


def test_the_list_goes_on_page_by_page(site: Site, many: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.common.paging.page.__defaults__", (3,))
    client, seen = browser(site, "supervisor"), []
    path: str | None = "/orders?since=2020-01-01"
    while path:
        page = body(client, path)
        found = re.findall(r'href="/orders/\d+"><strong>(\d+)', page)
        assert len(found) <= 3
        seen += found
        more = re.search(r'href="(/orders\?[^"]*before=[^"]+)"', page)
        path = more.group(1).replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == count(site)
    assert seen == sorted(seen, key=int, reverse=True)


# ---------------------------------------------------------------- one order, and who may


def test_a_colleagues_order_is_refused(site: Site, many: list[str]) -> None:
    with site.sessions() as session:
        order_id = session.scalars(select(Order.id).where(Order.number == many[0])).one()
    assert browser(site, "agent1").get(f"/orders/{order_id}").status_code == 403
    assert browser(site, "agent2").get(f"/orders/{order_id}").status_code == 200
    assert browser(site, "supervisor").get(f"/orders/{order_id}").status_code == 200


def test_who_may_open_the_pages(site: Site) -> None:
    allowed = {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    for path in ("/orders", "/orders/new", "/orders/new?customer_id=1", "/orders/products?q=p"):
        assert statuses(site, "GET", path) == allowed, path
    gone = {"nobody": 302, "agent2": 404, "supervisor": 404, "admin": 404}
    assert statuses(site, "GET", "/orders/999999") == gone
    assert statuses(site, "GET", "/orders/99999999999999999999") == gone
    assert statuses(site, "POST", "/orders/new", {"customer_id": "0"}) == gone
