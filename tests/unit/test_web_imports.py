"""What old systems, web shops and stocktakers bring in files: orders, tickets, calls, prices, stock, media."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import func, select

from cti.domain.orders import OrderStatus
from cti.store import reconciling, stock
from cti.store.models import (
    Airing,
    Call,
    Customer,
    CustomerPhone,
    CustomField,
    Medium,
    Member,
    Order,
    Product,
    ProductPrice,
    Receipt,
    Stock,
    Ticket,
    TicketState,
    Warehouse,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import audited, body, browser
from tests.unit.test_web_transfers import counts, exported, go, imported, send, sheet_of, transfer, workbook
from webui.transfers import importing
from webui.transfers.cells import WrongCell
from webui.transfers.orders import Item, read_goods

ORDERS = ["订单号", "下单时间", "状态", "客户姓名", "手机", "地址", "商品", "运费", "总额", "坐席"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two products with ten pieces each, a customer of agent 2."""
    made = Site(tmp_path_factory.mktemp("site"))
    with made.sessions() as session:
        house = Warehouse(code="IMP", name="Imports", position=-1)
        first = Product(code="I-1", name="One", price=Decimal("100.00"), track_stock=True)
        second = Product(code="I-2", name="Two; pieces", price=Decimal("50.00"), track_stock=True)
        session.add_all([house, first, second])
        session.flush()
        for product in (first, second):
            stock.bring_in(session, product, house.id, 10)
        owner = made.user("agent2").id
        session.add(Customer(name="Kept", owner_user_id=owner, phones=[CustomerPhone(number="+8613900000099")]))
        session.add(CustomField(subject="order", key="wrap", names={"en": "Wrap"}, kind="text"))
        session.commit()
    yield made
    made.close()


def told(site: Site, path: str, tmp: Path, user: str = "supervisor") -> list[str]:
    """Why rows were wrong."""
    return [str(row[1]) for row in sheet_of(browser(site, user), f"{path}/wrong", tmp)[1:]]


def left(site: Site, code: str) -> int:
    with site.sessions() as session:
        product = session.scalars(select(Product).where(Product.code == code)).one()
        return stock.levels(session, [product.id])[product.id].available


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("A1", [("A1", 1, None)]),
        ("A1 ×2; B-2 Blue pan x 3 ;C3*4 @ 9.90", [("A1", 2, None), ("B-2", 3, None), ("C3", 4, "9.90")]),
        ("A1 名称 ×12\nB2 @100", [("A1", 12, None), ("B2", 1, "100")]),
    ],
)
def test_goods_are_code_quantity_and_price(text: str, items: list[Any]) -> None:
    wanted = [Item(code, count, Decimal(price) if price else None) for code, count, price in items]
    assert read_goods(text) == wanted


@pytest.mark.parametrize("text", [";", "A1 ×0", "A1 @ -5", "A1 @ 1.999 x", "; ".join(["A"] * 51), "x" * 90])
def test_what_is_no_list_of_goods_is_refused(text: str) -> None:
    with pytest.raises(WrongCell):
        read_goods(text)


def test_finished_orders_of_an_old_system_keep_time_price_and_closed_books_and_touch_no_stock(site: Site) -> None:
    before, rows = (
        left(site, "I-1"),
        (
            [
                "OLD-1",
                "2024-03-05 10:00",
                "completed",
                "Old Friend",
                "13911110001",
                "Road 1",
                "I-1 ×2 @88.00; I-2",
                8,
                234,
                "",
            ],
            [
                "OLD-2",
                "2024/3/6 9:05",
                "cancelled",
                "Old Friend",
                "13911110001",
                "Road 1",
                "I-2 ×1 @ 40",
                "",
                "",
                "agent1",
            ],
        ),
    )
    path = imported(site, "orders", workbook([*ORDERS, "Wrap"], [*rows[0], "silk"], [*rows[1], ""]))
    assert counts(site, path) == (2, 0, 0, 0)
    with site.sessions() as session:
        done, off = session.scalars(select(Order).where(Order.token.startswith("import:")).order_by(Order.id))
        assert (done.status, done.total, done.goods_total) == (
            OrderStatus.COMPLETED,
            Decimal("234.00"),
            Decimal("226.00"),
        )
        assert (off.status, off.total, off.former) == (OrderStatus.CANCELLED, Decimal("40.00"), "OLD-2")
        assert done.created_at == datetime(2024, 3, 5, 2, tzinfo=UTC)
        assert (done.custom, done.number.isdecimal(), done.line) == ({"wrap": "silk"}, True, "Road 1")
        assert (done.agent_user.username, off.agent_user.username) == ("supervisor", "agent1")
        friend = session.scalars(select(Customer).where(Customer.name == "Old Friend")).one()
        assert (done.customer_id, off.customer_id) == (friend.id, friend.id)
        assert session.get(Member, friend.id) is not None
        year = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
        books = reconciling.books(session, *year)
        assert (books.whole.adds_up, books.odd, books.whole.received) == (True, [], Decimal("234.00"))
    assert left(site, "I-1") == before
    page = body(browser(site, "supervisor"), "/orders?q=OLD-1")
    assert done.number in page
    assert "OLD-1" in body(browser(site, "supervisor"), f"/orders/{done.id}")
    again = imported(site, "orders", workbook(ORDERS, rows[0]))
    assert counts(site, again) == (0, 0, 1, 0)
    update = imported(site, "orders", workbook(["订单号", "商品", "备注"], ["OLD-1", "I-1", "later"]), "update")
    assert counts(site, update) == (0, 1, 0, 0)
    with site.sessions() as session:
        assert session.get_one(Order, done.id).remarks == "later"
        assert len(session.get_one(Order, done.id).lines) == 2


