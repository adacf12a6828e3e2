"""Moves an order from state to state: right, lock, history, audit and what follows for goods, points and money.

``advance`` is the only way; it never commits. Two people at one order: the second waits for the first's commit and then
meets the new state. What follows is in ``cti.store.order_effects``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cti.domain.errors import IllegalTransition, OrderChanged, OrderRefused
from cti.domain.orders import OrderStatus
from cti.machines.order import REASONED, WHO, OrderEffect, OrderEvent, next_state
from cti.store import points
from cti.store.actors import Actor, audit
from cti.store.models import Order, OrderStep, utc_now
from cti.store.order_effects import EFFECTS, Doing, Inspected, Sent, Wanted, handling

LONGEST_REASON = 255
POINTS = {OrderEffect.EARN, OrderEffect.GIVE_BACK}
"""The member's row is locked before the stock's."""


def advance(
    session: Session,
    order_id: int,
    event: OrderEvent,
    actor: Actor,
    *,
    reason: str = "",
    seen: OrderStatus | None = None,
    at: datetime | None = None,
    until: datetime | None = None,
    sent: Sent | None = None,
    wanted: Wanted | None = None,
    inspected: Inspected | None = None,
) -> Order:
    """The order, moved on by ``event``.

    ``seen``: the state that the user's page showed. ``at``: when it happened, where that was not now. ``until``: how
    long it is held. ``sent``, ``wanted``, ``inspected``: what shipping, a return, an inspection need to know.
    Raises ``NotPermitted``, ``IllegalTransition``, ``OrderChanged``, ``OrderRefused``; then the caller rolls back.
    """
    actor.must(WHO[event])
    if event in REASONED and not reason.strip():
        raise OrderRefused("no reason", why="reason")
    order = lock(session, order_id)
    if seen is not None and order.status is not seen:
        raise OrderChanged(f"{order.number} is {order.status}", number=order.number, status=order.status.value)
    before = order.status
    order.status, effects = next_state(before, event)
    if not POINTS.isdisjoint(effects):
        points.hold(session, order.customer_id)
    doing = Doing(session, order, event, actor, reason[:LONGEST_REASON], at or utc_now(), sent, wanted, inspected)
    for effect in effects:
        EFFECTS[effect](doing)
    if event is OrderEvent.HOLD or before is OrderStatus.HELD:
        note = handling(session, order)
        note.held_until, note.hold_reason = until, doing.reason if event is OrderEvent.HOLD else ""
    record(session, order, event, before, actor, doing.reason, doing.at, doing.facts)
    session.flush()
    return order


def lock(session: Session, order_id: int) -> Order:
    """The order as it is now, held by this transaction until its end, on either database."""
    held = session.execute(
        update(Order).where(Order.id == order_id).values(updated_at=utc_now()).returning(Order.id),
        execution_options={"synchronize_session": False},
    ).first()
    if held is None:
        raise OrderRefused(f"no order {order_id}", why="gone")
    return session.get_one(Order, order_id, populate_existing=True)


def record(
    session: Session,
    order: Order,
    event: str,
    before: OrderStatus,
    actor: Actor,
    reason: str,
    at: datetime,
    facts: dict[str, Any],
) -> None:
    """One line of the order's history and one of the audit."""
    session.add(
        OrderStep(
            order_id=order.id,
            at=at,
            event=event,
            before=before,
            after=order.status,
            user_id=actor.user_id,
            username=actor.username,
            reason=reason,
            facts=facts,
        )
    )
    told = {"status": order.status.value, "event": str(event)} | ({"reason": reason} if reason else {}) | facts
    audit(session, actor, "order.status", f"order/{order.id}", {"status": before.value}, told)


def may(order_status: OrderStatus, event: OrderEvent, actor: Actor) -> bool:
    """Whether a page may offer ``event``."""
    try:
        next_state(order_status, event)
    except IllegalTransition:
        return False
    return actor.can(WHO[event])
