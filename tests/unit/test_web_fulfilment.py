"""The warehouse in the pages: picking, packing and shipping by scanner, carriers' files, returns, carriers."""

from __future__ import annotations

import io
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.domain.orders import OrderStatus as S
from cti.machines.order import OrderEvent as E
from cti.store.models import Carrier, OrderHandling, OrderStep, PickList
from cti.store.order_effects import Sent
from cti.store.shipping import content, to_pick
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, statuses
from tests.shop import Shop, open_shop
from webui.common.permissions import Permission, declared
from webui.fulfilment import files


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


@pytest.fixture
def shop(site: Site) -> Shop:
    return open_shop(site.sessions)


@pytest.fixture
def client(site: Site) -> FlaskClient:
    return browser(site, "supervisor")


def number(shop: Shop, order_id: int) -> str:
    return shop.read(order_id).number


def test_a_pick_list_names_pieces_and_orders(site: Site, shop: Shop, client: FlaskClient) -> None:
    orders = [shop.until(shop.order(*pieces), E.CONFIRM) for pieces in ((2, 1), (3,))]
    with site.sessions() as session:
        assert to_pick(session)[shop.warehouse_id] == orders
    page = body(client, "/fulfilment")
    assert all(f'value="{key}"' in page for key in orders)
    answer = client.post("/fulfilment/picks", data={"order": orders, "warehouse": shop.warehouse_id})
    assert answer.status_code == 303
    listed = body(client, answer.headers["Location"])
    assert "<strong>5</strong>" in listed
    assert f"{number(shop, orders[0])} ×2" in listed
    with site.sessions() as session:
        found = session.get_one(OrderHandling, orders[0]).pick_list_id
        assert found is not None
        assert [row.pieces for row in content(session, found)] == [5, 1]
    assert [shop.read(key).status for key in orders] == [S.PICKING, S.PICKING]
    assert client.get("/fulfilment/picks/999999").status_code == 404


def test_an_order_that_went_elsewhere_makes_no_list(site: Site, shop: Shop, client: FlaskClient) -> None:
    orders = [shop.until(shop.order(1), E.CONFIRM) for _ in range(2)]
    shop.go(orders[1], E.HOLD)
    with site.sessions() as session:
        before = session.scalars(select(PickList.number)).all()
    client.post("/fulfilment/picks", data={"order": orders, "warehouse": shop.warehouse_id})
    assert shop.read(orders[0]).status is S.CONFIRMED
    with site.sessions() as session:
        assert session.scalars(select(PickList.number)).all() == before
    assert "Mark the orders" in client.post("/fulfilment/picks", data={"order": "x"}, follow_redirects=True).text


