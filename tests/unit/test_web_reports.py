"""Reports: whatever they are grouped by, the sums are those of the list of orders; the same as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from cti.store import media, rollups
from cti.store.models import Airing, Call, Department, Medium, Order, OrderLine, Product, User, utc_now
from tests.fakes.site import Site
from tests.pages import audited, body, browser, statuses

EVENING = datetime(2026, 10, 5, 12, tzinfo=UTC)  # 20:00 in Shanghai
OCTOBER = "since=2026-10-01&until=2026-10-31"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    fill(made)
    yield made
    made.close()


def fill(site: Site) -> None:
    """Six orders of two agents in two departments, two airings, calls on their numbers and elsewhere."""
    with site.sessions() as session:
        session.add_all(
            [Medium(id=1, name="五频道"), Medium(id=2, name="=HYPERLINK(1)"), Department(id=1, name="North")]
        )
        session.flush()
        session.scalars(select(User).where(User.username == "agent1")).one().department_id = 1
        airings = []
        for n, dnis in enumerate(("8000", "8001")):
            airing = Airing(medium_id=n + 1, programme=f"show {n}", dnis=dnis, cost=Decimal("100.00"))
            airing.starts_at, airing.ends_at = EVENING, EVENING + timedelta(minutes=30)
            airings.append(media.save(session, airing))
        product = session.scalars(select(Product).where(Product.code == "P001")).one()
        product.category = "厨具"
        airings[0].products.append(product)
        rows = [
            ("agent1", "100.00", "new", 0, "北京市海淀区", 5),
            ("agent1", "200.00", "completed", 0, "北京市海淀区", 6),
            ("agent2", "40.00", "cancelled", 1, "河北省保定市", 7),
            ("agent2", "60.00", "new", None, "nowhere", 8),
            ("agent2", "30.00", "new", None, "", 60 * 24),
            ("agent2", "7.00", "new", 1, "河北省保定市", 60 * 24 * 40),
        ]
        for username, total, status, airing_at, city, minute in rows:
            agent = session.scalars(select(User.id).where(User.username == username)).one()
            order = Order(customer_id=1, agent_user_id=agent, total=Decimal(total), status=status, city=city)
            order.created_at = EVENING + timedelta(minutes=minute)
            if airing_at is not None:
                order.airing_id, order.medium_id = airings[airing_at].id, airings[airing_at].medium_id
            price = Decimal(total) - 5
            order.lines.append(OrderLine(product=product, quantity=2, price=price, amount=price))
            session.add(order)
        for n, (dnis, minute) in enumerate(
            (("8000", 1), ("8000", 2), ("8001", 3), ("9999", 4), ("8000", 60 * 24 * 40))
        ):
            at = EVENING + timedelta(minutes=minute)
            row = {"version": 1, "direction": "inbound", "dnis": dnis, "created_at": at, "document": {}}
            session.add(Call(id=f"r{n}", **row))
        session.commit()


def table(site: Site, path: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Rows by label, and the totals."""
    page = body(browser(site, "supervisor"), path)
    rows = {}
    for label, cells in re.findall(r'<tr><td class="cx-text">(.*?)</td>(.*?)</tr>', page):
        rows[unescape(label)] = re.findall(r'data-figure="\w+">(.*?)<', cells)
    return rows, dict(re.findall(r'data-total="(\w+)">(.*?)<', page))


@pytest.mark.parametrize("group", ["day", "agent", "department", "region", "payment", "status"])
def test_whatever_the_group_the_sums_are_those_of_the_orders(site: Site, group: str) -> None:
    rows, totals = table(site, f"/reports/orders?{OCTOBER}&group={group}")
    assert (totals["orders"], totals["amount"], totals["void"], totals["net"]) == ("5", "430.00", "1", "390.00")
    assert sum(Decimal(row[1].replace(",", "")) for row in rows.values()) == Decimal("430.00")
    assert sum(int(row[0]) for row in rows.values()) == 5


def test_orders_by_day_are_of_the_users_days(site: Site) -> None:
    rows, _totals = table(site, f"/reports/orders?{OCTOBER}&group=day")
    assert {day: row[0] for day, row in rows.items() if row[0] != "0"} == {"2026-10-05": "4", "2026-10-06": "1"}
    assert len(rows) == 31


def test_orders_by_agent_department_and_region(site: Site) -> None:
    rows, _totals = table(site, f"/reports/orders?{OCTOBER}&group=agent")
    assert {name: row[1] for name, row in rows.items()} == {
        site.user("agent1").name: "300.00",
        site.user("agent2").name: "130.00",
    }
    rows, _totals = table(site, f"/reports/orders?{OCTOBER}&group=department")
    assert rows["North"][1] == "300.00"
    rows, _totals = table(site, f"/reports/regions?{OCTOBER}&group=province")
    assert {name: row[1] for name, row in rows.items()} == {
        "北京市": "300.00",
        "Not stated": "90.00",
        "河北省": "40.00",
    }


