"""The outbox of webhooks: one row for each webhook that wants an event, in the transaction of what it tells of.

Rows of orders, customers and tickets tell by themselves when they are stored, whoever stores them. Data holds numbers
and states only: who wants names and telephone numbers asks the API. Must not know how things are sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, event, insert, literal, select
from sqlalchemy.orm import Mapper, Session

from cti.store.models.api import HookDelivery, HookState, Webhook
from cti.store.models.base import utc_now
from cti.store.models.calls import Call
from cti.store.models.customers import Customer
from cti.store.models.followup import Ticket, TicketStep
from cti.store.models.fulfilment import OrderStep
from cti.store.models.orders import Order

KINDS = (
    "order.created",
    "order.changed",
    "customer.created",
    "customer.changed",
    "ticket.made",
    "ticket.changed",
    "call.ended",
)


def tell(connection: Connection, kind: str, object: str, data: dict[str, Any]) -> None:
    """A delivery for each webhook that wants ``kind``: one statement, which finds none at once where there is none."""
    now = utc_now()
    columns = HookDelivery.__table__.c
    values = {
        "webhook_id": Webhook.id,
        "kind": literal(kind),
        "object": literal(object),
        "data": literal(data, columns.data.type),
        "created_at": literal(now, columns.created_at.type),
        "state": literal(HookState.WAITING, columns.state.type),
        "tries": literal(0),
        "next_at": literal(now, columns.next_at.type),
        "error": literal(""),
    }
    wanted = select(*values.values()).where(Webhook.active, Webhook.kinds.contains(f" {kind} "))
    connection.execute(insert(HookDelivery).from_select(list(values), wanted, include_defaults=False))


def calls_ended(session: Session, call_ids: Iterable[str]) -> None:
    """Calls whose ledgers are complete; each is told once. The caller commits."""
    for call in session.scalars(select(Call).where(Call.id.in_(list(call_ids)), Call.ended_at.is_not(None))):
        object = f"call/{call.id}"
        told = select(HookDelivery.id).where(HookDelivery.kind == "call.ended", HookDelivery.object == object).limit(1)
        if session.scalar(told) is None:
            data = {"direction": call.direction, "dnis": call.dnis, "answered": call.answered_at is not None}
            tell(session.connection(), "call.ended", object, data | {"queue_id": call.queue_id})


@event.listens_for(Order, "after_insert")
def _order(_mapper: Mapper[Any], connection: Connection, order: Order) -> None:
    data = {"number": order.number, "customer_id": order.customer_id, "status": str(order.status)}
    tell(connection, "order.created", f"order/{order.id}", data | {"total": f"{order.total:.2f}"})


@event.listens_for(OrderStep, "after_insert")
def _step(_mapper: Mapper[Any], connection: Connection, step: OrderStep) -> None:
    data = {"event": step.event, "before": str(step.before), "status": str(step.after)}
    tell(connection, "order.changed", f"order/{step.order_id}", data)


@event.listens_for(Customer, "after_insert")
def _customer(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    tell(connection, "customer.created", f"customer/{customer.id}", {"number": customer.number})


@event.listens_for(Customer, "after_update")
def _changed(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    tell(connection, "customer.changed", f"customer/{customer.id}", {"number": customer.number})


@event.listens_for(Ticket, "after_insert")
def _ticket(_mapper: Mapper[Any], connection: Connection, ticket: Ticket) -> None:
    data = {"origin": str(ticket.origin), "urgent": ticket.urgent, "queue_id": ticket.queue_id}
    tell(connection, "ticket.made", f"ticket/{ticket.id}", data)


@event.listens_for(TicketStep, "after_insert")
def _ticket_step(_mapper: Mapper[Any], connection: Connection, step: TicketStep) -> None:
    if step.what != "made":
        tell(connection, "ticket.changed", f"ticket/{step.ticket_id}", {"what": step.what})
