"""Callback tickets in the pages: noted in a call, held by one, called, settled, shown to whom they concern."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from cti.store import media
from cti.store.models import (
    Airing,
    BusinessType,
    CallNote,
    CustomField,
    FieldKind,
    Medium,
    Order,
    Product,
    Ticket,
    TicketState,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import FRAGMENT, HOSTILE, audited, body, browser, make_call
from webui.tickets import live

NUMBER = "+8619911110055"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def empty(site: Site) -> None:
    with site.sessions() as session:
        for row in session.scalars(select(Ticket)):
            session.delete(row)
        session.commit()


def note(site: Site, username: str = "agent1", **form: Any) -> Any:
    values = {"number": NUMBER, "name": "王芳", "note": "two blue ones"} | form
    return browser(site, username).post("/tickets", data=values, headers=FRAGMENT)


def only(site: Site) -> Ticket:
    with site.sessions() as session:
        return session.scalars(select(Ticket)).one()


def post(site: Site, username: str, path: str, **form: Any) -> Any:
    return browser(site, username).post(path, data=form, headers=FRAGMENT)


def told(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return found


def shown(site: Site, username: str, state: str = "open") -> list[str]:
    return re.findall(r'data-ticket="([\w-]+)"', body(browser(site, username), f"/followup?state={state}"))


def test_a_call_becomes_a_ticket_with_its_queue_number_and_name(site: Site) -> None:
    call = make_call(site, "rush", number=NUMBER, queue_id="orders", agent="1001")
    answer = note(site, call_id=call, urgent="y", other="晚上")
    assert answer.status_code == 200
    assert "cy:ticket-made" in told(answer)
    ticket = only(site)
    assert (ticket.number, ticket.queue_id, ticket.call_id, ticket.dnis) == (NUMBER, "orders", call, "8000")
    assert (ticket.name, ticket.note, ticket.other, ticket.urgent) == ("王芳", "two blue ones", "晚上", True)
    assert ticket.made_by == site.user("agent1").id
    assert audited(site, "ticket.create")[-1].object == f"ticket/{ticket.id}"


def test_a_number_that_the_agent_may_not_see_comes_back_as_its_token(site: Site) -> None:
    with site.app.test_request_context():
        from webui.common.phones import seal, sealing_key

        token = seal(NUMBER, sealing_key())
    note(site, number="199****0055", shown="199****0055", token=token)
    assert only(site).number == NUMBER
    assert note(site, number="199****0056", shown="199****0055", token=token).status_code == 422
    assert note(site, number="13800138000", shown="199****0055", token=token).status_code == 200


def test_what_is_no_number_or_somebody_elses_call_is_refused(site: Site) -> None:
    assert note(site, number="").status_code == 422
    assert note(site, number="call me").status_code == 422
    assert note(site, number=NUMBER, note="x" * 1001).status_code == 422
    other = make_call(site, "not-mine", agent="1002")
    assert note(site, call_id=other).status_code == 403
    with site.sessions() as session:
        assert session.scalars(select(Ticket)).all() == []


def test_what_was_noted_is_shown_as_text(site: Site) -> None:
    note(site, name=HOSTILE[:120], note=HOSTILE)
    page = body(browser(site, "agent1"), f"/tickets/{only(site).id}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_of_two_agents_one_gets_the_ticket_and_the_other_is_told_who(site: Site) -> None:
    note(site)
    ticket = only(site)
    first = post(site, "agent2", f"/tickets/{ticket.id}/take")
    assert first.status_code == 204
    assert told(first)["cy:dial"]["number"].startswith("~")
    second = post(site, "agent1", f"/tickets/{ticket.id}/take")
    assert second.status_code == 409
    assert site.user("agent2").name in second.text
    page = body(browser(site, "agent1"), "/followup")
    assert f"take-{ticket.id}" not in page
    assert site.user("agent2").name in page
    assert f'data-held="{ticket.id}"' in body(browser(site, "agent2"), "/tickets/held")
    assert "data-held" not in body(browser(site, "agent1"), "/tickets/held")
    post(site, "agent2", f"/tickets/{ticket.id}/release")
    assert post(site, "agent1", f"/tickets/{ticket.id}/take").status_code == 204
    post(site, "agent1", f"/tickets/{ticket.id}/release")


def test_the_next_one_is_the_first_that_is_free_and_only_one_at_a_time(site: Site) -> None:
    note(site, number="13800138001")
    note(site, number="13800138002", urgent="y")
    note(site, number="13800138003")
    assert post(site, "agent1", "/tickets/next").status_code == 204
    with site.sessions() as session:
        mine = session.scalars(select(Ticket).where(Ticket.held_by == site.user("agent1").id)).one()
    assert mine.urgent
    again = post(site, "agent1", "/tickets/next")
    assert told(again)["cy:toast"]["kind"] == "warning"
    post(site, "agent2", "/tickets/next")
    with site.sessions() as session:
        held = session.scalars(select(Ticket).where(Ticket.held_by == site.user("agent2").id)).one()
    assert held.number == "+8613800138001"
    for user, ticket in (("agent1", mine), ("agent2", held)):
        post(site, user, f"/tickets/{ticket.id}/result", result="cancelled")
    assert shown(site, "agent1", "cancelled") != []


def test_not_reached_counts_and_stays_the_rest_is_archived_with_who_and_when(site: Site) -> None:
    note(site)
    ticket = only(site)
    post(site, "agent1", f"/tickets/{ticket.id}/take")
    post(site, "agent1", f"/tickets/{ticket.id}/result", result="unreachable", note="rings out")
    assert (only(site).tries, only(site).state, only(site).held_by) == (1, TicketState.OPEN, None)
    assert told(post(site, "agent2", "/tickets/next"))["cy:toast"]["kind"] == "warning", "it was put off"
    post(site, "agent2", f"/tickets/{ticket.id}/take")
    assert post(site, "agent2", f"/tickets/{ticket.id}/result", result="cancelled", note="bought it").status_code == 204
    assert shown(site, "agent1") == []
    assert shown(site, "agent1", "cancelled") == [ticket.id]
    page = body(browser(site, "agent1"), f"/tickets/{ticket.id}")
    assert re.findall(r'data-step="(\w+)"', page) == ["made", "held", "unreachable", "held", "cancelled"]
    assert "rings out" in page
    assert site.user("agent2").name in page
    assert post(site, "agent1", f"/tickets/{ticket.id}/result", result="done").status_code == 409
    assert post(site, "agent1", f"/tickets/{ticket.id}/result", result="ordered").status_code == 400


def test_a_complaint_stands_in_the_note_of_the_call(site: Site) -> None:
    note(site, note="the box was empty")
    ticket = only(site)
    call = make_call(site, "back", number=NUMBER, direction="outbound", agent="1001")
    post(site, "agent1", f"/tickets/{ticket.id}/take")
    answer = post(site, "agent1", f"/tickets/{ticket.id}/result", result="complaint", note="wants money", call_id=call)
    assert told(answer)["cy:note"] == {"call_id": call}
    with site.sessions() as session:
        written = session.get_one(CallNote, call)
    assert (written.business_type, written.summary) == (BusinessType.COMPLAINT, "the box was empty\nwants money")
    assert (only(site).state, only(site).back_call_id) == (TicketState.COMPLAINT, call)


def order_form(site: Site, username: str, path: str) -> dict[str, str]:
    """The fields of the order form that ``path`` leads to."""
    answer = browser(site, username).get(path, follow_redirects=True)
    assert answer.status_code == 200
    page = answer.text[answer.text.index('id="order-form"') :]
    page = page[: page.index("</form>")]
    fields = re.findall(r"<(?:input|textarea)[^>]*>", page)
    found = {m.group(1): re.search(r'value="([^"]*)"', f) for f in fields if (m := re.search(r'name="([^"]+)"', f))}
    wanted = ["token", "customer_id", "call_id", "ticket_id", "phone", "phone_token", "name"]
    wanted += ["lines-0-product", "lines-0-text"]
    values = {name: unescape(value.group(1)) if value else "" for name, value in found.items() if name in wanted}
    return values | {"remarks": re.search(r'name="remarks"[^>]*>\s*([^<]*)<', page).group(1).strip()}  # type: ignore[union-attr]


def test_an_order_begins_with_what_the_ticket_says_and_settles_it(site: Site) -> None:
    with site.sessions() as session:
        session.add(Medium(id=1, name="五频道"))
        product = session.scalars(select(Product).where(Product.code == "P001")).one()
        now = utc_now()
        airing = Airing(medium_id=1, programme="夜市", dnis="8000", products=[product])
        airing.starts_at, airing.ends_at = now - timedelta(minutes=30), now + timedelta(minutes=5)
        media.save(session, airing)
        session.commit()
    call = make_call(site, "to-order", number=NUMBER, agent="1001")
    note(site, call_id=call)
    ticket = only(site)
    post(site, "agent1", f"/tickets/{ticket.id}/take")
    form = order_form(site, "agent1", f"/tickets/{ticket.id}/order")
    assert (form["ticket_id"], form["remarks"], form["name"]) == (ticket.id, "two blue ones", "王芳")
    assert form["lines-0-product"] == str(product.id)
    form |= {"lines-0-quantity": "2", "address": "new", "line": "1 Demo Road", "medium": f"1.{airing.id}"}
    form |= {"payment": "cash_on_delivery", "delivery": "express", "seen_total": ""}
    answer = browser(site, "agent1").post("/orders/new", data=form)
    assert answer.status_code == 303, answer.text
    row = only(site)
    with site.sessions() as session:
        order = session.get_one(Order, row.order_id)
        assert (row.state, row.user_id, row.held_by) == (TicketState.ORDERED, site.user("agent1").id, None)
        assert (order.remarks, order.airing_id, order.medium_id) == ("two blue ones", airing.id, 1)
    assert audited(site, "ticket.state")[-1].after["order"] == order.number


def test_an_order_begun_from_the_card_settles_the_ticket_in_hand_of_the_same_customer(site: Site) -> None:
    number = "+8619900000013"
    note(site, number=number)
    ticket = only(site)
    client = browser(site, "agent1")
    assert ticket.id not in client.get("/orders/new?customer_id=13").text  # nobody has it in hand
    post(site, "agent1", f"/tickets/{ticket.id}/take")
    assert f'value="{ticket.id}"' in client.get("/orders/new?customer_id=13").text
    assert f'value="{ticket.id}"' in client.get(f"/orders/new?number={number.replace('+', '%2B')}").text
    for other in ("customer_id=14", "number=13900004321"):
        assert ticket.id not in client.get(f"/orders/new?{other}").text
    post(site, "agent1", f"/tickets/{ticket.id}/release")


def test_an_order_out_of_a_ticket_that_somebody_else_holds_is_saved_and_leaves_the_ticket(site: Site) -> None:
    note(site)
    ticket = only(site)
    form = order_form(site, "agent1", f"/tickets/{ticket.id}/order")
    post(site, "agent2", f"/tickets/{ticket.id}/take")
    form |= {"lines-0-text": "P002", "lines-0-quantity": "1", "address": "new", "line": "1 Demo Road"}
    form |= {"payment": "cash_on_delivery", "delivery": "express", "seen_total": "", "name": "李"}
    assert browser(site, "agent1").post("/orders/new", data=form).status_code == 303
    assert (only(site).state, only(site).held_by) == (TicketState.OPEN, site.user("agent2").id)
    post(site, "agent2", f"/tickets/{ticket.id}/release")


def test_tickets_of_other_queues_are_not_the_agents(site: Site) -> None:
    call = make_call(site, "service-call", number=NUMBER, queue_id="service", agent="1004")
    note(site, "agent4", call_id=call)
    ticket = only(site)
    assert shown(site, "agent4") == [ticket.id]
    assert shown(site, "agent1") == []
    for path in (f"/tickets/{ticket.id}/take", f"/tickets/{ticket.id}/result", f"/tickets/{ticket.id}/release"):
        assert post(site, "agent1", path, result="done").status_code == 403
    assert post(site, "supervisor", f"/tickets/{ticket.id}/take").status_code == 204


def test_urgent_ones_ring_the_bell_of_every_open_page(site: Site) -> None:
    hub = site.app.extensions["callyard_hub"]
    reader = hub.join()
    try:
        note(site, urgent="y")
        bell = body(browser(site, "agent1"), "/own/bell")
        assert 'data-urgent="1"' in bell
        now = utc_now()
        with site.sessions() as session:
            live.look(hub, session, now - timedelta(minutes=1), now + timedelta(minutes=1))
            live.look(hub, session, now + timedelta(minutes=1), now + timedelta(minutes=2))
        heard = []
        while (item := reader.take(0.1)) is not None:
            heard += [item[1]] if item[0] == "ticket" else []
    finally:
        hub.leave(reader)
    assert heard == [{"urgent": True}, {"urgent": True}]


def test_own_fields_are_asked_for_when_the_dialog_is_opened(site: Site) -> None:
    field = CustomField(subject="ticket", key="shade", names={"en": "Shade"}, kind=FieldKind.TEXT, required=True)
    with site.sessions() as session:
        session.add(field)
        session.commit()
    try:
        person = browser(site, "agent1")
        assert "custom-shade" not in body(person, "/own")
        assert "/tickets/own-inputs" in body(person, "/own")
        assert "custom-shade" in body(person, "/tickets/own-inputs")
        without = note(site, **{"custom-shade": ""})
        assert (without.status_code, "custom-shade" in without.text) == (422, True)
    finally:
        with site.sessions() as session:
            session.delete(field)
            session.commit()
