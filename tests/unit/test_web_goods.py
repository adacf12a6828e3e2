"""Goods, stock and points in the pages: prices of periods, bundles, gifts, movements, members, by right, audited."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from cti.store import points, shop, stock
from cti.store.models import (
    GiftRule,
    Medium,
    MediumKind,
    Member,
    MovementKind,
    PointRule,
    Product,
    RuleKind,
    Stock,
    StockMovement,
    Warehouse,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, statuses

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def product_form(code: str, **changes: Any) -> dict[str, Any]:
    return {"code": code, "name": "演示商品", "price": "80", "active": "y", "track_stock": "y"} | changes


def product(site: Site, code: str) -> Product:
    with site.sessions() as session:
        found = session.scalars(select(Product).where(Product.code == code)).one()
        assert found.prices is not None
        assert found.parts is not None
        return found


def level(site: Site, code: str) -> tuple[int, int]:
    with site.sessions() as session:
        found = session.scalars(select(Product.id).where(Product.code == code)).one()
        row = stock.levels(session, [found])[found]
        return row.on_hand, row.reserved


def test_a_product_with_a_price_of_a_period_a_bundle_of_it_and_a_picture(site: Site) -> None:
    client = browser(site, "supervisor")
    today = utc_now().strftime("%Y-%m-%dT00:00")
    period = {"prices-0-price": "66.60", "prices-0-starts": today, "prices-1-price": "", "category": "演示"}
    image = {"picture": (io.BytesIO(PNG), "a.png")}
    assert client.post("/products/new", data=product_form("G1", **period, **image)).status_code == 303
    made = product(site, "G1")
    assert (made.initials, [row.price for row in made.prices]) == ("YSSP", [Decimal("66.60")])
    picture = client.get(f"/products/{made.id}/picture")
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    page = body(client, "/products?q=yssp")
    assert "66.60" in page
    assert f"/products/{made.id}/picture" in page
    assert f'value="{today}"' in body(client, f"/products/{made.id}")
    bundle = product_form("G2", **{"parts-0-code": "g1", "parts-0-quantity": "2", "parts-1-code": "P001"})
    assert client.post("/products/new", data=bundle).status_code == 303
    pack = product(site, "G2")
    assert (pack.bundle, pack.track_stock) == (True, False)
    assert [(part.product.code, part.quantity) for part in pack.parts] == [("G1", 2), ("P001", 1)]
    bundle |= {"parts-0-quantity": "3", "parts-1-code": ""}
    assert client.post(f"/products/{pack.id}", data=bundle).status_code == 303
    assert [(part.product.code, part.quantity) for part in product(site, "G2").parts] == [("G1", 3)]
    assert audited(site, "product.change")[-1].after == {"parts": ["G1 × 3"]}


def test_those_who_saw_a_medium_pay_its_price(site: Site) -> None:
    client = browser(site, "supervisor")
    client.post("/products/new", data=product_form("GM", track_stock=""))
    made = product(site, "GM")
    with site.sessions() as session:
        tv, radio = Medium(name=HOSTILE, kind=MediumKind.TV), Medium(name="Radio", kind=MediumKind.RADIO)
        session.add_all([tv, radio])
        session.commit()
        seen, heard = str(tv.id), str(radio.id)
    row = {"product": "gm", "row-price": "59.00", "row-medium": seen, "row-starts": "2026-01-01T00:00"}
    for wrong in (
        {"product": "none"},
        {"row-price": "x"},
        {"row-price": ""},
        {"row-medium": "999"},
        {"row-starts": ""},
    ):
        assert client.post("/products/prices", data=row | wrong).status_code == 422, wrong
    assert client.post("/products/prices", data=row).status_code == 303
    page = body(client, f"/products/prices?q=GM&medium={seen}")
    assert "59.00" in page
    assert "In force" in page
    assert HOSTILE not in page
    assert "59.00" not in body(client, "/products/prices?medium=all")

    line = {
        "lines-0-product": str(made.id),
        "lines-0-quantity": "2",
        "token": "t" * 20,
        "name": "Demo",
        "line": "1 Road",
    }
    order = line | {"phone": "19900000077", "address": "new", "payment": "cash_on_delivery", "delivery": "express"}

    def total(medium: str) -> str:
        page = client.post("/orders/quote", data=order | {"medium": medium}).text
        return page.partition('data-total-plain="')[2].partition('"')[0]

    shown = [total(medium) for medium in (seen, heard, "", "999")]
    usual, special = Decimal(shown[1]), Decimal(shown[0])
    assert (usual - special, shown[1:]) == (Decimal("42.00"), [shown[1]] * 3)
    answer = client.post("/orders/new", data=order | {"medium": heard, "seen_total": shown[0]})
    assert answer.status_code == 422
    assert "Tell the customer" in answer.text
    assert client.post("/orders/new", data=order | {"medium": seen, "seen_total": shown[0]}).status_code == 303

    whole = product_form(
        "GM", **{"prices-0-price": "60", "prices-0-medium": heard, "prices-0-starts": "2026-01-01T00:00"}
    )
    assert f'<option selected value="{seen}"' in body(client, f"/products/{made.id}")
    assert client.post(f"/products/{made.id}", data=whole).status_code == 303
    kept = product(site, "GM").prices
    assert [(row.price, str(row.medium_id)) for row in kept] == [(Decimal("60.00"), heard)]
    assert client.post(f"/products/prices/{kept[0].id}/remove").status_code == 303
    assert client.post(f"/products/prices/{kept[0].id}/remove").status_code == 404
    assert not product(site, "GM").prices
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 422, "admin": 422}
    assert statuses(site, "POST", "/products/prices") == allowed


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parts-0-code": "NO-SUCH"}, "no product with this code"),
        ({"parts-0-code": "B001"}, "cannot be part of a bundle"),
        ({"prices-0-price": "1", "prices-0-starts": "soon"}, "not a time"),
        ({"prices-0-price": "x", "prices-0-starts": "2026-01-01"}, "not a price"),
        ({"prices-0-price": "1", "prices-0-starts": "2026-01-02", "prices-0-ends": "2026-01-01"}, "not after"),
        ({"low_stock": "-1"}, "between 0 and"),
    ],
)
def test_a_wrong_row_is_named(site: Site, changes: dict[str, str], says: str) -> None:
    answer = browser(site, "supervisor").post("/products/new", data=product_form("G9") | changes)
    assert answer.status_code == 422
    assert says in answer.text


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * 300_001])
def test_what_is_no_small_picture_is_refused(site: Site, data: bytes) -> None:
    given = product_form("G9") | {"picture": (io.BytesIO(data), "a.png")}
    answer = browser(site, "supervisor").post("/products/new", data=given)
    assert answer.status_code == 422
    assert "at most 300 kB" in answer.text


def test_low_stock_is_seen_in_the_list(site: Site) -> None:
    page = body(browser(site, "agent1"), "/products?low=1")
    assert "P010" in page
    assert "P001" not in page
    assert "bg-red-lt" in body(browser(site, "agent1"), "/products?q=P020")


def test_a_gift_rule_is_made_and_changed(site: Site) -> None:
    client = browser(site, "supervisor")
    form = {"name": "演示赠品", "product": "P002", "min_quantity": "2", "gift": "p003 x", "active": "y"}
    assert client.post("/products/gifts/new", data=form).status_code == 303
    with site.sessions() as session:
        rule = session.scalars(select(GiftRule).where(GiftRule.name == "演示赠品")).one()
        assert (rule.product and rule.product.code, rule.gift.code, rule.min_quantity) == ("P002", "P003", 2)
    assert "演示赠品" in body(browser(site, "agent1"), "/products/gifts")
    assert client.post(f"/products/gifts/{rule.id}", data=form | {"active": ""}).status_code == 303
    assert audited(site, "gift.change")[-1].after == {"active": False}
    for wrong in ({"gift": "NO"}, {"product": ""}, {"product": "NO"}, {"min_total": "x"}, {"starts": "x"}):
        assert client.post("/products/gifts/new", data=form | wrong).status_code == 422, wrong


# ------------------------------------------------------------ stock


def move(site: Site, **values: Any) -> Any:
    with site.sessions() as session:
        houses = {row.code: str(row.id) for row in session.scalars(select(Warehouse))}
    given = {"product": "P005", "warehouse": "BJ", "count": "10", "reason": "演示"} | values
    for name in ("warehouse", "target"):
        given[name] = houses.get(given.get(name, ""), "")
    return browser(site, "supervisor").post("/stock/move", data=given)


def test_goods_come_in_move_leave_and_are_counted(site: Site) -> None:
    before = level(site, "P005")[0]
    assert move(site, kind="in").status_code == 303
    assert move(site, kind="transfer", target="SH").status_code == 303
    assert move(site, kind="out", count="3").status_code == 303
    assert level(site, "P005")[0] == before + 7
    assert move(site, kind="count", warehouse="SH", count="100", expected="110").status_code == 303
    assert level(site, "P005")[0] == before - 3
    stale = move(site, kind="count", warehouse="SH", count="90", expected="110")
    assert stale.status_code == 409
    assert "moved while you counted" in stale.text
    assert 'name="expected" value="100"' in stale.text
    assert move(site, kind="out", count="99999").status_code == 409
    with site.sessions() as session:
        wanted = select(StockMovement).join(Product).where(Product.code == "P005", StockMovement.user_id.is_not(None))
        rows = session.scalars(wanted.order_by(StockMovement.id)).all()
        assert [(row.kind, row.on_hand) for row in rows] == [
            (MovementKind.IN, 10),
            (MovementKind.TRANSFER, -10),
            (MovementKind.TRANSFER, 10),
            (MovementKind.OUT, -3),
            (MovementKind.COUNT, -10),
        ]
    page = body(browser(site, "agent1"), "/stock/ledger?q=P005&kind=count")
    assert page.count("<td>Count</td>") == 1
    entry = audited(site, "stock.count")[-1]
    assert (entry.before or {})["on_hand"] - (entry.after or {})["on_hand"] == 10


def test_the_product_of_a_movement_is_found_by_code_name_and_initials(site: Site) -> None:
    client = browser(site, "supervisor")
    with site.sessions() as session:
        wanted = session.scalars(select(Product).where(Product.code == "P005")).one()
        house = session.scalars(select(Warehouse).where(Warehouse.code == "BJ")).one().id
    for text in ("p005", wanted.name, wanted.initials.lower()):
        found = client.get("/stock/products", query_string={"q": text}).json["products"]
        assert "P005" in [row["code"] for row in found], text
    assert client.get("/stock/products?q=P005").json["products"][0]["code"] == "P005"
    assert client.get("/stock/products?q=B001").json["products"] == [], "a bundle has no stock of its own"
    there = client.get("/stock/level", query_string={"product": f"P005 {wanted.name}", "warehouse": house})
    with site.sessions() as session:
        row = session.get_one(Stock, (wanted.id, house))
    assert there.json["on_hand"] == row.on_hand
    assert f"There are {row.on_hand}, {row.reserved} of them promised." in there.json["text"]
    for nothing in ("", "B001", "NO"):
        assert client.get(f"/stock/level?product={nothing}").status_code == 404, nothing
    assert statuses(site, "GET", "/stock/products") == {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "in", "count": "0"},
        {"kind": "in", "count": "-5"},
        {"kind": "in", "product": "B001"},
        {"kind": "in", "product": "NO"},
        {"kind": "reserve"},
        {"kind": "out", "reason": ""},
        {"kind": "transfer", "target": "BJ"},
        {"kind": "transfer"},
        {"kind": "in", "warehouse": "??"},
    ],
)
def test_a_wrong_movement_is_refused(site: Site, wrong: dict[str, str]) -> None:
    before = level(site, "P005")
    assert move(site, **wrong).status_code == 422
    assert level(site, "P005") == before


def test_warehouses_are_made_and_put_out_of_use(site: Site) -> None:
    client = browser(site, "supervisor")
    assert client.post("/stock/warehouses/new", data={"code": "GZ", "name": "广州仓", "active": "y"}).status_code == 303
    assert client.post("/stock/warehouses/new", data={"code": "GZ", "name": "again"}).status_code == 422
    with site.sessions() as session:
        house = session.scalars(select(Warehouse).where(Warehouse.code == "GZ")).one()
    assert "广州仓" in body(client, "/stock")
    assert client.post(f"/stock/warehouses/{house.id}", data={"code": "GZ", "name": "广州仓"}).status_code == 303
    assert "广州仓" not in body(client, "/stock")


# ------------------------------------------------------------ points


def test_a_member_and_the_statement_of_a_period(site: Site) -> None:
    client, agent = browser(site, "supervisor"), browser(site, "agent1")
    assert agent.post("/points/member/21/join").status_code == 303
    assert client.post("/points/member/21", data={"rule": "", "change": "120", "text": "goodwill"}).status_code == 303
    with site.sessions() as session:
        survey = session.scalars(select(PointRule).where(PointRule.kind == RuleKind.ACTIVITY)).one()
        number = session.get_one(Member, 21).number
    assert client.post("/points/member/21", data={"rule": str(survey.id)}).status_code == 303
    assert client.post("/points/member/21", data={"rule": "", "change": "-999", "text": "x"}).status_code == 409
    assert client.post("/points/member/21", data={"rule": "", "change": "5", "text": ""}).status_code == 422
    with site.sessions() as session:
        assert points.balance(session, 21) == 170
    page = body(agent, "/points/member/21")
    assert "data-closing>170<" in page
    assert "goodwill" in page
    assert re.findall(r'cx-right">(\d+)</td>', page.split("data-months")[1])[:3] == ["170", "0", "170"]
    assert f'<b>170</b> <span class="cx-num">{number}<' in body(agent, "/customers/21")
    assert number in agent.get("/customers/pop?number=19900000021").text
    assert "Not a member yet" in body(agent, "/customers/22")
    tomorrow = (utc_now() + timedelta(days=2)).date()
    assert "goodwill" not in body(agent, f"/points/member/21?since={tomorrow}&until={tomorrow}")
    assert f"{number}</strong>" in body(agent, f"/points?q={number}")
    assert f"{number}</strong>" in body(agent, "/points?q=19900000021")
    assert "No member found" in body(agent, "/points?q=nobody")
    assert (audited(site, "points.change")[-1].before or {})["balance"] == 120


def test_a_point_rule_is_made_and_changed(site: Site) -> None:
    client = browser(site, "supervisor")
    form = {"name": "演示积分", "kind": "product", "points": "9", "product": "P004", "spend": "1", "active": "y"}
    assert client.post("/points/rules/new", data=form).status_code == 303
    with site.sessions() as session:
        rule = session.scalars(select(PointRule).where(PointRule.name == "演示积分")).one()
        assert (rule.kind, rule.product and rule.product.code, rule.points) == (RuleKind.PRODUCT, "P004", 9)
    assert "演示积分" in body(browser(site, "agent1"), "/points/rules")
    assert client.post(f"/points/rules/{rule.id}", data=form | {"points": "10"}).status_code == 303
    assert audited(site, "point_rule.change")[-1].after == {"points": 10}
    for wrong in ({"points": "0"}, {"product": "NO"}, {"product": ""}, {"kind": "spend", "spend": "0"}, {"kind": "x"}):
        assert client.post("/points/rules/new", data=form | wrong).status_code == 422, wrong


def test_the_shops_parameters_are_the_administrators(site: Site) -> None:
    admin = browser(site, "admin")
    form = {"points_per_unit": "50", "points_share": "30", "agent": "5", "supervisor": "10", "admin": "100"}
    form |= {"shipping_fee": "8", "free_shipping_from": "99"}
    assert admin.post("/points/parameters", data=form).status_code == 303
    with site.sessions() as session:
        present = shop.parameters(session)
    assert (present.points_per_unit, present.shipping_fee, present.discounts["agent"]) == (50, Decimal(8), 5)
    for wrong in ({"points_per_unit": "0"}, {"agent": "101"}, {"shipping_fee": "x"}):
        assert admin.post("/points/parameters", data=form | wrong).status_code == 422
    assert 'value="8.00"' in body(admin, "/points/parameters")


def test_who_may_open_the_pages(site: Site) -> None:
    everybody = {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    writers = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    for path in ("/stock", "/stock/ledger", "/products/gifts", "/points", "/points/rules", "/points/member/1"):
        assert statuses(site, "GET", path) == everybody, path
    for path in ("/stock/move", "/stock/warehouses", "/stock/warehouses/1", "/products/gifts/1", "/points/rules/1"):
        assert statuses(site, "GET", path) == writers, path
    gone = {"nobody": 302, "agent2": 404, "supervisor": 404, "admin": 404}
    assert statuses(site, "GET", "/points/member/999999") == gone
    assert statuses(site, "GET", "/products/999999/picture") == gone
    alone = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    assert statuses(site, "GET", "/points/parameters") == alone
