"""Taking an order in the pages: what it costs is the server's word, stock and points are taken with it, drafts stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select

from cti.store import divisions, points, shop, stock
from cti.store.models import (
    Airing,
    BundlePart,
    Customer,
    GiftRule,
    LineKind,
    Medium,
    Member,
    Order,
    OrderDraft,
    Product,
    ProductPrice,
    Stock,
    Warehouse,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, browser, make_call
from tests.unit.test_web_orders import lines, newest, open_form, send
from webui.common import phones
from webui.orders.entry_form import number_in


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two products with stock, a bundle of them, a price of this week, gifts, points."""
    made = Site(tmp_path_factory.mktemp("site"))
    with made.sessions() as session:
        divisions.fill(session)
        session.execute(delete(GiftRule))
        house = session.scalars(select(Warehouse)).first() or Warehouse(code="T", name="T")
        session.add(house)
        values = {"name": "试验品", "track_stock": True}
        first = Product(code="T1", price=Decimal("100.00"), initials="SYP", points_price=40, **values)
        second = Product(code="T2", price=Decimal("50.00"), **values)
        gift = Product(code="T3", price=Decimal("5.00"), **values)
        pack = Product(code="T4", name="套装", price=Decimal("120.00"), bundle=True)
        session.add_all([first, second, gift, pack])
        session.flush()
        for product, count in ((first, 10), (second, 30), (gift, 4)):
            stock.bring_in(session, product, house.id, count)
        pack.parts = [BundlePart(product=first, quantity=1), BundlePart(product=second, quantity=2)]
        ago = utc_now() - timedelta(days=1)
        session.add(ProductPrice(product_id=second.id, price=Decimal("45.50"), starts_at=ago))
        session.add(ProductPrice(product_id=second.id, price=Decimal("40.00"), starts_at=ago, medium_id=7))
        over = {"starts_at": ago - timedelta(days=9), "ends_at": ago}
        session.add(ProductPrice(product_id=first.id, price=Decimal("1.00"), **over))
        session.add(GiftRule(name="two", product_id=first.id, min_quantity=2, gift_id=gift.id, repeat=True))
        session.add(Medium(id=7, name="演示台"))
        session.flush()
        shown = {"programme": "演示", "dnis": "8000", "starts_at": ago, "ends_at": ago + timedelta(hours=20)}
        session.add(Airing(id=31, number=1, medium_id=7, counts_until=utc_now() + timedelta(hours=1), **shown))
        shop.store(session, shop.Parameters(discounts={"agent": 5, "supervisor": 20, "admin": 100}))
        session.commit()
    yield made
    made.close()


