"""Messages and lost calls in the pages: whose queues they are, what is heard, marked and audited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cti.domain.config.routes import TargetKind
from cti.store.config import build_config
from cti.store.models import MessageState, Queue, Recording, Ticket, TicketState, Voicemail, utc_now
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, body, browser, form_error, make_call, make_recording, statuses
from tests.unit.test_web_admin import queue_form

HOUR = 3600.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    yield made
    made.close()


def message(site: Site, name: str, queue: str = "orders", *, seconds: float = 2.0, **recording: Any) -> str:
    call = make_call(site, name, agent="", number="+8619900000077", queue_id=queue)
    recording_id = make_recording(site, call)
    with site.sessions() as session:
        row = session.get_one(Recording, recording_id)
        row.agent_id, row.duration = "", seconds
        for field, value in recording.items():
            setattr(row, field, value)
        session.add(Voicemail(recording_id=recording_id, call_id=call, queue_id=queue, left_at=utc_now()))
        session.commit()
    return recording_id


def lost(site: Site, ticket_id: str, queue: str = "orders", state: TicketState = TicketState.OPEN) -> str:
    make_call(site, f"of-{ticket_id}", agent="", number="+8619900000088", queue_id=queue)
    at = utc_now() - timedelta(hours=1)
    with site.sessions() as session:
        ticket = Ticket(id=ticket_id, number="+8619900000088", queue_id=queue, call_id=f"of-{ticket_id}", state=state)
        ticket.first_at, ticket.lost_at, ticket.waited, ticket.calls = at, at, 42.0, 3
        session.add(ticket)
        session.commit()
    return ticket_id


def shown(site: Site, username: str, path: str) -> set[str]:
    return set(re.findall(r'data-(?:message|ticket)="([\w-]+)"', body(browser(site, username), path)))


def ticket(site: Site, ticket_id: str) -> Ticket:
    with site.sessions() as session:
        return session.get_one(Ticket, ticket_id)


# ---------------------------------------------------------------- messages


def test_agents_find_the_messages_of_their_queues_supervisors_all(site: Site) -> None:
    orders, service = message(site, "m-orders"), message(site, "m-service", "service")
    assert {orders, service} <= shown(site, "supervisor", "/followup/messages")
    assert shown(site, "agent1", "/followup/messages") & {orders, service} == {orders}
    assert {orders, service} <= shown(site, "agent4", "/followup/messages")


def test_what_is_no_message_is_not_shown(site: Site) -> None:
    short, missing = message(site, "m-short", seconds=0.4), message(site, "m-missing", state="missing")
    pending = message(site, "m-pending", state="pending", duration=0.0)
    found = shown(site, "supervisor", "/followup/messages?state=all")
    assert found & {short, missing, pending} == {pending}


def test_a_message_without_a_word_is_none(site: Site) -> None:
    empty = message(site, "m-empty")
    with site.sessions() as session:
        session.get_one(Voicemail, empty).state = MessageState.EMPTY
        session.commit()
    assert empty not in shown(site, "supervisor", "/followup/messages?state=all")
    answer = browser(site, "supervisor").post(f"/followup/messages/{message(site, 'm-full')}", data={"state": "empty"})
    assert answer.status_code == 400


def test_an_agent_of_the_queue_may_listen_and_it_is_audited(site: Site) -> None:
    recording, other = message(site, "m-heard"), message(site, "m-other", "service")
    assert statuses(site, "POST", f"/calls/recordings/{other}/listen") == {
        "nobody": 302,
        "agent2": 403,
        "supervisor": 200,
        "admin": 200,
    }
    player = body(browser(site, "agent1"), f"/followup/messages/{recording}")
    assert f'data-listen="/calls/recordings/{recording}/listen"' in player
    answer = browser(site, "agent1").post(f"/calls/recordings/{recording}/listen")
    assert browser(site, "agent1").get(answer.json["url"], buffered=True).mimetype == "audio/wav"
    entry = audited(site, "recording.listen")[-1]
    assert (entry.username, entry.object) == ("agent1", f"recording/{recording}")
    assert browser(site, "agent1").get(f"/followup/messages/{other}").status_code == 403


def test_a_message_is_marked_and_marked_again(site: Site) -> None:
    recording = message(site, "m-marked")
    client = browser(site, "agent1")
    answer = client.post(f"/followup/messages/{recording}", data={"state": "done", "back": "new"})
    assert (answer.status_code, answer.location) == (303, "/followup/messages?state=new")
    assert recording not in shown(site, "agent1", "/followup/messages")
    assert recording in shown(site, "agent1", "/followup/messages?state=done")
    with site.sessions() as session:
        row = session.get_one(Voicemail, recording)
        assert (row.state, row.user_id) == (MessageState.DONE, site.user("agent1").id)
    client.post(f"/followup/messages/{recording}", data={"state": "new"})
    assert recording in shown(site, "agent1", "/followup/messages")
    assert [e.after for e in audited(site, "message.state")][-2:] == [{"state": "done"}, {"state": "new"}]
    assert client.post(f"/followup/messages/{recording}", data={"state": "lost"}).status_code == 400
    assert client.post("/followup/messages/none", data={"state": "done"}).status_code == 404


def test_new_messages_are_counted(site: Site) -> None:
    def count() -> int:
        found = re.search(r"data-new>(\d+)<", body(browser(site, "supervisor"), "/followup"))
        return int(found.group(1)) if found else 0

    before = count()
    recording = message(site, "m-count")
    assert count() == before + 1
    browser(site, "supervisor").post(f"/followup/messages/{recording}", data={"state": "done"})
    assert count() == before


# ---------------------------------------------------------------- lost calls


def test_agents_find_the_lost_calls_of_their_queues_and_call_with_one_click(site: Site) -> None:
    orders, service = lost(site, "t-orders"), lost(site, "t-service", "service")
    assert {orders, service} <= shown(site, "supervisor", "/followup")
    assert shown(site, "agent1", "/followup") & {orders, service} == {orders}
    page = body(browser(site, "agent1"), "/followup")
    assert f'hx-post="/tickets/{orders}/take"' in page
    assert "19900000088" not in page
    assert browser(site, "agent1").post(f"/tickets/{orders}/take", headers=FRAGMENT).status_code == 204
    assert f'hx-post="/tickets/{orders}/take"' not in body(browser(site, "agent2"), "/followup")
    browser(site, "agent1").post(f"/tickets/{orders}/release")


def test_a_lost_call_is_done_and_opened_again(site: Site) -> None:
    ticket_id = lost(site, "t-done")
    client = browser(site, "agent1")
    assert client.post(f"/followup/tickets/{ticket_id}", data={"state": "done"}).status_code == 303
    assert (ticket(site, ticket_id).state, ticket(site, ticket_id).user_id) == (
        TicketState.DONE,
        site.user("agent1").id,
    )
    assert ticket_id not in shown(site, "agent1", "/followup")
    client.post(f"/followup/tickets/{ticket_id}", data={"state": "open"})
    assert (ticket(site, ticket_id).state, ticket(site, ticket_id).closed_at) == (TicketState.OPEN, None)
    assert [e.object for e in audited(site, "ticket.state")][-2:] == [f"ticket/{ticket_id}"] * 2


def test_nobody_says_that_a_customer_was_reached(site: Site) -> None:
    still_open, reached = lost(site, "t-open"), lost(site, "t-reached", state=TicketState.REACHED)
    client = browser(site, "agent1")
    assert client.post(f"/followup/tickets/{still_open}", data={"state": "reached"}).status_code == 400
    assert client.post(f"/followup/tickets/{reached}", data={"state": "open"}).status_code == 400


def test_another_queues_lost_call_cannot_be_marked(site: Site) -> None:
    other = lost(site, "t-other", "service")
    assert statuses(site, "POST", f"/followup/tickets/{other}", {"state": "done"}) == {
        "nobody": 302,
        "agent2": 403,
        "supervisor": 303,
        "admin": 303,
    }


# ---------------------------------------------------------------- where they come from


def test_a_queue_says_how_long_messages_are_and_who_is_called_back(site: Site) -> None:
    form = queue_form(number="2044", voicemail_greeting="night_greeting", voicemail_max="45", ticket_after="12.5")
    form |= {"callback": "y", "callback_tries": "2", "callback_every": "90"}
    form |= {"overflow-0-when": "waited", "overflow-0-limit": "60", "overflow-0-target": "callback:"}
    assert browser(site, "admin").post("/admin/queues/new", data=form).status_code == 303
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2044")).one()
        config = next(q for q in build_config(session).queues if q.id == queue.id)
    assert (queue.tickets, queue.ticket_after) == (True, 12.5)
    assert (config.voicemail_greeting, config.voicemail_max) == ("night_greeting", 45.0)
    assert [(rule.target.kind, rule.limit) for rule in config.overflow] == [(TargetKind.CALLBACK, 60.0)]
    assert (config.callback, config.callback_tries, config.callback_every) == (True, 2, 90.0)
    wrong = browser(site, "admin").post("/admin/queues/new", data=form | {"number": "2045", "voicemail_max": "2"})
    assert wrong.status_code == 422
    assert form_error(wrong.text, "voicemail_max")


def test_a_number_can_lead_to_a_queues_voicemail(site: Site) -> None:
    page = body(browser(site, "admin"), "/admin/numbers/new")
    with site.sessions() as session:
        queues = session.scalars(select(Queue.id)).all()
    assert all(f'value="voicemail:{queue}"' in page for queue in queues)
