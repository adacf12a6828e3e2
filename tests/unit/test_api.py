"""The REST API: keys and their rights, pages by cursor, a POST sent twice, problems with words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from cti.store import apikeys, points
from cti.store.models import ApiKey, ApiRequest, Customer, Order, OrderStatus, Ticket, utc_now
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, make_call
from webui.common.permissions import Permission

EVERYTHING = [str(permission) for permission in Permission]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    yield made
    made.close()


def key_of(site: Site, username: str = "supervisor", permissions: Any = None, **values: Any) -> str:
    with site.sessions() as session:
        given = EVERYTHING if permissions is None else permissions
        over = values.pop("expires_at", None)
        _key, text = apikeys.make(session, "test", site.user(username).id, given, over, values.pop("rate", 10_000))
        session.commit()
    return text


def ask(site: Site, path: str, key: str = "", method: str = "GET", body: Any = None, **headers: str) -> Any:
    kept: dict[str, str] = site.__dict__.setdefault("api_key", {})
    text = key or kept.setdefault("key", "") or kept.setdefault("key", "")
    if not text:
        text = kept["key"] = key_of(site)
    given = {"Authorization": f"Bearer {text}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return site.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=given)


def post(site: Site, path: str, body: Any, key: str = "", **headers: str) -> Any:
    return ask(site, path, key, "POST", body, **headers)


def an_order(**changes: Any) -> dict[str, Any]:
    return {"customer_id": 1, "line": "1 Demo Road", "lines": [{"product": "P001", "quantity": 2}]} | changes


def counted(site: Site, table: Any) -> int:
    with site.sessions() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# ---------------------------------------------------------------- who asks


def test_only_a_key_that_works_opens_the_api(site: Site) -> None:
    assert ask(site, "/customers").status_code == 200
    over = key_of(site, expires_at=utc_now() - timedelta(minutes=1))
    for key in ("nonsense", over, "cyk_00000000_x"):
        answer = ask(site, "/customers", key)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    browser = site.client("admin")
    assert browser.get("/api/v1/customers").status_code == 401, "a session is no key"
    assert browser.post("/api/v1/tickets", json={"number": "13800138000"}).status_code == 401
    assert (
        site.app.test_client().get("/customers", headers={"Authorization": f"Bearer {key_of(site)}"}).status_code == 302
    )


def test_a_key_may_what_it_and_its_user_may(site: Site) -> None:
    reader = key_of(site, permissions=["customers.read"])
    assert ask(site, "/customers", reader).status_code == 200
    for path in ("/orders", "/tickets", "/calls"):
        assert ask(site, path, reader).status_code == 403
    assert post(site, "/customers", {"name": "A"}, reader).status_code == 403
    agent = key_of(site, "agent1")
    shown = ask(site, "/customers?limit=1", agent).json["items"][0]["phones"][0]["number"]
    assert "****" in shown, "an agent's key sees no whole numbers"


def test_a_key_sees_the_rows_that_its_user_sees(site: Site) -> None:
    mine = post(site, "/orders", an_order(), key_of(site, "agent1")).json
    other = key_of(site, "agent2")
    assert ask(site, f"/orders/{mine['id']}", other).status_code == 403
    assert mine["id"] not in [row["id"] for row in ask(site, "/orders", other).json["items"]]
    assert ask(site, f"/orders/{mine['id']}").status_code == 200
    call = make_call(site, "api-own", agent="1001")
    assert ask(site, f"/calls/{call}", other).status_code == 403
    assert ask(site, f"/calls/{call}", key_of(site, "agent1")).json["id"] == call


def test_too_many_requests_a_minute_are_refused(site: Site) -> None:
    slow = key_of(site, rate=2)
    answers = [ask(site, "/customers?limit=1", slow).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


# ---------------------------------------------------------------- what it does


def test_a_list_is_read_page_by_page_and_nothing_twice(site: Site) -> None:
    seen, path = [], "/customers?limit=70"
    while path:
        page = ask(site, path).json
        seen += [row["id"] for row in page["items"]]
        path = f"/customers?limit=70&cursor={page['next']}" if page["next"] else ""
    assert len(seen) == len(set(seen)) == counted(site, Customer)
    assert ask(site, "/customers?cursor=nonsense").status_code == 422
    assert ask(site, "/customers?limit=100000").status_code == 422


def test_a_customer_is_made_found_and_changed(site: Site) -> None:
    body = {"name": "王芳", "phones": [{"number": "13877770001"}], "addresses": [{"city": "北京市海淀区", "line": "1"}]}
    made = post(site, "/customers", body)
    assert made.status_code == 201
    assert made.json["phones"] == [{"number": "+8613877770001", "label": "mobile"}]
    found = ask(site, "/customers?phone=13877770001").json["items"]
    assert [row["id"] for row in found] == [made.json["id"]]
    changed = ask(site, f"/customers/{made.json['id']}", method="PATCH", body={"remarks": HOSTILE})
    assert (changed.json["name"], changed.json["remarks"]) == ("王芳", HOSTILE)
    told = audited(site, "customer.change")[-1]
    assert (told.username, told.after["api_key"]) == ("supervisor", "test")


def test_a_customer_has_what_the_form_has(site: Site) -> None:
    body = {
        "name": "Demo API", "phones": [{"number": "13877770011"}, {"number": "01062345678"}],
        "addresses": [{"line": "1"}, {"line": "2", "phone": "13877770012", "is_default": True}],
        "level": "gold", "source": "tv", "birthday": "1980-02-29", "email": "API@example.com",
    }  # fmt: skip
    made = post(site, "/customers", body).json
    assert (made["level"], made["source"], made["category"], made["birthday"]) == ("gold", "tv", "", "1980-02-29")
    assert [(a["line"], a["phone"], a["is_default"]) for a in made["addresses"]] == [
        ("1", "", False),
        ("2", "+8613877770012", True),
    ]
    path = f"/customers/{made['id']}"
    change = {"email": "New@Example.com", "phones": [{"number": "13877770011", "label": "work"}], "birthday": None}
    changed = ask(site, path, method="PATCH", body=change | {"addresses": [{"line": "3"}]}).json
    assert (changed["email"], changed["birthday"]) == ("new@example.com", None)
    assert changed["phones"] == [{"number": "+8613877770011", "label": "work"}]
    assert [(a["line"], a["is_default"]) for a in changed["addresses"]] == [("3", True)]
    assert audited(site, "customer.change")[-1].before["phones"] == ["+8613877770011 mobile", "+861062345678 mobile"]
    for wrong in ({"level": "emperor"}, {"birthday": "2999-01-01"}, {"addresses": [{"line": "x", "phone": "?"}]}):
        assert ask(site, path, method="PATCH", body=wrong).status_code == 422
        assert post(site, "/customers", {"name": "x"} | wrong).status_code == 422


def test_a_web_site_registers_members_and_shows_their_points(site: Site) -> None:
    visitor = {"name": "Demo Netz", "phone": "13877770021"}
    first = post(site, "/members", visitor)
    assert (first.status_code, first.json["balance"], first.json["source"]) == (201, 0, "web")
    again = post(site, "/members", visitor | {"name": "demo netz"})
    assert (again.status_code, again.json) == (200, first.json)
    other = post(site, "/members", visitor | {"name": "Somebody Else"})
    assert other.status_code == 201
    assert other.json["customer_id"] != first.json["customer_id"]
    with site.sessions() as session:
        points.adjust(session, first.json["customer_id"], 30, text="gift")
        points.adjust(session, first.json["customer_id"], -4)
        session.commit()
    path = f"/members/{first.json['number']}"
    assert ask(site, path).json["balance"] == 26
    told = ask(site, f"{path}/statement").json
    assert (told["opening"], told["earned"], told["spent"], told["closing"]) == (0, 30, 4, 26)
    assert [(entry["change"], entry["text"]) for entry in told["entries"]] == [(30, "gift"), (-4, "")]
    assert ask(site, f"{path}/statement?until=2020-01-01T00:00:00Z").json["entries"] == []
    assert ask(site, f"{path}/statement?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z").status_code == 422
    found = ask(site, "/members?phone=13877770021").json["items"]
    assert {row["number"] for row in found} == {first.json["number"], other.json["number"]}
    assert ask(site, "/members/nobody").status_code == 404
    assert post(site, "/members", visitor, key_of(site, permissions=["customers.read"])).status_code == 403


def test_an_order_is_taken_as_on_the_page_or_not_at_all(site: Site) -> None:
    made = post(site, "/orders", an_order())
    assert made.status_code == 201
    with site.sessions() as session:
        row = session.get_one(Order, made.json["id"])
        assert (row.status, f"{row.total:.2f}") == (OrderStatus.NEW, made.json["total"])
        assert made.json["lines"][0]["amount"] == f"{Decimal(made.json['lines'][0]['price']) * 2:.2f}"
    before = counted(site, Order)
    for body, status in (
        (an_order(customer_id=999_999), 404),
        (an_order(lines=[{"product": "NONE", "quantity": 1}]), 422),
        (an_order(lines=[]), 422),
        (an_order(lines=[{"product": "P001", "quantity": 0}]), 422),
        (an_order(lines=[{"product": "P001", "quantity": 1e30}]), 422),
        (an_order(total="0.01"), 422),
        (an_order(airing=77), 422),
        (an_order(payment="shells"), 422),
        (an_order(surprise=1), 422),
        (an_order(discount="99999.99"), 422),
        ({}, 422),
        ([], 422),
        ("x", 422),
    ):
        answer = post(site, "/orders", body)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), body
        assert answer.json["title"]
    agent = key_of(site, "agent1")
    priced = an_order(lines=[{"product": "P001", "quantity": 1, "price": "0.01"}])
    assert post(site, "/orders", priced, agent).status_code == 422
    assert counted(site, Order) == before


def test_a_ticket_is_made_and_seen(site: Site) -> None:
    made = post(site, "/tickets", {"number": "13877770002", "name": "李", "urgent": True, "queue_id": "orders"})
    assert (made.status_code, made.json["state"], made.json["origin"]) == (201, "open", "api")
    assert ask(site, f"/tickets/{made.json['id']}").json == made.json
    again = post(site, "/tickets", {"number": "13877770002", "note": "more", "queue_id": "orders"})
    assert (again.json["id"], again.json["note"]) == (made.json["id"], "more")
    assert [row["id"] for row in ask(site, "/tickets?state=open&number=13877770002").json["items"]] == [made.json["id"]]


def test_a_post_that_is_sent_again_is_done_once(site: Site) -> None:
    before = counted(site, Order)
    first = post(site, "/orders", an_order(), Idempotency_Key="order-4711")
    second = post(site, "/orders", an_order(), Idempotency_Key="order-4711")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json == json.loads(first.text)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert counted(site, Order) == before + 1
    other = post(site, "/orders", an_order(line="2 Demo Road"), Idempotency_Key="order-4711")
    assert (other.status_code, other.json["code"]) == (422, "idempotency.other")
    assert post(site, "/orders", an_order(), key_of(site), Idempotency_Key="order-4711").status_code == 201
    refused = post(site, "/orders", an_order(lines=[]), Idempotency_Key="order-4712")
    assert refused.status_code == 422
    assert post(site, "/orders", an_order(), Idempotency_Key="order-4712").status_code == 201
    assert post(site, "/orders", an_order(), Idempotency_Key="x").status_code == 422
    assert counted(site, ApiRequest) == 3


def test_what_is_not_there_or_not_json_is_a_problem_with_words(site: Site) -> None:
    for path, status in (("/nothing", 404), ("/orders/0", 404), (f"/orders/{10**30}", 404), ("/tickets/%00", 404)):
        answer = ask(site, path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
    assert ask(site, "/customers", method="DELETE").status_code == 405
    client, headers = site.app.test_client(), {"Authorization": f"Bearer {key_of(site)}"}
    broken = client.post("/api/v1/tickets", data=b"{\xff", content_type="application/json", headers=headers)
    assert (broken.status_code, broken.mimetype) == (400, "application/problem+json")
    surrogate = client.post(
        "/api/v1/customers", data=b'{"name": "\\ud800a\\u0000b"}', content_type="application/json", headers=headers
    )
    assert (surrogate.status_code, surrogate.json["name"]) == (201, "ab")
    assert counted(site, Ticket) >= 0
    assert counted(site, ApiKey) > 0
