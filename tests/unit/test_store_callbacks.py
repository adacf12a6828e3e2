"""Callback tickets at work, on both databases: one holder, results that stay, what the job closes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import callbacks, tickets
from cti.store.callbacks import TicketClosed, TicketTaken, Wanted
from cti.store.models import Call, Queue, Role, Ticket, TicketState, TicketStep, User
from tests.stores import Store

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOLD = 900.0
NUMBER = "+8613800138000"


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.sessions() as session:
        session.add(Queue(id="orders", number="2001", name="Orders"))
        for n in range(20):
            session.add(User(id=f"u{n}", username=f"u{n}", name=f"Agent {n}", password_hash="x", role=Role.AGENT))
        session.commit()
        yield session


def note(session: Session, number: str = NUMBER, minutes: float = 0, **wanted: object) -> str:
    values = {"number": number, "queue_id": "orders", "name": "王芳"} | wanted
    ticket, _ = callbacks.make(session, Wanted(**values), "u0", NOW + minutes * MINUTE)  # type: ignore[arg-type]
    session.commit()
    return ticket.id


def ticket(session: Session, ticket_id: str) -> Ticket:
    session.expire_all()
    return session.get_one(Ticket, ticket_id)


def history(session: Session, ticket_id: str) -> list[tuple[str, str | None]]:
    rows = session.scalars(select(TicketStep).where(TicketStep.ticket_id == ticket_id).order_by(TicketStep.id))
    return [(row.what, row.user_id) for row in rows]


def order(session: Session) -> list[str]:
    return list(session.scalars(callbacks.in_order(select(Ticket.number).where(Ticket.state == TicketState.OPEN))))


def test_urgent_ones_come_first_then_the_oldest(session: Session) -> None:
    for number, minutes, urgent in (("101", 3, False), ("102", 1, False), ("103", 4, True), ("104", 2, True)):
        note(session, number, minutes, urgent=urgent)
    assert order(session) == ["104", "103", "102", "101"]


def test_a_customer_who_is_noted_twice_is_one_ticket_that_learns(session: Session) -> None:
    first = note(session, note="blue", name="")
    again = note(session, "013800138000", 5, note="two of them", urgent=True)
    row = ticket(session, first)
    assert again == first
    assert (row.urgent, row.name, row.note, row.first_at) == (True, "王芳", "blue\ntwo of them", NOW)
    assert history(session, first) == [("made", "u0"), ("changed", "u0")]


def test_a_lost_call_of_the_same_customer_joins_the_ticket(session: Session) -> None:
    noted = note(session)
    began = NOW + MINUTE
    session.add(
        Call(
            id="c1",
            version=3,
            direction="inbound",
            number=NUMBER,
            queue_id="orders",
            created_at=began,
            queued_at=began,
            ended_at=began + MINUTE,
            document={},
        )
    )
    session.commit()
    assert tickets.settle(session, ["c1"]) == 0
    assert (ticket(session, noted).calls, ticket(session, noted).call_id) == (1, "c1")


def test_of_twenty_who_press_at_once_one_holds_the_ticket(store: Store, session: Session) -> None:
    wanted = note(session)
    gate, got, told = threading.Barrier(20), [], []

    def press(user: str) -> None:
        with store.sessions() as mine:
            gate.wait(30)
            try:
                callbacks.take(mine, wanted, user, NOW, HOLD)
                mine.commit()
                got.append(user)
            except TicketTaken as error:
                told.append(str(error.params["holder"]))

    threads = [threading.Thread(target=press, args=(f"u{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(got), len(told)) == (1, 19)
    assert set(told) == {f"Agent {got[0].removeprefix('u')}"}
    assert ticket(session, wanted).held_by == got[0]
    assert history(session, wanted) == [("made", "u0"), ("held", got[0])]


def test_a_hold_ends_by_release_by_a_result_or_by_time(session: Session) -> None:
    wanted = note(session)
    callbacks.take(session, wanted, "u1", NOW, HOLD)
    with pytest.raises(TicketTaken, match=r"ticket\.taken"):
        callbacks.settle(session, wanted, "u2", TicketState.CANCELLED, NOW)
    assert not callbacks.release(session, wanted, "u2", NOW)
    assert callbacks.release(session, wanted, "u1", NOW)
    callbacks.take(session, wanted, "u2", NOW, HOLD)
    callbacks.take(session, wanted, "u3", NOW + timedelta(seconds=HOLD), HOLD)
    later = NOW + timedelta(seconds=HOLD)
    callbacks.settle(session, wanted, "u3", TicketState.CANCELLED, later, call_id="c9")
    session.commit()
    row = ticket(session, wanted)
    assert (row.state, row.user_id, row.closed_at, row.held_by) == (TicketState.CANCELLED, "u3", later, None)
    assert row.back_call_id == "c9"
    with pytest.raises(TicketClosed) as closed:
        callbacks.take(session, wanted, "u1", later, HOLD)
    assert closed.value.params == {"state": "cancelled"}


def test_who_is_not_reached_stays_and_others_come_first(session: Session) -> None:
    first, second = note(session, "101", 0), note(session, "102", 1)
    assert callbacks.next_id(session, "u1", callbacks.of_queues({"orders"}), NOW) == first
    callbacks.take(session, first, "u1", NOW, HOLD)
    assert callbacks.next_id(session, "u2", callbacks.of_queues({"orders"}), NOW) == second
    callbacks.unreachable(session, first, "u1", NOW, 600.0, note="rings out")
    callbacks.unreachable(session, first, "u1", NOW, 600.0)
    row = ticket(session, first)
    assert (row.state, row.tries, row.tried_at, row.held_by) == (TicketState.OPEN, 2, NOW, None)
    assert order(session) == ["101", "102"]
    assert callbacks.next_id(session, "u2", callbacks.of_queues(None), NOW) == second
    assert callbacks.next_id(session, "u2", callbacks.of_queues(None), NOW + 10 * MINUTE) == first
    assert callbacks.next_id(session, "u2", callbacks.of_queues({"service"}), NOW + 10 * MINUTE) is None


def test_after_three_days_the_job_closes_what_nobody_settled_and_keeps_it(session: Session) -> None:
    old, in_hand, fresh = note(session, "101"), note(session, "102"), note(session, "103", 60)
    day3 = NOW + timedelta(days=3)
    callbacks.take(session, in_hand, "u1", day3 - MINUTE, HOLD)
    session.commit()
    assert callbacks.tidy(session, day3, 3) == 1
    assert (ticket(session, old).state, ticket(session, old).closed_at) == (TicketState.EXPIRED, day3)
    assert {ticket(session, one).state for one in (in_hand, fresh)} == {TicketState.OPEN}
    assert history(session, old)[-1] == ("expired", None)
    assert callbacks.reopen(session, old, "u2", day3)
    assert callbacks.tidy(session, day3 + MINUTE, 3) == 0
    assert ticket(session, old).state is TicketState.OPEN
    assert callbacks.tidy(session, day3 + timedelta(days=4), 3) == 3


def test_a_hold_that_ran_out_frees_the_ticket_or_closes_it_when_the_customer_was_reached(session: Session) -> None:
    talked, silent = note(session, NUMBER), note(session, "102")
    for one, user in ((talked, "u1"), (silent, "u2")):
        callbacks.take(session, one, user, NOW, HOLD)
    answered = NOW + MINUTE
    call = Call(id="b1", version=3, direction="outbound", number=NUMBER, queue_id="orders", created_at=answered)
    call.answered_at, call.document = answered, {}
    session.add(call)
    session.commit()
    tickets.settle(session, ["b1"])
    assert ticket(session, talked).state is TicketState.OPEN, "the holder has not said yet what came of it"
    callbacks.tidy(session, NOW + timedelta(seconds=HOLD), 3)
    assert (ticket(session, talked).state, ticket(session, talked).closed_at) == (TicketState.REACHED, answered)
    assert (ticket(session, silent).state, ticket(session, silent).held_by) == (TicketState.OPEN, None)
    assert history(session, silent)[-1] == ("released", None)
