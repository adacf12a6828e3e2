"""Review of orders: what is wrong with one at a glance, splitting one, merging two. Nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from cti.domain.errors import OrderRefused
from cti.domain.orders import OrderStatus
from cti.machines.order import OrderEvent
from cti.store import money, stock
from cti.store.actors import Actor, audit
from cti.store.models import LineKind, Order, OrderLine, Product, ProductPrice, utc_now
from cti.store.order_effects import handling
from cti.store.orders import advance, lock, record
from cti.store.pieces import CENT, copy, roots, twin

DOUBLE_WITHIN = timedelta(days=1)
SHORTEST_PHONE = 7
LIVE = tuple(s for s in OrderStatus if s is not OrderStatus.CANCELLED)
OPEN = (OrderStatus.NEW, OrderStatus.HELD)
ADDRESS = ("recipient", "phone", "city", "line", "postcode")


class Flag(StrEnum):
    ADDRESS = "address"
    PHONE = "phone"
    DOUBLE = "double"
    PRICE = "price"


def flags(session: Session, orders: Sequence[Order]) -> dict[int, list[Flag]]:
    """What a reviewer should look at, by order id; three queries for any number of orders."""
    doubles, cheap = _doubles(session, orders), _under_list(session, orders)
    found = {}
    for order in orders:
        checks = {
            Flag.ADDRESS: not (order.recipient and order.city and order.line),
            Flag.PHONE: sum(c.isdigit() for c in order.phone) < SHORTEST_PHONE,
            Flag.DOUBLE: order.id in doubles,
            Flag.PRICE: order.id in cheap,
        }
        found[order.id] = [flag for flag, wrong in checks.items() if wrong]
    return found


def _doubles(session: Session, orders: Sequence[Order]) -> set[int]:
    customers = {order.customer_id for order in orders}
    rows = select(Order.id, Order.customer_id, Order.created_at).where(
        Order.customer_id.in_(customers), Order.status.in_(LIVE)
    )
    if orders:
        rows = rows.where(Order.created_at >= min(o.created_at for o in orders) - DOUBLE_WITHIN)
    others: dict[int, list[tuple[int, object]]] = {}
    for order_id, customer_id, created_at in session.execute(rows):
        others.setdefault(customer_id, []).append((order_id, created_at))
    return {
        order.id
        for order in orders
        if any(
            key != order.id and abs(at - order.created_at) <= DOUBLE_WITHIN  # type: ignore[operator]
            for key, at in others.get(order.customer_id, ())
        )
    }


def _under_list(session: Session, orders: Sequence[Order]) -> set[int]:
    """Orders with a line below every price that held when it was taken."""
    period = aliased(ProductPrice)
    holds = (
        (period.product_id == OrderLine.product_id)
        & (period.starts_at <= Order.created_at)
        & or_(period.ends_at.is_(None), period.ends_at > Order.created_at)
        & or_(period.medium_id.is_(None), period.medium_id == Order.medium_id)
        & (period.price <= OrderLine.price)
    )
    query = (
        select(OrderLine.order_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Product, Product.id == OrderLine.product_id)
        .outerjoin(period, holds)
        .where(
            OrderLine.order_id.in_([order.id for order in orders]),
            OrderLine.kind == LineKind.SALE,
            OrderLine.price < Product.price,
            period.id.is_(None),
        )
    )
    return set(session.scalars(query))


def readdress(session: Session, order_id: int, fields: Mapping[str, str], actor: Actor) -> Order:
    """Another address, recipient or phone number; only before the order is in the warehouse's hands."""
    actor.must("orders.review")
    order = lock(session, order_id)
    if order.status not in (*OPEN, OrderStatus.CONFIRMED):
        raise OrderRefused("under way", why="under_way")
    changed = {name: text for name, text in fields.items() if name in ADDRESS and getattr(order, name) != text}
    if not changed:
        return order
    before = {name: getattr(order, name) for name in changed}
    for name, text in changed.items():
        setattr(order, name, text)
    audit(session, actor, "order.address", f"order/{order.id}", before, dict(changed))
    record(session, order, "address", order.status, actor, "", utc_now(), {"fields": sorted(changed)})
    session.flush()
    return order