def test_new_orders_are_computed_take_stock_and_what_cannot_be_is_given_back(site: Site, tmp_path: Path) -> None:
    address, tomorrow = "Road 2", (utc_now() + timedelta(days=2)).strftime("%Y-%m-%d")
    rows = [
        ["W-1", "", "", "Web", "13911110002", address, "I-1 ×3", "", "", ""],
        ["W-2", "", "new", "Web", "13911110002", address, "i-2 ×9; I-1", "", "", ""],
        ["W-3", "", "", "Web", "13911110002", address, "I-1 ×7", "", "", ""],
        ["W-4", "", "", "Web", "13911110002", address, "NO-SUCH", "", "", ""],
        ["W-5", "", "", "", "13911110003", address, "I-1", "", "", ""],
        ["W-6", tomorrow, "", "Web", "13911110002", address, "I-1", "", "", ""],
        ["W-7", "", "shipped", "Web", "13911110002", address, "I-1", "", "", ""],
        ["W-8", "", "", "Web", "13911110002", address, "I-1", "", "1.00", ""],
        ["W-9", "", "", "Web", "13911110002", address, "I-1", "", "", "nobody"],
        ["W-10", "", "completed", "Web", "13911110002", address, "I-1 @ 5", "", "1e400", ""],
    ]
    path = imported(site, "orders", workbook(ORDERS, *rows))
    assert counts(site, path) == (2, 0, 0, 8)
    why = told(site, path, tmp_path)
    for text, words in zip(
        why,
        (
            "only 6 left",
            "no product NO-SUCH",
            "name and a phone",
            "in the future",
            "new, completed or cancelled",
            "It comes to",
            "no agent",
            "not an amount",
        ),
        strict=True,
    ):
        assert words in text
    with site.sessions() as session:
        first = session.scalars(select(Order).where(Order.token == "import:W-1")).one()
        assert (first.status, first.goods_total, first.recipient) == (OrderStatus.NEW, Decimal("300.00"), "Web")
        assert session.scalar(select(func.count()).where(Customer.name == "Web")) == 1
    assert (left(site, "I-1"), left(site, "I-2")) == (6, 1)
    assert audited(site, "order.create")[-1].after["former"] == "W-2"


