"""Fields that administrators add, and queries of any fields: typed, nested, saved, and closed to injection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from werkzeug.datastructures import MultiDict

from cti.store import custom
from cti.store.models import (
    Customer,
    CustomerPhone,
    CustomField,
    FieldKind,
    Member,
    Order,
    OrderLine,
    Product,
    SavedQuery,
    Ticket,
    User,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, body, browser, statuses
from tests.unit.test_web_orders import lines, newest, open_form, send
from webui.common import db, fields
from webui.finder import document, search
from webui.finder.document import Node, from_form, from_json
from webui.finder.fields import OPERATORS, all_fields


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = filled(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if request.param == "sqlite":
        yield request.getfixturevalue("site")
        return
    made = filled(tmp_path_factory.mktemp("other"), request.getfixturevalue("postgres").new_database())
    yield made
    made.close()


def filled(var: Path, url: str = "") -> Site:
    made = Site(var, database_url=url)
    with made.sessions() as session:
        fill(session)
        session.commit()
    return made


def fill(session: Any) -> None:
    """Four customers who differ in everything a query may ask."""
    kinds = {"size": "number", "since": "date", "club": "choice", "vegan": "yes_no", "nick": "text"}
    for key, kind in kinds.items():
        choices = ["red", "blue"] if kind == "choice" else []
        session.add(CustomField(subject="customer", key=key, names={"en": key}, kind=kind, choices=choices))
    seller = session.scalars(select(User).where(User.username == "agent1")).one()
    product = session.scalars(select(Product).order_by(Product.id)).first()
    product.code = "PAN-1"
    people = {
        "Query One": {"size": 38, "since": "2020-02-03", "club": "red", "vegan": True, "nick": "50%_x"},
        "Query Two": {"size": 41.5, "since": "2024-01-01", "club": "blue", "vegan": False},
        "Query Three": {"nick": "' OR 1=1 --"},
        "Query Four": {},
    }
    for place, (name, own) in enumerate(people.items()):
        customer = Customer(
            name=name, custom=own, level="vip" if place < 2 else "normal", birthday=date(1980 + place, 1, 1)
        )
        customer.phones.append(CustomerPhone(number=f"+86138000000{place:02}"))
        session.add(customer)
        session.flush()
        if place == 0:
            session.add(Member(customer_id=customer.id, number="Q1", balance=120))
            customer.region = "440106"
        for old in range(place):
            order = Order(customer_id=customer.id, agent_user_id=seller.id, total=Decimal(100 * place))
            order.created_at = utc_now() - timedelta(days=40 * old + 1)
            order.lines.append(OrderLine(product=product, price=Decimal(1), amount=Decimal(1)))
            session.add(order)


def leaf(name: str, operator: str, value: Any = "", second: Any = "") -> dict[str, Any]:
    return {"field": name, "operator": operator, "value": str(value), "second": str(second)}


def group(kind: str, *items: Any, least: int = 1) -> dict[str, Any]:
    return {"kind": kind, "items": list(items), "least": least}


def asked(site: Site, *items: Any, kind: str = "all") -> set[str]:
    """Who fits, among the four."""
    root = from_json(group("all", leaf("name", "begins", "Query "), group(kind, *items)))
    with site.app.test_request_context():
        from flask import g

        from webui.common.identity import describe

        user = db.session().scalars(select(User).where(User.username == "admin")).one()
        g._login_user = describe(user, None, None)
        return {customer.name.removeprefix("Query ") for customer in search.run(db.session(), root).rows}


# ---------------------------------------------------------------- what a query finds


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (leaf("level", "is", "vip"), {"One", "Two"}),
        (leaf("level", "is_not", "vip"), {"Three", "Four"}),
        (leaf("phone", "begins", "138 0000 0002"), {"Three"}),
        (leaf("birthday", "between", "1981-01-01", "1982-01-01"), {"Two", "Three"}),
        (leaf("birth_month", "is", 1), {"One", "Two", "Three", "Four"}),
        (leaf("birth_month", "more", 1), set()),
        (leaf("region", "begins", "广东省"), {"One"}),
        (leaf("region", "contains", "天河"), {"One"}),
        (leaf("member", "yes"), {"One"}),
        (leaf("member", "no"), {"Two", "Three", "Four"}),
        (leaf("points", "least", 120), {"One"}),
        (leaf("points", "less", 120), set()),
        (leaf("first_entry_at", "last_days", 1), {"One", "Two", "Three", "Four"}),
        (leaf("first_entry_at", "before", "2000-01-01"), set()),
        (leaf("own.size", "is", 38), {"One"}),
        (leaf("own.size", "more", "38"), {"Two"}),
        (leaf("own.size", "between", "30", "41.5"), {"One", "Two"}),
        (leaf("own.size", "is_not", 38), {"Two", "Three", "Four"}),
        (leaf("own.since", "before", "2023-12-31"), {"One"}),
        (leaf("own.club", "is", "blue"), {"Two"}),
        (leaf("own.club", "empty"), {"Three", "Four"}),
        (leaf("own.vegan", "yes"), {"One"}),
        (leaf("own.vegan", "no"), {"Two"}),
        (leaf("own.nick", "contains", "%_"), {"One"}),
        (leaf("own.nick", "is", "' OR 1=1 --"), {"Three"}),
        (group("orders", leaf("order.product", "is", "PAN-1")), {"Two", "Three", "Four"}),
        (group("orders", leaf("order.product", "is", "PAN-1"), leaf("order.total", "least", 200)), {"Three", "Four"}),
        (group("orders", leaf("order.created_at", "last_days", 30), least=2), set()),
        (group("orders", leaf("order.created_at", "last_days", 60), least=2), {"Three", "Four"}),
        (group("no_orders", leaf("order.product", "begins", "PAN")), {"One"}),
        (group("no_orders", leaf("order.created_at", "before", "2001-01-01")), {"One", "Two", "Three", "Four"}),
        (
            group("any", leaf("own.size", "is", 38), group("all", leaf("level", "is", "normal"))),
            {"One", "Three", "Four"},
        ),
        (leaf("", "", ""), {"One", "Two", "Three", "Four"}),
    ],
)
def test_what_a_condition_finds(either: Site, condition: Any, found: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(either, condition) == found
    monkeypatch.setattr(search, "COUNTED", 0)  # then the page is asked for by key
    assert asked(either, condition) == found


def test_every_field_with_every_operator_is_sql_that_runs(either: Site) -> None:
    """Whatever the value: a condition or a refusal, never an error of the database."""
    with either.app.test_request_context():
        both = [("all" if kind == "" else kind, table) for kind, table in all_fields().items()]
        tried = 0
        for kind, table in both:
            for name, field in table.items():
                code = field.choices()[0][0] if field.choices else "x"
                for operator in OPERATORS[field.kind]:
                    for value in (code, "5", "2026-01-02", "'; DROP TABLE customers; --", "%", "9" * 40, "😀\\"):
                        root = from_json(group("all", group(kind, leaf(name, operator, value, value))))
                        try:
                            made = search.condition(root)
                        except search.WrongQuery:
                            continue
                        tried += 1
                        if value == code or "DROP" in value:
                            db.session().execute(select(Customer.id).where(made).limit(1)).all()
        assert tried > 100


texts = st.text(max_size=8) | st.sampled_from(["all", "any", "orders", "leaf", "name", "is", "0", "0-0", "drop"])
keys = st.sampled_from(["k:", "f:", "o:", "v:", "n:"]).flatmap(
    lambda letter: st.sampled_from(["0", "0-0", "0-1", "0-0-0", "0-1-1", "0-99-1", "x", "0--1"]).map(letter.__add__)
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(keys | texts, texts), texts, texts)
def test_any_form_is_a_query_and_comes_back_as_it_was(form: dict[str, str], what: str, path: str) -> None:
    root = from_form(MultiDict(form))
    document.act(root, what, path)
    assert document.size(root) <= document.MOST + 4
    assert from_json(json.loads(json.dumps(root.json()))) == from_json(root.json())


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["kind", "items", "field"]), x),
    )
)
def test_any_stored_document_is_a_query(found: Any) -> None:
    assert isinstance(from_json(found), Node)


# ---------------------------------------------------------------- the page


def test_the_builder_goes_by_one_form(site: Site) -> None:
    boss = browser(site, "supervisor")
    first = boss.post(
        "/finder", data={"k:0": "all", "k:0-0": "leaf", "f:0-0": "own.club", "do": "orders:0"}, headers=FRAGMENT
    )
    assert first.status_code == 200
    assert 'value="red"' in first.text
    assert 'id="f-0-1-0"' in first.text
    assert "<html" not in first.text
    form = {"k:0": "all", "k:0-0": "leaf", "f:0-0": "name", "o:0-0": "begins", "v:0-0": "Query T", "do": "show"}
    found = boss.post("/finder", data=form, headers=FRAGMENT).text
    assert "2 customers" in found
    assert "Query Three" in found
    assert "Query One" not in found
    wrong = boss.post(
        "/finder", data=form | {"f:0-0": "birthday", "o:0-0": "is", "v:0-0": "soon"}, headers=FRAGMENT
    ).text
    assert "does not fit" in wrong


def test_a_query_is_saved_shared_and_removed(site: Site) -> None:
    boss, agent = browser(site, "supervisor"), browser(site, "agent1")
    form = {"k:0": "all", "k:0-0": "leaf", "f:0-0": "own.vegan", "o:0-0": "yes", "do": "save", "name": "Vegan"}
    assert boss.post("/finder", data=form).status_code == 303
    with site.sessions() as session:
        saved = session.scalars(select(SavedQuery).where(SavedQuery.name == "Vegan")).one().id
    assert "Query One" in body(boss, f"/finder?saved={saved}")
    assert agent.get(f"/finder?saved={saved}").status_code == 403
    boss.post("/finder", data=form | {"saved": str(saved), "shared": "yes"})
    assert "Query One" in body(agent, f"/finder?saved={saved}")
    assert agent.post(f"/finder/{saved}/delete").status_code == 403
    assert boss.post("/transfers/export/customers", data={"saved": str(saved)}).status_code == 303
    assert site.app.extensions["callyard_transfers"].wait(60)
    assert audited(site, "list.export")[-1].after["rows"] == 1
    assert boss.post(f"/finder/{saved}/delete").status_code == 303
    assert boss.get(f"/finder?saved={saved}").status_code == 404
    assert boss.post("/finder", data=form | {"name": " "}).status_code == 422


def test_a_query_finds_only_customers_that_the_user_may_see(site: Site) -> None:
    with site.sessions() as session:
        two = session.scalars(select(Customer).where(Customer.name == "Query Two")).one()
        two.owner_user_id = session.scalars(select(User.id).where(User.username == "agent3")).one()
        session.commit()
    site.set_user("agent2", scopes={"customers": "own"})
    form = {"k:0": "all", "k:0-0": "leaf", "f:0-0": "name", "o:0-0": "begins", "v:0-0": "Query", "do": "show"}
    assert "3 customers" in browser(site, "agent2").post("/finder", data=form).text
    assert "4 customers" in browser(site, "agent1").post("/finder", data=form).text


# ---------------------------------------------------------------- fields of one's own


def own(kind: FieldKind, **more: Any) -> CustomField:
    return CustomField(key="x", kind=kind, required=more.get("required", False), choices=more.get("choices", []))


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", " a\x00b ", "ab"),
        ("number", "1,250.5", 1250.5),
        ("number", 38.0, 38),
        ("date", "2026/1/2", "2026-01-02"),
        ("date", "2026年11月22日", "2026-11-22"),
        ("yes_no", "是", True),
        ("yes_no", 0.0, False),
        ("choice", "red", "red"),
        ("text", "  ", None),
    ],
)
def test_a_value_is_stored_by_its_kind(kind: str, raw: Any, value: Any) -> None:
    found = custom.parse(own(FieldKind(kind), choices=["red"]), raw)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", "x" * 256),
        ("number", "1e999"),
        ("number", "NaN"),
        ("number", "５"),
        ("number", True),
        ("date", "2026-02-30"),
        ("date", "today"),
        ("choice", "green"),
        ("yes_no", "perhaps"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind: str, raw: Any) -> None:
    with pytest.raises(custom.WrongValue, match=kind):
        custom.parse(own(FieldKind(kind), choices=["red"]), raw)


def test_a_required_field_wants_a_value() -> None:
    with pytest.raises(custom.WrongValue, match="required"):
        custom.parse(own(FieldKind.TEXT, required=True), " ")


def test_what_was_typed_into_a_form(site: Site) -> None:
    with site.app.test_request_context():
        found = fields.taken("customer", {"custom-size": "x", "custom-nick": "N", "custom-vegan": ""})
        assert (found.values, set(found.errors)) == ({"nick": "N", "vegan": None}, {"size"})
        assert custom.taken({"size": 1, "vegan": True}, found.values) == {"size": 1, "nick": "N"}
        shown = {item["name"]: item["value"] for item in fields.inputs("customer", {"vegan": False}, found)}
        assert (shown["custom-size"], shown["custom-vegan"]) == ("x", "")
        assert fields.facts("customer", {"vegan": False, "gone": 1}) == [("vegan", "No")]


def test_fields_are_made_and_switched_off_but_never_removed(site: Site) -> None:
    admin = browser(site, "admin")
    row = {
        "rows-0-code": "gate",
        "rows-0-en": "Gate",
        "rows-0-kind": "choice",
        "rows-0-choices": "A / B / A",
        "rows-0-active": "y",
    }
    assert admin.post("/admin/fields/order", data=row).status_code == 303
    with site.sessions() as session:
        made = session.scalars(select(CustomField).where(CustomField.key == "gate")).one()
        assert (made.choices, made.required, made.active) == (["A", "B"], False, True)
    for wrong in (
        {"rows-0-kind": "text"},
        {"rows-0-code": "other"},
        {"rows-0-code": "Bad Key"},
        {"rows-0-choices": ""},
    ):
        assert admin.post("/admin/fields/order", data=row | wrong).status_code == 422
    off = {key: value for key, value in row.items() if not key.endswith("active")}
    assert admin.post("/admin/fields/order", data=off).status_code == 303
    assert audited(site, "fields.change")[-1].after["gate"]["active"] is False
    refused = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    assert statuses(site, "GET", "/admin/fields/customer") == refused
    assert admin.get("/admin/fields/nothing").status_code == 404


def test_a_customers_form_has_the_fields_and_the_page_their_values(site: Site) -> None:
    agent = browser(site, "agent1")
    assert 'name="custom-club"' in body(agent, "/customers/new")
    form = {"name": "Own fields", "phones-0-label": "mobile", "custom-size": "x", "custom-club": "blue"}
    wrong = agent.post("/customers/new", data=form)
    assert wrong.status_code == 422
    assert "This is not a number." in wrong.text
    made = agent.post("/customers/new", data=form | {"custom-size": "36.5"})
    assert made.status_code == 303
    assert "36.5" in body(agent, made.location)
    changed = agent.post(f"{made.location}/edit", data=form | {"custom-size": ""})
    assert changed.status_code == 303
    assert audited(site, "customer.change")[-1].after == {"custom": {"club": "blue"}}
    with site.sessions() as session:
        kept = session.scalars(select(Customer).where(Customer.name == "Own fields")).one()
        assert (kept.custom, session.get_one(User, kept.owner_user_id).username) == ({"club": "blue"}, "agent1")


@pytest.fixture
def field_of(site: Site) -> Iterator[Any]:
    """Adds a field in the list; all of orders and tickets go afterwards."""

    def add(subject: str, key: str, kind: str, **values: Any) -> None:
        with site.sessions() as session:
            session.add(
                CustomField(subject=subject, key=key, names={"en": key.title()}, kind=kind, listed=True, **values)
            )
            session.commit()

    yield add
    with site.sessions() as session:
        session.execute(delete(CustomField).where(CustomField.subject != "customer"))
        session.commit()


def test_an_orders_own_fields_are_entered_shown_listed_filtered_and_changed(site: Site, field_of: Any) -> None:
    field_of("order", "gift_card", "text", required=True)
    field_of("order", "wrap", "choice", choices=["red", "blue"])
    client = browser(site, "agent1")
    form = open_form(client) | lines(("PAN-1", "1")) | {"custom-gift_card": "", "custom-wrap": "blue"}
    refused = send(client, form)
    assert refused.status_code == 422
    assert "Enter a value." in refused.text
    assert "<option selected>blue" in refused.text
    assert send(client, form | {"custom-gift_card": "Happy day"}).status_code == 200
    order = newest(site)
    assert order.custom == {"gift_card": "Happy day", "wrap": "blue"}
    assert "Happy day" in body(client, f"/orders/{order.id}")

    def listed(query: str) -> bool:
        return f'/orders/{order.id}"' in body(client, f"/orders?{query}")

    assert (listed("own-wrap=blue"), listed("own-wrap=red"), listed("own-wrap=green")) == (True, False, False)
    assert (listed("own-gift_card=day"), listed("own-gift_card=%25"), listed("own-no_such=x")) == (True, False, True)
    path = f"/orders/{order.id}/fields"
    wrong = client.post(path, data={"custom-gift_card": "", "custom-wrap": "red"})
    assert (wrong.status_code, newest(site).custom["wrap"]) == (422, "blue")
    assert client.post(path, data={"custom-gift_card": "x", "custom-wrap": ""}).status_code == 303
    assert newest(site).custom == {"gift_card": "x"}
    told = audited(site, "order.change")[-1]
    assert (told.object, told.after) == (f"order/{order.id}", {"custom": {"gift_card": "x"}})
    assert browser(site, "agent2").post(path, data={"custom-gift_card": "y"}).status_code == 403


def test_a_tickets_own_fields_are_noted_shown_listed_changed_and_found_by_a_query(site: Site, field_of: Any) -> None:
    field_of("ticket", "topic", "choice", choices=["tent", "pan"])
    client, form = browser(site, "agent1"), {"number": "13800000001", "name": "Query Two", "custom-topic": "tent"}
    assert client.post("/tickets", data=form | {"custom-topic": "boat"}, headers=FRAGMENT).status_code == 422
    assert client.post("/tickets", data=form, headers=FRAGMENT).status_code == 200
    with site.sessions() as session:
        ticket = session.scalars(select(Ticket)).one()
        assert ticket.custom == {"topic": "tent"}
    assert "<dt>Topic</dt>" in body(client, f"/tickets/{ticket.id}")
    marked = f'data-ticket="{ticket.id}"'
    assert marked in body(client, "/followup?own-topic=tent")
    assert marked not in body(client, "/followup?own-topic=pan")
    assert asked(site, group("tickets", leaf("ticket.own.topic", "is", "tent"))) == {"Two"}
    assert asked(site, group("tickets", leaf("ticket.own.topic", "is", "tent"), least=2)) == set()
    assert asked(site, group("no_tickets", leaf("ticket.state", "is", "open"))) == {"One", "Three", "Four"}
    assert client.post(f"/tickets/{ticket.id}/fields", data={"custom-topic": "pan"}).status_code == 303
    assert audited(site, "ticket.change")[-1].before == {"custom": {"topic": "tent"}}