def test_filters_narrow_rows_and_totals_alike(site: Site) -> None:
    for query, orders in (
        ("status=cancelled", "1"),
        (f"agent={site.user('agent1').id}", "2"),
        ("department=1", "2"),
        ("medium=1", "2"),
        ("airing=1002", "1"),
        ("product=p001", "5"),
        ("product=P002", "0"),
        ("payment=cash_on_delivery", "5"),
        ("payment=nonsense&status=nonsense&group=nonsense&agent=%00&department=x", "5"),
    ):
        assert table(site, f"/reports/orders?{OCTOBER}&{query}")[1]["orders"] == orders, query
    assert table(site, "/reports/orders?since=2026-12-31&until=2026-01-01")[1]["orders"] == "0"


def test_products_add_up_to_the_orders_with_what_they_cost_besides(site: Site) -> None:
    rows, totals = table(site, f"/reports/products?{OCTOBER}")
    [goods] = [row for label, row in rows.items() if label.startswith("P001")]
    assert (goods, rows["Shipping, discounts and points"]) == (["10", "405.00"], ["0", "25.00"])
    assert totals["amount"] == "430.00"
    by_category, same = table(site, f"/reports/products?{OCTOBER}&group=category")
    assert (by_category["厨具"], same) == (goods, totals)


def test_media_show_calls_orders_cost_and_return_and_leave_nothing_out(site: Site) -> None:
    rows, totals = table(site, f"/reports/media?{OCTOBER}&group=medium")
    assert rows["五频道"] == ["2", "2", "100.0 %", "300.00", "0", "300.00", "100.00", "50.00", "3.00"]
    assert rows["=HYPERLINK(1)"][:7] == ["1", "1", "100.0 %", "40.00", "1", "0.00", "100.00"]
    assert rows["Not stated"][:4] == ["1", "2", "200.0 %", "90.00"]
    assert (totals["calls"], totals["orders"], totals["amount"], totals["cost"]) == ("4", "5", "430.00", "200.00")
    with site.sessions() as session:
        goods = "P001 " + session.scalars(select(Product.name).where(Product.code == "P001")).one()
    labels = {}
    for group in ("airing", "programme", "product", "dnis"):
        rows, sums = table(site, f"/reports/media?{OCTOBER}&group={group}")
        assert sums == totals
        labels[group] = {label: (row[0], row[1], row[3]) for label, row in rows.items()}
    first, second, nothing = ("2", "2", "300.00"), ("1", "1", "40.00"), ("1", "2", "90.00")
    assert labels == {
        "airing": {
            "10-05 20:00 show 0 · 五频道 · 1001": first,
            "10-05 20:00 show 1 · =HYPERLINK(1) · 1002": second,
            "Not stated": nothing,
        },
        "programme": {"show 0": first, "show 1": second, "Not stated": nothing},
        "product": {goods: first, "=HYPERLINK(1), no airing": second, "Not stated": nothing},
        "dnis": {"8000": first, "8001": second, "Not stated": nothing},
    }
    rows, totals = table(site, f"/reports/media?{OCTOBER}&group=dnis&medium=1")
    assert (list(rows), totals["calls"], totals["orders"]) == (["8000"], "2", "2")
    november, _ = table(site, "/reports/media?since=2026-11-01&until=2026-11-30&group=medium")
    assert november["=HYPERLINK(1)"][:2] == ["0", "1"], "orders count on their own day"


def test_the_chart_draws_the_figures_of_the_table(site: Site) -> None:
    page = body(browser(site, "supervisor"), f"/reports/media?{OCTOBER}")
    found = re.search(r'data-chart="(.*?)"', page)
    assert found
    drawn = json.loads(unescape(found.group(1)))
    assert (drawn["kind"], drawn["labels"][0], drawn["series"][0]["values"][0]) == ("bar", "五频道", 300.0)


def test_the_file_holds_the_same_and_no_formula(site: Site) -> None:
    answer = browser(site, "supervisor").get(f"/reports/media.csv?{OCTOBER}&group=medium")
    assert answer.headers["Content-Disposition"].endswith('"media-2026-10-01-2026-10-31.csv"')
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [row[0] for row in rows] == ["Medium", "五频道", "Not stated", "'=HYPERLINK(1)", "Total"]
    assert rows[-1][1:3] == ["4", "5"]
    assert audited(site, "report.export")[-1].after["rows"] == 3


def test_reports_are_for_those_who_may_read_them(site: Site) -> None:
    seen: dict[str, Any] = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/reports/orders") == seen
    assert statuses(site, "GET", "/reports/orders.csv") == seen
    assert browser(site, "supervisor").get("/reports/none").status_code == 404
    assert browser(site, "supervisor").get("/reports").status_code == 302


def test_days_that_are_summed_show_the_same(site: Site) -> None:
    asked = ("media?group=airing", "media?status=new", "orders?group=payment", "products?medium=1", "products?")
    spans = (OCTOBER, "since=2026-10-05&until=2026-11-15")
    paths = [f"/reports/{query}&{days}" for query in asked for days in spans]
    before = [table(site, path) for path in paths]
    with site.sessions() as session:
        assert rollups.fold_due(session, utc_now().date()) > 0
    assert [table(site, path) for path in paths] == before