def test_an_order_that_promises_goods_is_a_transaction_of_its_own(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[list[str]] = []
    store = importing.store

    def noted(portion: list[importing.Row], *more: Any) -> None:
        together.append([str(row.values["number"]) for row in portion])
        store(portion, *more)

    monkeypatch.setattr(importing, "store", noted)
    who = "Web", "13911110002", "Road 2", "I-1"
    rows = [
        [name, "", status, *who, "", "", ""] for name, status in (("a", "cancelled"), ("b", "cancelled"), ("c", ""))
    ]
    imported(site, "orders", workbook(ORDERS, *rows, ["d", "", "new", *who, "", "", ""], ["e", *rows[0][1:]]))
    assert together == [["a", "b"], ["c"], ["d"], ["e"]]


def test_an_agents_file_makes_no_prices_no_finished_orders_and_reaches_nobody_elses_customers(
    site: Site, tmp_path: Path
) -> None:
    old = [
        "OLD-2",
        "2024-03-06 10:00",
        "cancelled",
        "Old Friend",
        "13911110001",
        "Road 1",
        "I-2 @ 40",
        "",
        "",
        "agent1",
    ]
    imported(site, "orders", workbook(ORDERS, old))
    site.set_user("agent1", rights={"lists.import": True}, scopes={"customers": "own"})
    rows = [
        ["G-1", "", "", "Own", "13911110004", "Road", "I-2 @ 1.00", "", "", ""],
        ["G-2", "2024-01-01", "completed", "Own", "13911110004", "Road", "I-2", "", "", ""],
        ["G-3", "", "", "Kept", "13900000099", "Road", "I-2", "", "", ""],
        ["G-4", "", "", "Own", "13911110004", "Road", "I-2", "", "", "agent2"],
        ["OLD-2", "", "", "Own", "13911110004", "Road", "I-2", "", "", ""],
    ]
    path = send(site, "orders", workbook(ORDERS, *rows), user="agent1")
    chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
    assert go(site, f"{path}/check", "agent1", duplicates="update", **chosen).status_code == 303
    assert counts(site, path) == (0, 1, 0, 4)
    why = told(site, path, tmp_path, "agent1")
    for text, words in zip(why, ("not change prices", "finished", "somebody whose customers", "no agent"), strict=True):
        assert words in text
    site.set_user("agent1", rights={}, scopes={})


def test_people_to_call_back_come_in_once_and_are_completed(site: Site, tmp_path: Path) -> None:
    head = ["电话", "姓名", "队列", "加急", "备注", "时间"]
    rows = (
        ["13922220001", "Back One", "", "是", "a tent", "2025-01-02 08:00"],
        ["13922220002", "Back Two", "nowhere", "", "", ""],
        ["13922220003", "Back Three", "", "", "", "2999-01-01"],
        ["13922220001", "Back One", "", "", "again", ""],
    )
    path = imported(site, "tickets", workbook(head, *rows))
    assert counts(site, path) == (1, 0, 1, 2)
    why = told(site, path, tmp_path)
    assert ("no queue" in why[0], "future" in why[1]) == (True, True)
    with site.sessions() as session:
        ticket = session.scalars(select(Ticket).where(Ticket.number == "+8613922220001")).one()
        assert (ticket.state, ticket.urgent, ticket.note) == (TicketState.OPEN, True, "a tent")
        assert (ticket.first_at, ticket.history[0].what) == (datetime(2025, 1, 2, tzinfo=UTC), "made")
    changed = imported(site, "tickets", workbook(["电话", "备注"], ["139 2222 0001", "two tents"]), "update")
    assert counts(site, changed) == (0, 1, 0, 0)
    assert audited(site, "ticket.change")[-1].after == {"note": "two tents"}


def test_the_call_log_of_an_old_system_is_found_under_number_and_agent(site: Site, tmp_path: Path) -> None:
    head = ["呼叫时间", "方向", "客户号码", "被叫", "坐席", "时长", "结束时间", "小结"]
    rows = (
        ["2024-05-01 09:00:10", "inbound", "13933330001", "8000", "1001", 65, "", "asked for a tent"],
        ["2024-05-01 09:10", "inbound", "13933330002", "8000", "", "", "2024-05-01 09:12", ""],
        ["2024-05-01 09:20", "outbound", "13933330003", "", "nobody", 5, "", ""],
        ["2024-05-01 09:30", "inbound", "13933330004", "8000", "1001", 5, "2024-05-01 09:00", ""],
        ["2999-05-01 09:30", "inbound", "13933330004", "8000", "1001", 5, "", ""],
        ["not a time", "inbound", "13933330004", "8000", "1001", 5, "", ""],
    )
    path = imported(site, "calls", workbook(head, *rows))
    assert counts(site, path) == (2, 0, 0, 4)
    for text, words in zip(told(site, path, tmp_path), ("no agent", "follow one", "future", "not a time"), strict=True):
        assert words in text
    with site.sessions() as session:
        talked = session.scalars(select(Call).where(Call.number == "+8613933330001")).one()
        assert talked.ended_at - talked.answered_at == timedelta(seconds=65)
        assert (talked.note.summary, talked.dnis, len(talked.legs)) == ("asked for a tent", "8000", 1)
        lost = session.scalars(select(Call).where(Call.number == "+8613933330002")).one()
        assert (lost.answered_at, lost.agent_id) == (None, "")
    agent = browser(site, "agent1")
    assert f"/calls/{talked.id}" in body(agent, "/calls?since=2024-05-01&until=2024-05-02")
    assert "asked for a tent" in body(agent, f"/calls/{talked.id}")
    again = imported(site, "calls", workbook(head, rows[0]))
    assert counts(site, again) == (0, 0, 1, 0)


def test_prices_and_counted_stock(site: Site, tmp_path: Path) -> None:
    with site.sessions() as session:
        session.add(Medium(name="Channel Nine"))
        session.commit()
    head = ["编码", "价格", "开始", "结束", "媒体"]
    rows = (
        ["I-1", "79.90", "2026-01-01", "2026-02-01", ""],
        ["i-1", "69.90", "2026-01-01", "", "channel nine"],
        ["I-1", "69.90", "2026-03-01", "2025-01-01", ""],
        ["I-9", "69.90", "2026-01-01", "", ""],
        ["I-1", "69.905", "2026-01-02", "", ""],
        ["I-1", "69.90", "2026-01-02", "", "Channel Ten"],
    )
    path = imported(site, "prices", workbook(head, *rows), "skip")
    assert counts(site, path) == (2, 0, 0, 4)
    again = imported(site, "prices", workbook(head, ["I-1", "75", "2026-01-01", "", ""]), "update")
    assert counts(site, again) == (0, 1, 0, 0)
    with site.sessions() as session:
        found = session.scalars(select(ProductPrice).order_by(ProductPrice.id.desc()).limit(2)).all()
        assert sorted(row.price for row in found) == [Decimal("69.90"), Decimal("75.00")]
    head = ["编码", "仓库", "盘点数", "入库数", "原因"]
    rows_of = (
        ["I-1", "imp", 4, "", "stocktaking"],
        ["I-2", "IMP", "", 5, "arrival"],
        ["I-2", "IMP", "", 2, "arrival"],
        ["I-1", "IMP", 4, 4, ""],
        ["I-1", "NONE", 4, "", ""],
        ["I-1", "IMP", -1, "", ""],
    )
    before = left(site, "I-2")
    path = imported(site, "stock", workbook(head, *rows_of), "update")
    assert counts(site, path) == (0, 3, 0, 3)
    assert left(site, "I-2") == before + 7
    with site.sessions() as session:
        product = session.scalars(select(Product.id).where(Product.code == "I-1")).one()
        assert session.scalars(select(Stock.on_hand).where(Stock.product_id == product)).one() == 4
    assert audited(site, "stock.count")[-1].after["on_hand"] == 4
    rows = exported(site, "stock", "supervisor", tmp_path, q="I-")
    assert [row[:4] for row in rows[1:] if str(row[0]).startswith("I-")] == [
        ["I-2", "Two; pieces", "IMP", 17.0],
        ["I-1", "One", "IMP", 4.0],
    ]


def test_media_and_airings_and_an_airing_over_another_is_named(site: Site, tmp_path: Path) -> None:
    path = imported(site, "media", workbook(["媒体", "类型"], ["Radio Two", "radio"], ["", "tv"], ["X", "none"]))
    assert counts(site, path) == (1, 0, 0, 2)
    head = ["媒体", "节目", "热线", "开始", "结束", "商品", "费用"]
    rows = (
        ["radio two", "Morning", "4008 1111", "2026-03-01 08:00", "2026-03-01 09:00", "I-1 i-2", "1200.50"],
        ["Radio Two", "Over it", "40081111", "2026-03-01 08:30", "2026-03-01 09:30", "", ""],
        ["Radio Two", "Backwards", "40081111", "2026-03-02 08:30", "2026-03-02 08:00", "", ""],
    )
    path = imported(site, "airings", workbook(head, *rows))
    assert counts(site, path) == (1, 0, 0, 2)
    assert "Morning" in told(site, path, tmp_path)[0]
    with site.sessions() as session:
        airing = session.scalars(select(Airing).where(Airing.programme == "Morning")).one()
        assert ([p.code for p in airing.products], airing.cost) == (["I-1", "I-2"], Decimal("1200.50"))


def test_every_list_goes_out(site: Site, tmp_path: Path) -> None:
    goods = ("prices", "ledger", "media", "airings")
    money = ("parcels", "returns", "refunds", "payments", "invoices", "settlements", "differences")
    rows = {name: exported(site, name, "supervisor", tmp_path) for name in (*goods, *money, "members", "messages")}
    assert all(len(found[0]) > 3 for found in rows.values())
    with site.sessions() as session:
        assert len(rows["members"]) - 1 == session.scalar(select(func.count()).select_from(Member))
        assert len(rows["payments"]) - 1 == session.scalar(select(func.count()).select_from(Receipt))


def test_a_page_keeps_no_words_of_who_saw_it_first(site: Site) -> None:
    with site.app.test_request_context():
        with force_locale("zh_CN"):
            page = site.app.jinja_env.from_string('{{ "count"|label("movement") }}')
            assert page.render() == "盘点"
        with force_locale("en"):
            assert page.render() == "Count"