def figures(client: FlaskClient, form: dict[str, Any]) -> dict[str, Any]:
    """What the piece with the figures says: the total, the amounts by line, its text."""
    answer = client.post("/orders/quote", data=form, headers=FRAGMENT)
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-figures="([^"]*)" data-total-plain="([^"]*)"', answer.text)
    assert found is not None
    rows = json.loads(found.group(1).replace("&#34;", '"'))
    return {"total": found.group(2), "lines": rows, "text": answer.text}


def left(site: Site, code: str) -> int:
    with site.sessions() as session:
        product = session.scalars(select(Product).where(Product.code == code)).one()
        return stock.levels(session, [product.id])[product.id].available


def give_points(site: Site, customer_id: int, count: int) -> None:
    with site.sessions() as session:
        points.ensure_member(session, customer_id)
        points.adjust(session, customer_id, count)
        session.commit()


def test_the_preview_is_what_is_saved(site: Site) -> None:
    client = browser(site, "agent1")
    form = open_form(client, 11) | lines(("T1", "3"), ("T4", "2"), ("T2", "1"), ("NO-SUCH", "1")) | {"discount": "10"}
    seen = figures(client, form)
    assert seen["total"] == "575.50"
    assert {name: row["amount"] for name, row in seen["lines"].items()} == {
        "lines-0": "300.00",
        "lines-1": "240.00",
        "lines-2": "45.50",
    }
    assert "Gift" in seen["text"]
    before = {code: left(site, code) for code in ("T1", "T2", "T3")}
    right = {key: value for key, value in form.items() if not key.startswith("lines-3")}
    assert send(client, right | {"seen_total": seen["total"]}).status_code == 200
    order = newest(site)
    assert (order.goods_total, order.discount, order.total) == (Decimal("585.50"), Decimal(10), Decimal("575.50"))
    sold = [(line.product.code, line.kind.value, line.quantity, line.amount) for line in order.lines]
    assert sold == [
        ("T1", "sale", 3, Decimal("300.00")),
        ("T4", "sale", 2, Decimal("240.00")),
        ("T1", "part", 2, Decimal(0)),
        ("T2", "part", 4, Decimal(0)),
        ("T2", "sale", 1, Decimal("45.50")),
        ("T3", "gift", 1, Decimal(0)),
    ]
    parents = {line.id: line.product.code for line in order.lines}
    assert [parents.get(line.parent_id or 0) for line in order.lines] == [None, None, "T4", "T4", None, None]
    assert {code: before[code] - left(site, code) for code in before} == {"T1": 5, "T2": 5, "T3": 1}
    with site.sessions() as session:
        assert session.get_one(Member, 11).number
        assert not session.scalar(select(func.count()).select_from(Stock).where(Stock.on_hand < Stock.reserved))


def test_another_total_than_the_one_read_out_is_not_saved(site: Site) -> None:
    client = browser(site, "agent1")
    form = open_form(client, 11) | lines(("T2", "1"))
    answer = send(client, form | {"seen_total": "50.00"})
    assert answer.status_code == 422
    assert "The total is 45.50 now, it was 50.00" in answer.text
    assert 'value="45.50"' in answer.text
    assert send(client, form | {"seen_total": "45.50"}).status_code == 200


def test_the_price_of_a_medium_and_of_a_period_that_is_over(site: Site) -> None:
    client = browser(site, "agent1")
    assert figures(client, open_form(client, 11) | lines(("T2", "2")) | {"medium": "7"})["total"] == "80.00"
    offered = client.get("/orders/products?q=T2&medium=7.31").json["products"][0]
    assert (offered["price"], offered["left"]) == ("40.00", left(site, "T2"))
    assert client.get("/orders/products?q=T1").json["products"][0]["price"] == "100.00"
    assert [p["code"] for p in client.get("/orders/products?q=syp").json["products"]] == ["T1"]


def test_more_than_there_is_is_named_at_its_line_and_nothing_is_taken(site: Site) -> None:
    client, there = browser(site, "agent1"), left(site, "T1")
    answer = send(client, open_form(client, 11) | lines(("T1", str(there + 1))))
    assert answer.status_code == 422
    assert f"Only {there} left." in answer.text
    assert left(site, "T1") == there


def test_goods_that_are_sold_while_the_order_is_saved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client, there = browser(site, "agent1"), left(site, "T2")

    def slow(session: Any, *_lines_and_places: Any) -> None:
        product = session.scalars(select(Product).where(Product.code == "T2")).one()
        raise stock.OutOfStock(product, 2, 1)

    form = open_form(client, 11) | lines(("T2", "2"))
    with monkeypatch.context() as patched:
        patched.setattr(stock, "reserve_new", slow)
        answer = send(client, form)
    assert answer.status_code == 409
    assert "was just sold: 1 left" in answer.text
    assert left(site, "T2") == there
    assert send(client, form).status_code == 200


def test_a_gift_that_has_run_out_is_left_out_and_said(site: Site) -> None:
    client = browser(site, "agent1")
    form = open_form(client, 11) | lines(("T1", "4"))
    with site.sessions() as session:
        gift = session.scalars(select(Product).where(Product.code == "T3")).one()
        row = session.scalars(select(Stock).where(Stock.product_id == gift.id)).one()
        stock.take_out(session, gift, row.warehouse_id, row.on_hand - row.reserved)
        session.commit()
    assert "Gift has run out" in figures(client, form)["text"]
    assert send(client, form).status_code == 200
    assert {line.kind for line in newest(site).lines} == {LineKind.SALE}


def test_points_pay_within_their_limits(site: Site) -> None:
    client = browser(site, "agent1")
    assert 'name="points"' not in client.get("/orders/new?customer_id=12").text
    give_points(site, 12, 3000)
    assert "The customer has 3000 points." in client.get("/orders/new?customer_id=12").text
    form = open_form(client, 12) | lines(("T2", "1"), ("T1", "1")) | {"lines-1-redeemed": "y", "points": "1000"}
    seen = figures(client, form)
    assert (seen["total"], seen["lines"]["lines-1"]["points"]) == ("35.50", 40)
    refused = send(client, form | {"points": "2276"})
    assert refused.status_code == 422
    assert "At most 2275." in refused.text
    assert send(client, form).status_code == 200
    order = newest(site)
    assert (order.points_used, order.points_amount, order.total) == (1040, Decimal(10), Decimal("35.50"))
    with site.sessions() as session:
        assert points.balance(session, 12) == 1960
    short = send(client, open_form(client, 13) | lines(("T1", "1")) | {"lines-0-redeemed": "y"})
    assert short.status_code == 422
    assert "The customer has 0 points." in short.text
    never = send(client, open_form(client, 12) | lines(("T2", "1")) | {"lines-0-redeemed": "y"})
    assert "cannot be had for points" in never.text


@pytest.mark.parametrize(("username", "status"), [("agent1", 422), ("supervisor", 200)])
def test_a_discount_only_as_far_as_the_role_goes(site: Site, username: str, status: int) -> None:
    client = browser(site, username)
    answer = send(client, open_form(client, 11) | lines(("T2", "2")) | {"discount": "18.20"})
    assert answer.status_code == status
    assert ("At most 4.55." in answer.text) == (status == 422)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"discount": "-1"}, "not an amount"),
        ({"discount": "NaN"}, "not an amount"),
        ({"medium": "8"}, "Choose from the list."),
        ({"medium": "7.9"}, "Choose from the list."),
        ({"medium": "x' OR 1"}, "Choose from the list."),
        ({"points": "-5"}, "between 0 and"),
        ({"delivery": "by pigeon"}, "valid choice"),
        ({"invoice_title": "Demo", "invoice_tax_no": "12"}, "15 to 20"),
        ({"invoice_tax_no": "91110000000000000X"}, "who the invoice is for"),
    ],
)
def test_a_wrong_field_is_named(site: Site, changes: dict[str, str], says: str) -> None:
    client = browser(site, "supervisor")
    answer = send(client, open_form(client, 11) | lines(("T2", "1")) | changes)
    assert answer.status_code == 422
    assert says in answer.text