def test_packing_and_shipping_by_scanner(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.until(shop.order(2), E.PICK)
    code = number(shop, order_id)
    assert "All of it is in the parcel" in body(client, f"/fulfilment/pack?code={code}")
    assert "There is no order" in body(client, "/fulfilment/pack?code=404")
    page = client.post("/fulfilment/pack", data={"code": code}, follow_redirects=True).text
    assert f"Order {code} is packed" in page
    assert "is not being picked" in body(client, f"/fulfilment/pack?code={code}")
    sent = {"code": code, "carrier": shop.carrier_id, "waybill": f"S{code}"}
    for changes, says in (
        ({"waybill": ""}, "Enter the waybill"),
        ({"carrier": "x"}, "Choose a carrier"),
        ({"code": "404"}, "There is no order"),
        ({}, "is on its way"),
        ({}, "is not packed"),
    ):
        page = client.post("/fulfilment/ship", data=sent | changes, follow_redirects=True).text
        assert says in page, changes
    assert f"S{code}" in body(client, f"/fulfilment/parcels?carrier={shop.carrier_id}")
    assert "No parcel found" in body(client, "/fulfilment/parcels?q=nothing&state=signed")


def upload(client: FlaskClient, carrier: int, name: str, raw: bytes) -> str:
    data = {"carrier": str(carrier), "file": (io.BytesIO(raw), name)}
    answer = client.post("/fulfilment/told", data=data, follow_redirects=True)
    assert answer.status_code == 200
    return str(answer.text)


def shipped(shop: Shop, count: int) -> list[int]:
    orders = [shop.until(shop.order(1), E.PACK) for _ in range(count)]
    for order_id in orders:
        shop.go(order_id, E.SHIP, sent=Sent(shop.carrier_id, f"T{order_id}"))
    return orders


def test_a_carriers_file_is_shown_first_then_done_row_by_row(site: Site, shop: Shop, client: FlaskClient) -> None:
    one, two, three, four = shipped(shop, 4)
    rows = f"""运单号,结果,日期,备注
T{one},签收,,
T{two},拒收,,不在家
T{three},LOST,2001-01-01,
T{four},eaten,,
nowhere,签收,,
T{one},签收,,
"""
    page = upload(client, shop.carrier_id, "told.csv", rows.encode("gb18030"))
    assert "2 rows can be entered" in page
    assert "4 rows cannot" in page
    for words in ("Date not understood", "Result not understood", "No such waybill", "Waybill twice"):
        assert words in page
    assert shop.read(one).status is S.SHIPPED
    kept = re.search(r'name="rows" value="([^"]+)"', page)
    assert kept is not None
    form = {"rows": kept.group(1), "carrier": str(shop.carrier_id)}
    shop.go(two, E.SIGN)
    done = client.post("/fulfilment/told/apply", data=form, follow_redirects=True).text
    assert "1 parcels were entered" in done
    assert [shop.read(key).status for key in (one, two, three)] == [S.COMPLETED, S.COMPLETED, S.SHIPPED]
    again = client.post("/fulfilment/told/apply", data=form, follow_redirects=True).text
    assert "0 parcels were entered" in again
    assert audited(site, "carrier.import")[-1].after == {"done": 0, "failed": 0}


def test_a_carriers_file_says_where_parcels_are(site: Site, shop: Shop, client: FlaskClient) -> None:
    """Several stations of one waybill in any order with its end, each entered once however often the file comes."""
    (one,) = shipped(shop, 1)
    shop.go(one, E.TRACK, reason="left the house")
    rows = f"""运单号,结果,日期,备注
T{one},签收,,
T{one},到达,,北京转运中心
T{one},派送中,,
"""
    page = upload(client, shop.carrier_id, "told.csv", rows.encode())
    assert "3 rows can be entered" in page
    kept = re.search(r'name="rows" value="([^"]+)"', page)
    assert kept is not None
    form = {"rows": kept.group(1), "carrier": str(shop.carrier_id)}
    assert "3 parcels were entered" in client.post("/fulfilment/told/apply", data=form, follow_redirects=True).text
    order = shop.read(one)
    assert order.status is S.COMPLETED
    page = body(client, f"/orders/{one}")
    for words in ("left the house", "北京转运中心", "派送中"):
        assert words in page
    assert "0 parcels were entered" in client.post("/fulfilment/told/apply", data=form, follow_redirects=True).text


def test_a_station_that_is_known_is_not_entered_twice(site: Site, shop: Shop, client: FlaskClient) -> None:
    (one,) = shipped(shop, 1)
    rows = f"T{one},in transit,,Demo depot\n".encode()
    for says in ("1 rows can be entered", "1 rows cannot"):
        page = upload(client, shop.carrier_id, "told.csv", b"waybill,result,date,note\n" + rows)
        assert says in page
        kept = re.search(r'name="rows" value="([^"]+)"', page)
        assert kept is not None
        client.post("/fulfilment/told/apply", data={"rows": kept.group(1), "carrier": str(shop.carrier_id)})
    with site.sessions() as session:
        steps = session.scalars(select(OrderStep).where(OrderStep.order_id == one, OrderStep.event == E.TRACK)).all()
    assert [step.reason for step in steps] == ["Demo depot"]
    assert "Demo depot" in body(client, f"/fulfilment/parcels?q=T{one}")


def test_another_carriers_waybill_is_unknown(site: Site, shop: Shop, client: FlaskClient) -> None:
    (one,) = shipped(shop, 1)
    other = open_shop(site.sessions)
    assert "No such waybill" in upload(client, other.carrier_id, "told.csv", f"waybill,result\nT{one},signed".encode())


@pytest.mark.parametrize(
    ("name", "raw"),
    [("a.xlsx", b"PK\x03\x04 not a sheet"), ("a.csv", b""), ("", b"x"), ("a.xls", b"\xd0\xcf\x11\xe0broken")],
)
def test_a_file_that_is_none_is_refused(client: FlaskClient, shop: Shop, name: str, raw: bytes) -> None:
    page = upload(client, shop.carrier_id, name, raw)
    assert "cannot be read" in page or "Choose a file" in page


@pytest.mark.parametrize("text", ["", "%%%", "e30=", "eJwrzgQAAYQA8Q==", files.packed([])])
def test_a_preview_that_was_tampered_with_is_refused(client: FlaskClient, shop: Shop, text: str) -> None:
    form = {"rows": text, "carrier": str(shop.carrier_id)}
    assert "Choose a file" in client.post("/fulfilment/told/apply", data=form, follow_redirects=True).text


def test_a_sheets_numbers_are_waybills() -> None:
    assert [files.cell(value) for value in (12345678901.0, 7, "SF1 ", True)] == ["12345678901", "7", "SF1", "True"]
    rows = [["SF1", "签收"], ["x", "y"]]
    assert files.unpacked(files.packed(rows)) == rows


def test_returns_are_listed(site: Site, shop: Shop, client: FlaskClient) -> None:
    order_id = shop.until(shop.order(2), E.SIGN)
    shop.send_back(order_id, shop.lines(order_id))
    assert number(shop, order_id) in body(client, "/fulfilment/returns")
    shop.inspect(order_id, E.RECEIVE, shop.lines(order_id))
    assert number(shop, order_id) not in body(client, "/fulfilment/returns")
    assert "200.00" in body(client, "/fulfilment/returns?state=inspected")


def test_carriers_are_made_and_changed(site: Site, client: FlaskClient) -> None:
    assert client.post("/fulfilment/carriers", data={"code": "yt", "name": HOSTILE}).status_code == 303
    page = body(client, "/fulfilment/carriers")
    assert "<script>alert" not in page
    for data, says in (({"code": "YT", "name": "x"}, "this code"), ({"code": "", "name": "x"}, "needs a code")):
        assert says in client.post("/fulfilment/carriers", data=data, follow_redirects=True).text
    with site.sessions() as session:
        carrier = session.scalars(select(Carrier).where(Carrier.code == "YT")).one()
    client.post("/fulfilment/carriers", data={"id": carrier.id, "code": "YT", "name": "Demo"})
    assert audited(site, "carrier.change")[-1].after == {"code": "YT", "name": "Demo", "phone": "", "active": False}


def test_the_warehouse_is_for_those_who_work_there(site: Site) -> None:
    views = {name: view for name, view in site.app.view_functions.items() if name.startswith("fulfilment.")}
    assert {declared(view) for view in views.values()} == {Permission.ORDERS_FULFIL}
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/fulfilment/carriers") == allowed
