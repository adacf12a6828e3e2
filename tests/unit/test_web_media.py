"""Media and airings in the pages: the week, the plan that is imported, what one airing brought."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from cti.store.models import Airing, Call, Medium, Order
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, make_call, statuses

DAY = "2026-11-21"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    with made.sessions() as session:
        session.add(Medium(id=1, name="五频道"))
        session.commit()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_airings(site: Site) -> None:
    with site.sessions() as session:
        for row in (*session.scalars(select(Airing)).unique(), *session.scalars(select(Order))):
            session.delete(row)
        session.commit()


def form(**changes: Any) -> dict[str, Any]:
    given = {"medium": "1", "programme": "夜市", "dnis": "8000", "products": "P001, p002", "cost": "1200"}
    return given | {"starts_at": f"{DAY}T20:00", "ends_at": f"{DAY}T20:30"} | changes


def plan(site: Site, **changes: Any) -> Any:
    return browser(site, "supervisor").post("/media/airings/new", data=form(**changes))


def airings(site: Site) -> list[Airing]:
    with site.sessions() as session:
        return list(session.scalars(select(Airing).order_by(Airing.number)).unique())


def test_an_airing_is_planned_in_the_users_time_and_stands_in_its_week(site: Site) -> None:
    assert plan(site, dnis="80-00").status_code == 303
    [airing] = airings(site)
    assert airing.starts_at == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert (airing.dnis, airing.cost, [p.code for p in airing.products]) == (
        "8000",
        Decimal("1200.00"),
        ["P001", "P002"],
    )
    week = body(browser(site, "supervisor"), "/media?day=2026-11-18")
    assert re.findall(r'data-airing="(\d+)"', week) == [str(airing.number)]
    assert "data-airing" not in body(browser(site, "supervisor"), "/media?day=2026-11-25")
    assert audited(site, "airing.create")[-1].after["programme"] == "夜市"
    assert browser(site, "supervisor").get("/media?day=nonsense").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ends_at": f"{DAY}T19:00"}, "The end must come after the beginning"),
        ({"ends_at": "2026-11-23T20:00"}, "within a day"),
        ({"products": "P001 P999"}, "There is no product P999"),
        ({"cost": "-1"}, "This is not a price"),
        ({"dnis": "eight"}, "This is not a service number"),
        ({"medium": "77"}, "Not a valid choice"),
        ({"programme": ""}, "is-invalid"),
        ({"starts_at": "yesterday"}, "is-invalid"),
    ],
)
def test_what_cannot_be_is_refused_with_words(site: Site, wrong: dict[str, str], words: str) -> None:
    answer = plan(site, **wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert airings(site) == []


def test_two_airings_on_one_number_at_one_time_are_refused_naming_the_other(site: Site) -> None:
    plan(site)
    answer = plan(site, programme="late", starts_at=f"{DAY}T20:29", ends_at=f"{DAY}T21:00")
    assert answer.status_code == 422
    assert "夜市 (airing" in answer.text
    assert "is on 8000 at that time already" in answer.text
    assert plan(site, programme="late", starts_at=f"{DAY}T20:30", ends_at=f"{DAY}T21:00").status_code == 303
    late = airings(site)[1]
    changed = browser(site, "supervisor").post(f"/media/airings/{late.id}/edit", data=form(programme="late"))
    assert changed.status_code == 422
    assert [a.programme for a in airings(site)] == ["夜市", "late"]


def test_a_plan_out_of_a_spreadsheet_is_taken_row_by_row(site: Site) -> None:
    rows = [
        "从\t到\t媒体\t号码\t节目\t产品\t费用",
        f"{DAY} 20:00\t{DAY} 20:30\t五频道\t8000\t夜市\tP001 P002\t1,200.50",
        f"{DAY} 20:10\t{DAY} 20:40\t五频道\t8000\tclash\t\t0",
        f"{DAY} 20:10\t{DAY} 20:40\t六频道\t8001\tno medium\t\t0",
        f"{DAY} 25:10\t{DAY} 20:40\t五频道\t8001\tno time\t\t0",
        f"2026/11/21 21:00\t2026/11/21 21:30\t五频道\t8000\t{HOSTILE.replace(chr(34), '')}\t\t",
        "short",
        "",
    ]
    text = "\n".join(rows)
    client = browser(site, "supervisor")
    tried = client.post("/media/import", data={"text": text, "try": "1"})
    assert airings(site) == []
    answer = client.post("/media/import", data={"text": text})
    for page in (tried, answer):
        assert page.status_code == 422
        assert 'data-saved="2"' in page.text
        assert re.findall(r'data-refused="(\d+)"', page.text) == ["3", "4", "5", "7"]
        assert "<script>alert" not in page.text
    first, second = airings(site)
    assert (first.cost, second.cost) == (Decimal("1200.50"), Decimal("0.00"))
    again = client.post("/media/import", data={"file": (io.BytesIO(text.encode("gb18030")), "plan.csv")})
    assert 'data-saved="0"' in again.text
    assert len(airings(site)) == 2
    assert audited(site, "airing.import")[-2].after == {"saved": 2, "refused": 4}


def test_what_an_airing_brought_adds_up_and_stands_by_minute(site: Site) -> None:
    plan(site)
    [airing] = airings(site)
    for n, minute in enumerate((0, 0.5, 4)):
        make_call(site, f"air-{n}", agent="1001")
        with site.sessions() as session:
            session.get_one(Call, f"air-{n}").created_at = airing.starts_at + timedelta(minutes=minute)
            session.commit()
    with site.sessions() as session:
        for total, status in (("300.00", "new"), ("900.00", "completed"), ("50.00", "cancelled")):
            order = Order(customer_id=1, agent_user_id=site.user("agent1").id, total=Decimal(total), status=status)
            order.airing_id, order.medium_id = airing.id, 1
            order.created_at = airing.starts_at + timedelta(minutes=4)
            session.add(order)
        session.commit()
    page = body(browser(site, "supervisor"), f"/media/airings/{airing.id}")
    assert re.search(r"data-calls>3<", page)
    assert re.search(r"data-orders>3 ", page)
    assert re.search(r"data-net>1,200.00<", page)
    assert re.search(r"data-back>1.00<", page)
    rows = re.findall(
        r'<tr><td class="cx-right">(\d+)</td><td class="cx-right">(\d+)</td><td class="cx-right">(\d+)', page
    )
    assert rows == [("0", "2", "0"), ("4", "1", "3")]
    refused = browser(site, "supervisor").post(f"/media/airings/{airing.id}/delete")
    assert refused.status_code == 409
    assert len(airings(site)) == 1


def test_media_are_kept_by_who_may(site: Site) -> None:
    client = browser(site, "supervisor")
    assert client.post("/media/channels", data={"name": "六频道", "kind": "tv", "active": "y"}).status_code == 303
    assert client.post("/media/channels", data={"name": "六频道", "kind": "tv"}).status_code == 422
    with site.sessions() as session:
        medium = session.scalars(select(Medium).where(Medium.name == "六频道")).one()
    assert client.post(f"/media/channels/{medium.id}", data={"name": "六频道", "kind": "radio"}).status_code == 303
    assert f'value="{medium.id}"' not in body(client, "/media/airings/new")
    seen = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    for path in ("/media", "/media/channels", "/media/import"):
        assert statuses(site, "GET", path) == seen
    with site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Medium)) == 2