def split(
    session: Session, order_id: int, pieces: Mapping[int, int], actor: Actor, seen: OrderStatus | None = None
) -> Order:
    """``pieces`` by line become an order of their own, with their share of discount and of what was paid."""
    actor.must("orders.review")
    order = lock(session, order_id)
    chosen = {line_id: number for line_id, number in pieces.items() if number}
    present = {line.id: line.quantity for line in roots(order)}
    if order.status not in OPEN or (seen is not None and order.status is not seen):
        raise OrderRefused("not open", why="not_open")
    if not chosen or any(not 0 < n <= present.get(k, 0) for k, n in chosen.items()) or chosen == present:
        raise OrderRefused("which pieces", why="pieces")
    new = twin(order, order.agent_user_id)
    new.status, new.created_at = order.status, order.created_at
    moved = copy(order, chosen, new)
    new.goods_total = sum((line.amount for line in new.lines), Decimal(0))
    ratio = new.goods_total / order.goods_total if order.goods_total else Decimal(0)
    new.discount = (order.discount * ratio).quantize(CENT, ROUND_HALF_UP)
    new.total = new.goods_total - new.discount
    if order.total - new.total < 0 or new.total < 0:
        raise OrderRefused("discount or points are worth more than what stays", why="points")
    session.add(new)
    session.flush()
    for here, there, number in moved:
        stock.hand_over(session, here, there, number)
        shrink(session, order, here, there, number)
    order.goods_total, order.discount = order.goods_total - new.goods_total, order.discount - new.discount
    order.total -= new.total
    session.flush()
    paid_too_much = -money.account(session, order).due
    if paid_too_much > 0:
        money.move(session, order, new, min(paid_too_much, new.total), actor)
    note = handling(session, new)
    note.origin_id = order.id
    for one, other in ((order, new), (new, order)):
        record(session, one, "split", one.status, actor, "", utc_now(), {"order": other.number})
    session.flush()
    return new


def shrink(session: Session, order: Order, here: OrderLine, there: OrderLine, number: int) -> None:
    """Take off ``order`` what went elsewhere."""
    if number == here.quantity:
        order.lines.remove(here)
        return
    here.quantity -= number
    here.amount -= there.amount
    here.discount -= there.discount


def merge(session: Session, target_id: int, source_id: int, actor: Actor) -> Order:
    """The goods of ``source`` go with ``target``; ``source`` is cancelled and what was paid for it moves along."""
    actor.must("orders.review")
    if target_id == source_id:
        raise OrderRefused("one order", why="pieces")
    locked = {order_id: lock(session, order_id) for order_id in sorted((target_id, source_id))}
    target, source = locked[target_id], locked[source_id]
    if target.status is not OrderStatus.NEW or source.status is not OrderStatus.NEW:
        raise OrderRefused("not open", why="not_open")
    if any(getattr(target, name) != getattr(source, name) for name in ("customer_id", "payment", "city", "line")):
        raise OrderRefused("to another customer, address or by another payment", why="different")
    if source.points_used:
        raise OrderRefused("paid with points", why="points")
    moved = copy(source, {line.id: line.quantity for line in roots(source)}, target)
    target.goods_total += source.goods_total
    target.discount += source.discount
    target.shipping_fee += source.shipping_fee
    target.total += source.total
    session.flush()
    for here, there, number in moved:
        stock.hand_over(session, here, there, number)
    paid = money.account(session, source).received
    advance(session, source.id, OrderEvent.MERGE, actor, reason=target.number)
    if paid > 0:
        money.move(session, source, target, paid, actor)
    handling(session, source).merged_into_id = target.id
    record(session, target, "merge", target.status, actor, "", utc_now(), {"order": source.number})
    session.flush()
    return target
