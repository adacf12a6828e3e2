"""The outbox of webhooks: one row for each webhook that wants an event, in the transaction of what it tells of.

Rows of orders, customers and tickets tell by themselves when they are stored, whoever stores them. Data holds numbers
and states only: who wants names and telephone numbers asks the API. Must not know how things are sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import Session

from cti.store.models.api import HookDelivery, HookState, Webhook
from cti.store.models.base import utc_now
from cti.store.models.calls import Call
from cti.store.models.customers import Customer
from cti.store.models.followup import Ticket, TicketStep
from cti.store.models.fulfilment import OrderStep
from cti.store.models.orders import Order
from cti.store.numbers import PROVISIONAL

KINDS = (
    "order.created",
    "order.changed",
    "customer.created",
    "customer.changed",
    "ticket.made",
    "ticket.changed",
    "call.ended",
)


Told = tuple[str, dict[str, Any]]  # what it is about, data


def tell(session: Session, kind: str, *told: Told) -> None:
    """A delivery of each for each webhook that wants ``kind``; where there is none, that is one statement."""
    wanted = session.scalars(select(Webhook.id).where(Webhook.active, Webhook.kinds.contains(f" {kind} "))).all()
    now = utc_now()
    same = {"kind": kind, "created_at": now, "state": HookState.WAITING, "tries": 0, "next_at": now, "error": ""}
    rows = [{"webhook_id": id, "object": object, "data": data} | same for object, data in told for id in wanted]
    if rows:
        session.execute(insert(HookDelivery.__table__), rows)  # type: ignore[arg-type]


def calls_ended(session: Session, call_ids: Iterable[str]) -> None:
    """Calls whose ledgers are complete; each is told once. The caller commits."""
    for call in session.scalars(select(Call).where(Call.id.in_(list(call_ids)), Call.ended_at.is_not(None))):
        object = f"call/{call.id}"
        told = select(HookDelivery.id).where(HookDelivery.kind == "call.ended", HookDelivery.object == object).limit(1)
        if session.scalar(told) is None:
            data = {"direction": call.direction, "dnis": call.dnis, "answered": call.answered_at is not None}
            tell(session, "call.ended", (object, data | {"queue_id": call.queue_id}))


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: Any) -> None:
    """What was made and changed, whoever did it: one statement for each kind, however many there are."""
    found: dict[str, list[Told]] = {}
    for one in (*session.new, *(one for one in session.dirty if _numbered(one))):
        if (made := _made(one)) is not None:
            kind, object, data = made
            found.setdefault(kind, []).append((object, data))
    for customer in (one for one in session.dirty if isinstance(one, Customer)):
        found.setdefault("customer.changed", []).append((f"customer/{customer.id}", {"number": customer.number}))
    for kind, told in found.items():
        tell(session, kind, *told)


def _numbered(one: object) -> bool:
    """An order that was stored before it had its number is told of now."""
    return isinstance(one, Order) and inspect(one).attrs["number"].history.has_changes()


def _made(one: object) -> tuple[str, str, dict[str, Any]] | None:
    """The kind of event that a new row is, what it is about, and its data."""
    match one:
        case Order() if not one.number.startswith(PROVISIONAL):
            data = {"number": one.number, "customer_id": one.customer_id, "status": str(one.status)}
            return "order.created", f"order/{one.id}", data | {"total": f"{one.total:.2f}"}
        case OrderStep():
            data = {"event": one.event, "before": str(one.before), "status": str(one.after)}
            return "order.changed", f"order/{one.order_id}", data
        case Customer():
            return "customer.created", f"customer/{one.id}", {"number": one.number}
        case Ticket():
            data = {"origin": str(one.origin), "urgent": one.urgent, "queue_id": one.queue_id}
            return "ticket.made", f"ticket/{one.id}", data
        case TicketStep() if one.what != "made":
            return "ticket.changed", f"ticket/{one.ticket_id}", {"what": one.what}
    return None
