"""One customer's page: timeline, fields changed in place; merging; duplicates; figures. Who may see what."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cti.store import customer_stats, timeline
from cti.store.customer_stats import Step
from cti.store.models import (
    BusinessType,
    CallNote,
    Customer,
    CustomerMerge,
    CustomerPhone,
    Order,
    Sex,
    Ticket,
    TicketState,
    User,
)
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, body, browser, make_call, statuses
from tests.stores import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


# ---------------------------------------------------------------- timeline


def test_the_timeline_holds_everything_newest_first_a_page_at_a_time(site: Site) -> None:
    with site.sessions() as session:
        seller = session.scalars(select(User).where(User.username == "agent1")).one()
        began = datetime.now(UTC) - timedelta(days=90)
        session.add_all(
            Order(customer_id=40, agent_user_id=seller.id, total=Decimal(n), created_at=began + timedelta(hours=n))
            for n in range(35)
        )
        session.commit()
    make_call(site, "t1", number="+8619900000040", agent="1001")
    make_call(site, "t2", number="+8619900000040", agent="1002")
    client = browser(site, "agent1")
    page = body(client, "/customers/40")
    kinds = re.findall(r'data-kind="(\w+)"', page)
    assert len(kinds) == timeline.SIZE
    assert kinds[:2] == ["call", "call"]
    assert 'href="/calls/t1"' in page
    assert 'href="/calls/t2"' not in page
    older = re.search(r'hx-get="(/customers/40/timeline\?before=[^"]+)"', page)
    assert older is not None
    rest = body(client, html.unescape(older.group(1)), **FRAGMENT)
    assert re.findall(r'data-kind="(\w+)"', rest) == ["order"] * 7
    assert "before=" not in rest
    only = body(client, "/customers/40/timeline?kind=call", **FRAGMENT)
    assert re.findall(r'data-kind="(\w+)"', only) == ["call", "call"]
    with site.sessions() as session:
        session.add(CallNote(call_id="t1", user_id=seller.id, business_type=BusinessType.COMPLAINT, summary="broken"))
        session.add(CallNote(call_id="t2", user_id=seller.id, business_type=BusinessType.ORDER))
        for state in (TicketState.COMPLAINT, TicketState.DONE):
            row = Ticket(number="+8619900000040", queue_id="orders", call_id="t1", state=state)
            row.first_at = row.lost_at = began
            session.add(row)
        session.commit()
    complaints = body(client, "/customers/40/timeline?kind=complaint", **FRAGMENT)
    assert re.findall(r'data-kind="(\w+)"', complaints) == ["call", "ticket"]
    assert "broken" in complaints


@pytest.mark.parametrize("cursor", ["x", "W10", "eyJhIjoxfQ", "WyIyMDI2LTAxLTAxIiwieCIsInkiXQ", "[" * 400, "%00"])
def test_a_made_up_cursor_is_the_first_page(site: Site, cursor: str) -> None:
    answer = browser(site, "agent1").get("/customers/41/timeline", query_string={"before": cursor, "kind": cursor})
    assert answer.status_code == 200


# ---------------------------------------------------------------- in place


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("level", "gold", 204),
        ("sex", "unknown", 204),
        ("remarks", "mag Tee\x00", 204),
        ("level", "emperor", 422),
        ("name", "Somebody", 422),
        ("number", "1", 422),
        ("merged_into_id", "1", 422),
        ("", "", 422),
    ],
)
def test_a_field_is_changed_where_it_is_shown(site: Site, field: str, value: str, status: int) -> None:
    client = browser(site, "agent1")
    assert client.post("/customers/50/field", data={"field": field, "value": value}).status_code == status
    if status == 204:
        entry = audited(site, "customer.change")[-1]
        assert entry.after == {field: value.replace("\x00", "")}


def test_a_city_is_found_by_initials_and_gives_the_region(site: Site) -> None:
    client = browser(site, "agent1")
    found = client.get("/customers/places?q=bjhd").get_json()["places"]
    assert found == [{"code": "110108", "name": "北京市海淀区", "postcode": found[0]["postcode"]}]
    form = {
        "name": "演示区", "sex": "unknown", "phones-0-number": "0312 5551234", "phones-0-label": "home",
        "addresses-0-city": "", "addresses-0-line": "",
    }  # fmt: skip
    made = client.post("/customers/new", data=form).location
    assert region_of(site, made) == "130600"
    form |= {"addresses-0-city": "北京市海淀区", "addresses-0-line": "演示路"}
    assert client.post(f"{made}/edit", data=form).status_code == 303
    assert region_of(site, made) == "110108"
    assert "河北省保定市" in body(browser(site, "supervisor"), made)


def region_of(site: Site, location: str | None) -> str:
    with site.sessions() as session:
        return session.get_one(Customer, int((location or "").rsplit("/", 1)[1])).region


# ---------------------------------------------------------------- merging


def test_two_are_compared_merged_and_parted(site: Site) -> None:
    with site.sessions() as session:
        session.add(CustomerPhone(customer_id=61, number="+8619900000060"))
        session.get_one(Customer, 61).remarks = "liebt Tee"
        numbers = {id: session.get_one(Customer, id).number for id in (60, 61)}
        session.commit()
    boss = browser(site, "supervisor")
    assert "/customers/60/merge?with=61" in html.unescape(body(boss, "/customers/60"))
    assert f"{numbers[61]}" in body(boss, "/customers/duplicates")
    assert 'href="/customers/60/merge?with=61"' in html.unescape(body(boss, "/customers/60/merge"))
    assert "liebt Tee" in body(boss, "/customers/60/merge?with=61")
    found = body(boss, f"/customers/60/merge/find?q={numbers[61]}", **FRAGMENT)
    assert "with=61" in html.unescape(found)
    form = {"with": "61", "stay": "60", "remarks": "61", "name": "60", "email": "99", "number": "61"}
    assert boss.post("/customers/60/merge", data=form).location == "/customers/60"
    page = body(boss, "/customers/60")
    assert "liebt Tee" in page
    assert 'data-kind="merge"' in page
    gone = boss.get("/customers/61")
    assert (gone.status_code, gone.location) == (303, "/customers/60")
    assert audited(site, "customer.merge")[-1].object == "customer/60"
    again = boss.post("/customers/60/merge", data=form, follow_redirects=True)
    assert "merged with another one meanwhile" in again.text
    with site.sessions() as session:
        merge_id = session.scalars(select(CustomerMerge.id)).all()[-1]
    assert boss.post(f"/customers/merges/{merge_id}/undo").location == "/customers/61"
    assert "liebt Tee" not in body(boss, "/customers/60")
    assert audited(site, "customer.unmerge")[-1].object == "customer/60"
    assert "undone already" in boss.post(f"/customers/merges/{merge_id}/undo", follow_redirects=True).text


def test_only_who_may_merges(site: Site) -> None:
    refused = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    for path in ("/customers/duplicates", "/customers/duplicates?by=address", "/customers/70/merge"):
        assert statuses(site, "GET", path) == refused, path
    agent = browser(site, "agent1")
    assert agent.post("/customers/70/merge", data={"with": "71"}).status_code == 403
    assert agent.post("/customers/merges/1/undo").status_code == 403
    boss = browser(site, "supervisor")
    for other in ("", "x", "99999", "9" * 40, "-1"):
        assert boss.post("/customers/70/merge", data={"with": other}).status_code == 404, other
    assert boss.get("/customers/70/merge?with=70").status_code == 404
    assert boss.post("/customers/merges/99999/undo").status_code == 404


# ---------------------------------------------------------------- figures


def test_customers_are_counted_by_place_sex_age_and_day_of_the_centre(store: Store) -> None:
    with store.sessions() as session:
        made = [
            ("110108", Sex.FEMALE, date(2000, 11, 22), datetime(2026, 3, 31, 15, 59, tzinfo=UTC)),
            ("110101", Sex.MALE, date(2000, 11, 23), datetime(2026, 3, 31, 16, 1, tzinfo=UTC)),  # the 1st in Shanghai
            ("130600", Sex.MALE, None, datetime(2025, 12, 31, 16, 0, tzinfo=UTC)),
            ("", Sex.UNKNOWN, date(1930, 1, 1), datetime(2026, 4, 2, tzinfo=UTC)),
        ]
        for region, sex, born, at in made:
            session.add(Customer(name="x", region=region, sex=sex, birthday=born, first_entry_at=at))
        session.flush()
        gone = Customer(name="gone", region="110108", merged_into_id=session.scalars(select(Customer.id)).first())
        session.add(gone)
        session.commit()
        assert customer_stats.by_region(session) == [("110000", "北京市", 2), ("130000", "河北省", 1), ("", "", 1)]
        assert customer_stats.by_region(session, "13") == [("130600", "保定市", 1)]
        assert customer_stats.by_region(session, "11") == [("110101", "东城区", 1), ("110108", "海淀区", 1)]
        assert customer_stats.by_sex(session) == {Sex.FEMALE: 1, Sex.MALE: 2, Sex.UNKNOWN: 1}
        ages = dict(customer_stats.by_age(session, date(2026, 11, 22)))
        assert {band: count for band, count in ages.items() if count} == {"25-34": 2, "75-": 1, "": 1}
        assert customer_stats.by_age(session, date(2025, 11, 22))[1:3] == [("18-24", 1), ("25-34", 1)]
        days = customer_stats.growth(session, Step.DAY, date(2026, 3, 31), date(2026, 4, 2), SHANGHAI)
        assert days == [(date(2026, 3, 31), 1), (date(2026, 4, 1), 1), (date(2026, 4, 2), 1)]
        months = customer_stats.growth(session, Step.MONTH, date(2026, 3, 5), date(2026, 4, 1), SHANGHAI)
        assert months == [(date(2026, 3, 1), 1), (date(2026, 4, 1), 2)]
        years = customer_stats.growth(session, Step.YEAR, date(2025, 6, 1), date(2026, 6, 1), SHANGHAI)
        assert years == [(date(2025, 1, 1), 0), (date(2026, 1, 1), 4)]
        assert customer_stats.before(session, date(2026, 4, 1), SHANGHAI) == 2


def test_each_chart_stands_beside_its_figures(site: Site) -> None:
    boss = browser(site, "supervisor")
    with site.sessions() as session:
        count = len(session.scalars(select(Customer.id).where(Customer.merged_into_id.is_(None))).all())
    for path in ("regions", "people", "growth?step=year&since=2020-01-01"):
        page = body(boss, f"/customers/statistics/{path}")
        charts = [json.loads(html.unescape(found)) for found in re.findall(r"data-chart='([^']+)'", page)]
        assert charts
        assert {sum(chart["series"][0]["values"]) for chart in charts} == {count}, path
        for chart in charts:
            assert all(f">{value}<" in page for value in chart["series"][0]["values"])
    assert statuses(site, "GET", "/customers/statistics") == {
        "nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["x", "9" * 50, "2026-02-30", "-1", "\x00", "0001-01-01", "99"])
def test_nothing_in_the_address_breaks_the_figures(site: Site, text: str) -> None:
    boss = browser(site, "supervisor")
    asked: dict[str, Any] = dict.fromkeys(("within", "step", "since", "until"), text)
    for path in ("regions", "people", "growth"):
        assert boss.get(f"/customers/statistics/{path}", query_string=asked).status_code == 200