def test_delivery_invoice_and_medium_are_kept(site: Site) -> None:
    client = browser(site, "agent1")
    extra = {"delivery": "ems", "invoice_title": "演示公司", "invoice_tax_no": "91110000000000000x", "medium": "7.31"}
    assert send(client, open_form(client, 11) | lines(("T2", "1")) | extra).status_code == 200
    order = newest(site)
    assert (order.delivery.value, order.invoice_title, order.invoice_tax_no) == (
        "ems",
        "演示公司",
        "91110000000000000X",
    )
    assert (order.medium_id, order.airing_id) == (7, 31)


def test_the_medium_is_that_of_the_number_dialled(site: Site) -> None:
    make_call(site, "e2", agent="1001")
    client = browser(site, "agent1")
    assert '<option selected value="7.31">演示台' in client.get("/orders/new?customer_id=11&call_id=e2").text
    assert '<option selected value="">' in client.get("/orders/new?customer_id=11").text


# ------------------------------------------------------------ who it is


def test_a_new_caller_becomes_a_customer_with_the_order(site: Site) -> None:
    make_call(site, "e1", agent="1001", number="+8619900009901")
    client = browser(site, "agent1")
    page = client.get("/orders/new?call_id=e1&number=%2B8619900009901", headers=FRAGMENT).text
    token = re.search(r'name="token" type="hidden" value="([^"]+)"', page)
    assert token is not None
    assert 'name="phone"' in page
    who = {"phone": "19900009901", "name": "演示新客", "address": "new", "city": "北京市海淀区", "line": "演示路 1 号"}
    form = {"token": token.group(1), "call_id": "e1", "payment": "online", **who} | lines(("T2", "1"))
    for missing in ("phone", "name", "line"):
        assert send(client, form | {missing: ""}).status_code == 422, missing
    answer = send(client, form)
    assert answer.status_code == 200, answer.text
    order = newest(site)
    customer = order.customer
    assert (customer.name, customer.phones[0].number, order.phone) == ("演示新客", "+8619900009901", "+8619900009901")
    assert (customer.name_initials, customer.addresses[0].city) == ("YSXK", "北京市海淀区")
    assert f"/customers/{customer.id}?call_id=e1" in answer.text.replace("&amp;", "&")
    assert audited(site, "customer.create")[-1].object == f"customer/{customer.id}"
    assert send(client, form).status_code == 200
    with site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Customer).where(Customer.name == "演示新客")) == 1


