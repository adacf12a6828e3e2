"""Own fields of customers, orders and tickets in the API: read, written, refused by name, described, audited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from cti.store.models import Customer, CustomField, Order, Ticket
from tests.fakes.site import Site
from tests.pages import audited, browser
from tests.unit.test_api import an_order, ask, key_of, post

KINDS: dict[str, dict[str, Any]] = {
    "size": {"kind": "number"},
    "shade": {"kind": "text"},
    "since": {"kind": "date"},
    "tier": {"kind": "choice", "choices": ["a", "b"]},
    "vip": {"kind": "yes_no"},
    "old": {"kind": "text", "active": False},
}
RIGHT = {"size": 42.5, "shade": "红", "since": "2026-11-22", "tier": "b", "vip": False}
MADE = {
    "customers": {"name": "王芳", "phones": [{"number": "13877770011"}]},
    "orders": an_order(),
    "tickets": {"number": "13877770012", "queue_id": "orders"},
}
SUBJECTS = {"customers": "customer", "orders": "order", "tickets": "ticket"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    with made.sessions() as session:
        for subject in SUBJECTS.values():
            for key, values in KINDS.items():
                session.add(CustomField(subject=subject, key=key, names={"en": key.title()}, **values))
        session.commit()
    yield made
    made.close()


@pytest.mark.parametrize("name", SUBJECTS)
def test_own_fields_are_written_read_changed_and_audited(site: Site, name: str) -> None:
    made = post(site, f"/{name}", MADE[name] | {"custom": RIGHT})
    assert (made.status_code, made.json["custom"]) == (201, RIGHT)
    path, subject = f"/{name}/{made.json['id']}", SUBJECTS[name]
    assert ask(site, path).json["custom"] == RIGHT
    assert RIGHT in [row["custom"] for row in ask(site, f"/{name}").json["items"]]
    assert audited(site, f"{subject}.create")[-1].after["custom"] == RIGHT
    changed = ask(site, path, method="PATCH", body={"custom": {"size": 7, "vip": None}})
    left = {key: value for key, value in RIGHT.items() if key != "vip"} | {"size": 7}
    assert (changed.status_code, changed.json["custom"]) == (200, left)
    told = audited(site, f"{subject}.change")[-1]
    assert (told.before["custom"], told.after["custom"]) == (RIGHT, left)
    ask(site, path, method="PATCH", body={"custom": {}})
    assert audited(site, f"{subject}.change")[-1].id == told.id, "nothing changed, nothing told"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "42"),
        ("size", True),
        ("size", 1e13),
        ("shade", 5),
        ("shade", {"a": 1}),
        ("shade", "x" * 256),
        ("since", "2026-02-30"),
        ("tier", "c"),
        ("vip", "yes"),
        ("old", "x"),
        ("none", "x"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field_and_nothing_saved(site: Site, key: str, value: Any) -> None:
    before = how_many(site)
    for name, body in MADE.items():
        answer = post(site, f"/{name}", body | {"custom": RIGHT | {key: value}})
        assert (answer.status_code, list(answer.json["errors"])) == (422, [f"custom.{key}"]), (name, answer.text)
    assert how_many(site) == before
    answer = ask(site, "/customers/1", method="PATCH", body={"name": "Other", "custom": {key: value}})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [f"custom.{key}"])
    assert ask(site, "/customers/1").json["name"] != "Other"


def how_many(site: Site) -> list[int]:
    with site.sessions() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Customer, Order, Ticket)]


def test_a_required_field_is_needed_at_the_beginning_and_stays(site: Site) -> None:
    with site.sessions() as session:
        needed = CustomField(subject="customer", key="needed", names={"en": "Needed"}, kind="text", required=True)
        session.add(needed)
        session.commit()
        body = MADE["customers"]
        for given in ({}, {"custom": {"needed": None}}, {"custom": {"needed": "\x00 "}}):
            answer = post(site, "/customers", body | given)
            assert (answer.status_code, list(answer.json["errors"])) == (422, ["custom.needed"])
        made = post(site, "/customers", body | {"custom": {"needed": "x"}})
        assert made.status_code == 201
        path = f"/customers/{made.json['id']}"
        assert ask(site, path, method="PATCH", body={"name": "王方"}).status_code == 200
        assert ask(site, path, method="PATCH", body={"custom": {"needed": ""}}).status_code == 422
        document = described(site)
        assert "custom" in document["CustomerIn"]["required"]
        assert document["CustomerIn"]["properties"]["custom"]["required"] == ["needed"]
        session.delete(needed)
        session.commit()
    assert "custom" not in described(site)["CustomerIn"]["required"]


def test_the_description_names_the_fields_of_now(site: Site) -> None:
    for name in ("CustomerIn", "CustomerChange", "OrderIn", "OrderChange", "TicketIn", "TicketChange"):
        inward = described(site)[name]["properties"]["custom"]
        assert sorted(inward["properties"]) == sorted(key for key in KINDS if key != "old")
        assert inward["additionalProperties"] is False
    tier = described(site)["OrderIn"]["properties"]["custom"]["properties"]["tier"]
    assert tier == {"title": "Tier", "type": "string", "enum": ["a", "b", None], "nullable": True}
    assert described(site)["TicketOut"]["properties"]["custom"]["properties"]["size"]["type"] == "number"


def described(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = browser(site, "admin").get("/admin/api/openapi.json").json["components"]["schemas"]
    return found


def test_who_may_not_write_or_see_changes_no_field(site: Site) -> None:
    reader = key_of(site, permissions=["customers.read", "orders.read"])
    for path in ("/customers/1", "/orders/1", "/tickets/none"):
        answer = ask(site, path, reader, "PATCH", {"custom": {"size": 1}})
        assert (answer.status_code, answer.mimetype) == (403, "application/problem+json"), path
    own = {"custom": {"size": 1}}
    other = post(site, "/orders", an_order())
    assert ask(site, f"/orders/{other.json['id']}", key_of(site, "agent1"), "PATCH", own).status_code == 403
    assert ask(site, "/orders/999999", method="PATCH", body=own).status_code == 404
