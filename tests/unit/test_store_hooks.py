"""Webhooks: an event is in the outbox if and only if what it tells of is stored; signed, tried again, given up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import callbacks, hooks, sending
from cti.store.models import Call, Customer, HookDelivery, HookState, Order, Role, User, Webhook, utc_now
from cti.store.numbers import numbered_last
from tests.stores import Store


class Receiver(HTTPServer):
    """Keeps what it gets and answers ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def session(store: Store, receiver: Receiver) -> Iterator[Session]:
    with store.sessions() as session:
        session.add(User(id="u1", username="u1", name="U", password_hash="x", role=Role.AGENT))
        url = f"http://127.0.0.1:{receiver.server_port}/hook?a=1"
        session.add(
            Webhook(id="w1", name="crm", url=url, secret="s3cret", kinds=" customer.created ticket.made call.ended ")
        )
        session.add(Webhook(id="w2", name="off", url=url, secret="s", kinds=" customer.created ", active=False))
        session.commit()
        yield session


def outbox(session: Session) -> list[HookDelivery]:
    session.expire_all()
    return list(session.scalars(select(HookDelivery).order_by(HookDelivery.id)))


def test_what_is_stored_is_told_and_what_is_rolled_back_is_not(session: Session) -> None:
    session.add(Customer(name="never"))
    session.flush()
    session.rollback()
    assert outbox(session) == []
    customer = Customer(name="王芳")
    session.add(customer)
    session.commit()
    customer.remarks = "nobody wants to know that"
    ticket, _ = callbacks.make(session, callbacks.Wanted("13800138000", urgent=True), "u1", utc_now())
    session.commit()
    made, noted = outbox(session)
    assert (made.webhook_id, made.kind, made.object) == ("w1", "customer.created", f"customer/{customer.id}")
    assert (noted.kind, noted.object, noted.data["urgent"]) == ("ticket.made", f"ticket/{ticket.id}", True)
    assert "王芳" not in json.dumps(made.data, ensure_ascii=False)


def test_an_order_that_gets_its_number_last_is_told_once_and_with_it(session: Session) -> None:
    session.get_one(Webhook, "w1").kinds = " order.created "
    customer = Customer(name="A")
    session.add(customer)
    session.flush()
    order = Order(customer_id=customer.id, agent_user_id="u1")
    with numbered_last(session, order):
        session.add(order)
        session.flush()
        assert outbox(session) == []
    session.commit()
    [row] = outbox(session)
    assert (row.kind, row.object, row.data["number"]) == ("order.created", f"order/{order.id}", order.number)
    assert order.number.isdecimal()


def test_a_call_is_told_once_when_it_has_ended(session: Session) -> None:
    now = utc_now()
    session.add(Call(id="c1", version=1, direction="inbound", created_at=now, ended_at=now, document={}))
    session.add(Call(id="c2", version=1, direction="inbound", created_at=now, document={}))
    for _again in range(2):
        hooks.calls_ended(session, ["c1", "c2", "c3"])
        session.commit()
    assert [row.object for row in outbox(session)] == ["call/c1"]


def test_a_delivery_is_signed_and_done(session: Session, receiver: Receiver) -> None:
    session.add(Customer(name="A"))
    session.commit()
    assert sending.work(session, private=True) == 1
    assert sending.work(session, private=True) == 0
    [(headers, body)] = receiver.got
    [row] = outbox(session)
    told = json.loads(body)
    assert (told["kind"], told["id"], told["object"]) == ("customer.created", row.id, row.object)
    stamp = int(headers["X-Callyard-Timestamp"])
    assert headers["X-Callyard-Signature"] == sending.signature("s3cret", stamp, body)
    assert headers["X-Callyard-Signature"] != sending.signature("other", stamp, body)
    assert (row.state, row.tries, row.status) == (HookState.DONE, 1, 200)


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_is_not_taken_is_tried_again_later_and_later_and_then_given_up(
    session: Session, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    session.add(Customer(name="A"))
    session.commit()
    waits = []
    for _try in range(len(sending.WAITS) + 1):
        assert sending.work(session, private=True) == 1
        [row] = outbox(session)
        waits.append((row.next_at - utc_now()).total_seconds())
        row.next_at = utc_now() - timedelta(seconds=1)
        session.commit()
    assert [round(wait / 5) for wait in waits[:-1]] == [round(wait / 5) for wait in sending.WAITS]
    [row] = outbox(session)
    assert (row.state, row.tries, row.error) == (HookState.DEAD, 8, f"HTTP {status}")
    assert sending.work(session, private=True) == 0
    assert len(receiver.got) == 8, "redirects are not followed"
    sending.again(row, utc_now())
    session.commit()
    receiver.status = 204
    sending.work(session, private=True)
    assert outbox(session)[0].state is HookState.DONE


def test_an_address_inside_gets_nothing(session: Session, receiver: Receiver) -> None:
    session.add(Customer(name="A"))
    session.commit()
    sending.work(session)
    [row] = outbox(session)
    assert (row.state, row.error) == (HookState.WAITING, "127.0.0.1 is an address inside")
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "file:///etc/passwd",
        "ftp://1.1.1.1/",
        "http://user:pw@1.1.1.1/",
        "http://1.1.1.1:99999/",
        "http://",
        "http://host.invalid/",
        "",
    ],
)
def test_where_webhooks_never_go(url: str) -> None:
    with pytest.raises(sending.Unsendable):
        sending.check(url)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    target = sending.check("http://1.1.1.1:8000/a/b?c=d")
    assert (target.address, target.port, target.path, target.secure) == ("1.1.1.1", 8000, "/a/b?c=d", False)
    assert sending.check("https://1.1.1.1").port == 443