def test_a_number_the_user_may_not_read_stands_masked_and_is_kept_apart(site: Site) -> None:
    client, number = browser(site, "agent2"), "+8619900009911"
    with site.app.test_request_context():
        sealed = phones.seal(number, phones.sealing_key())
    page = client.get("/orders/new", query_string={"number": sealed}, headers=FRAGMENT).text
    assert 'name="phone" type="text" value="199****9911"' in page
    assert f'name="phone_token" type="hidden" value="{sealed}"' in page
    assert "19900009911" not in page
    token = re.search(r'name="token" type="hidden" value="([^"]+)"', page)
    assert token is not None
    who = {"phone": "199****9911", "name": "演示遮号", "address": "new", "line": "演示路 1 号"}
    form = {"token": token.group(1), "payment": "online", **who} | lines(("T2", "1"))
    for wrong in ({}, {"phone_token": "~forged"}, {"phone_token": sealed, "phone": "199****9912"}):
        assert send(client, form | wrong).status_code == 422, wrong
    assert send(client, form | {"phone_token": sealed}).status_code == 200
    assert newest(site).phone == number
    found = client.get("/orders/customers", query_string={"phone": "199****9911", "phone_token": sealed}).text
    assert "演示遮号" in found
    assert "演示遮号" not in client.get("/orders/customers", query_string={"phone": "199****9911"}).text


def test_another_number_may_be_typed_over_a_masked_one(site: Site) -> None:
    with site.app.test_request_context():
        sealed = phones.seal("+8619900009911", phones.sealing_key())
        assert number_in("199 0000 9922", sealed) == "+8619900009922"
        assert number_in("199****9911", sealed) == "+8619900009911"
        assert number_in("", sealed) == number_in("199****9911", "") == ""


def test_customers_are_found_by_number_and_by_name(site: Site) -> None:
    client = browser(site, "agent1")
    with site.sessions() as session:
        name = session.get_one(Customer, 9).name
    found = client.get("/orders/customers?phone=19900000009&call_id=e1").text
    assert found.count("cx-choice") == 2
    assert "customer_id=9&amp;call_id=e1" in found
    assert name in client.get("/orders/customers", query_string={"name": name}).text
    assert client.get("/orders/customers?phone=1990000&name=").text.strip() == ""


def test_a_city_is_found_by_initials_and_by_postcode(site: Site) -> None:
    client = browser(site, "agent1")
    assert client.get("/orders/places?q=bjhd").json["places"][0]["name"] == "北京市海淀区"
    assert client.get("/orders/places?q=100080").json["places"]
    assert client.get("/orders/places?q=").json["places"] == []


# ------------------------------------------------------------ drafts


def keep(client: FlaskClient, key: str, values: Any) -> int:
    return client.post("/orders/draft", json={"key": key, "values": values}).status_code


def test_a_draft_is_kept_at_the_server_until_the_order_is_saved(site: Site) -> None:
    client = browser(site, "agent1")
    assert keep(client, "14:", [["remarks", "first"]]) == 200
    assert keep(client, "14:", [["remarks", "half"], ["lines-0-text", "T2"]]) == 200
    assert keep(client, "15:c1", [["remarks", "other"]]) == 200
    kept = client.get("/orders/draft?key=14:").json["draft"]
    assert kept["values"] == [["remarks", "half"], ["lines-0-text", "T2"]]
    assert "half" in client.get("/orders/new?customer_id=14", headers=FRAGMENT).text
    assert browser(site, "agent2").get("/orders/draft?key=14:").json["draft"] is None
    assert "customer_id=15&amp;call_id=c1" in client.get("/orders/drafts").text
    assert send(client, open_form(client, 14) | lines(("T2", "1"))).status_code == 200
    assert client.get("/orders/draft?key=14:").json["draft"] is None
    assert client.post("/orders/draft/drop", data={"key": "15:c1"}).status_code == 303
    assert client.get("/orders/draft?key=15:c1").json["draft"] is None


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        {"key": "14:", "values": "x"},
        {"key": "../14", "values": []},
        {"key": "14:", "values": [["a"]]},
        {"key": "14:", "values": [["a", 5]]},
        {"key": "14:", "values": [["a", "x" * 4000]] * 6},
        {"key": "14:", "values": [["a", "b"]] * 401},
    ],
)
def test_what_is_no_draft_is_refused(site: Site, given: Any) -> None:
    client = browser(site, "agent1")
    assert client.post("/orders/draft", json=given).status_code == 400


def test_drafts_that_nobody_goes_on_with_go(site: Site) -> None:
    client, old = browser(site, "agent2"), utc_now() - timedelta(days=31)
    with site.sessions() as session:
        session.add(OrderDraft(user_id=site.user("agent2").id, key="1:", fields=[], updated_at=old))
        session.commit()
    assert keep(client, "2:", []) == 200
    with site.sessions() as session:
        mine = select(OrderDraft.key).where(OrderDraft.user_id == site.user("agent2").id)
        assert list(session.scalars(mine)) == ["2:"]
        assert session.scalar(select(func.count()).select_from(Order)) is not None
