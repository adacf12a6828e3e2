"""What an order costs, with everything that comes by rule: computed here, for the preview as for what is saved.

``quote`` looks and changes nothing; ``place`` stores an order as quoted, promises its goods and takes its points, all
in the caller's transaction. Must not know pages, forms or who may do what: the caller says the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy.orm import Session

from cti.store import points, stock
from cti.store.models import LineKind, Order, OrderLine, Product
from cti.store.models.base import CENT
from cti.store.numbers import numbered_last
from cti.store.prices import gift_rules, gifts_by, parts_of, prices_at
from cti.store.shop import Parameters
from cti.store.stock import Level

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line as the customer wants it. ``price`` only where somebody may set it; ``redeemed``: paid with points."""

    product: Product
    quantity: int
    price: Decimal | None = None
    redeemed: bool = False


@dataclass(slots=True)
class QuoteLine:
    """``usual`` is the price of the period; ``left`` what can still be promised, ``None`` where no stock is kept."""

    product: Product
    quantity: int
    price: Decimal = NOTHING
    usual: Decimal = NOTHING
    kind: LineKind = LineKind.SALE
    points: int = 0
    left: int | None = None
    parent: QuoteLine | None = None

    @property
    def amount(self) -> Decimal:
        return (self.price * self.quantity).quantize(CENT, ROUND_HALF_UP)


@dataclass(slots=True)
class Quote:
    """``lines`` are those asked for, in their order, each followed by its parts; then gifts. ``short``: lines for which
    there is not enough stock. ``withheld``: gifts that have run out. ``problems``: fields that break a limit, each
    with the most that is possible."""

    lines: list[QuoteLine] = field(default_factory=list)
    goods_total: Decimal = NOTHING
    discount: Decimal = NOTHING
    points_amount: Decimal = NOTHING
    points_used: int = 0
    points_left: int = 0
    shipping_fee: Decimal = NOTHING
    total: Decimal = NOTHING
    short: list[QuoteLine] = field(default_factory=list)
    withheld: list[Product] = field(default_factory=list)
    problems: dict[str, Decimal | int] = field(default_factory=dict)

    def asked(self) -> list[QuoteLine]:
        """The lines of the form, in its order."""
        return [line for line in self.lines if line.kind in (LineKind.SALE, LineKind.REDEEMED)]


def quote(
    session: Session,
    wanted: Sequence[Wanted],
    parameters: Parameters,
    moment: datetime,
    *,
    role: str = "",
    customer_id: int | None = None,
    medium_id: int | None = None,
    discount: Decimal = NOTHING,
    points_for_money: int = 0,
) -> Quote:
    """The whole computation. ``role`` limits the discount; points are those of the customer."""
    made = Quote(points_left=points.balance(session, customer_id) if customer_id else 0)
    _add_wanted(session, made, wanted, moment, medium_id)
    made.goods_total = sum((line.amount for line in made.lines), NOTHING)
    _add_gifts(session, made, moment)
    _add_parts(session, made)
    _look_at_stock(session, made)
    _take_off(made, parameters, role, discount, points_for_money)
    made.shipping_fee = parameters.shipping(made.goods_total) if made.lines else NOTHING
    made.total = made.goods_total - made.discount - made.points_amount + made.shipping_fee
    return made


def place(session: Session, order: Order, made: Quote, user_id: str | None = None) -> None:
    """Store ``order`` as quoted, its goods promised, its points taken, the customer a member.

    Flushes and never commits. Raises ``OutOfStock`` and ``NotEnoughPoints``: somebody was quicker; roll back and
    quote again.
    """
    rows: dict[int, OrderLine] = {}
    for line in made.lines:
        row = OrderLine(
            product_id=line.product.id,
            quantity=line.quantity,
            price=line.price,
            amount=line.amount,
            points=line.points,
            kind=line.kind,
        )
        row.product = line.product
        row.parent = rows[id(line.parent)] if line.parent is not None else None
        rows[id(line)] = row
        order.lines.append(row)
    order.goods_total, order.discount, order.shipping_fee = made.goods_total, made.discount, made.shipping_fee
    order.points_used, order.points_amount, order.total = made.points_used, made.points_amount, made.total
    places, known = stock.warehouses(session), points.is_member(session, order.customer_id)
    with numbered_last(session, order):
        session.add(order)
        session.flush()
        points.redeem(session, order, user_id)
        stock.reserve_new(session, order.lines, places)  # from here on others wait
        if not known:
            points.ensure_member(session, order.customer_id)


# ------------------------------------------------------------ parts of the computation


def _add_wanted(
    session: Session, made: Quote, wanted: Sequence[Wanted], moment: datetime, medium_id: int | None
) -> None:
    usual = prices_at(session, [item.product for item in wanted], moment, medium_id)
    for item in wanted:
        line = QuoteLine(item.product, item.quantity, usual=usual[item.product.id])
        if item.redeemed and item.product.points_price > 0:
            line.kind, line.points = LineKind.REDEEMED, item.product.points_price * item.quantity
        else:
            line.price = line.usual if item.price is None else item.price
        made.lines.append(line)


def _add_gifts(session: Session, made: Quote, moment: datetime) -> None:
    """A gift that has run out is left out, and said."""
    due: list[QuoteLine] = []
    for rule in gift_rules(session, moment) if made.lines else ():
        sold = sum(
            line.quantity for line in made.lines if line.kind is LineKind.SALE and line.product.id == rule.product_id
        )
        count = gifts_by(rule, sold, made.goods_total)
        if count:
            due.append(QuoteLine(rule.gift, count, usual=rule.gift.price, kind=LineKind.GIFT))
    made.lines += due


def _add_parts(session: Session, made: Quote) -> None:
    parts = parts_of(session, [line.product for line in made.lines])
    whole: list[QuoteLine] = []
    for line in made.lines:
        whole.append(line)
        whole += [
            QuoteLine(part.product, part.quantity * line.quantity, kind=LineKind.PART, parent=line)
            for part in parts.get(line.product.id, ())
        ]
    made.lines = whole


def _look_at_stock(session: Session, made: Quote) -> None:
    """Hand out what is there: to the lines asked for first, in their order, to gifts with what is left."""
    left = stock.levels(session, {line.product.id for line in made.lines})
    free = {product_id: level.available for product_id, level in left.items()}
    roots = [line for line in made.lines if line.parent is None]
    for root in sorted(roots, key=lambda line: line.kind is LineKind.GIFT):
        group = [line for line in made.lines if line is root or line.parent is root]
        root.left = left.get(root.product.id, Level()).available if root.product.id in left else None
        lacking = [line for line in group if not _enough(line, free)]
        if lacking and root.kind is LineKind.GIFT:
            made.withheld.append(root.product)
            made.lines = [line for line in made.lines if line is not root and line.parent is not root]
            continue
        made.short += lacking
        for line in group:
            if _kept(line.product):
                free[line.product.id] = free.get(line.product.id, 0) - line.quantity


def _kept(product: Product) -> bool:
    return product.track_stock and not product.bundle


def _enough(line: QuoteLine, free: dict[int, int]) -> bool:
    return not _kept(line.product) or line.product.backorder or free.get(line.product.id, 0) >= line.quantity


def _take_off(made: Quote, parameters: Parameters, role: str, discount: Decimal, points_for_money: int) -> None:
    """Discount and points within their limits; what is beyond is a problem, and counts as the most possible."""
    most = parameters.most_discount(role, made.goods_total)
    if discount > most:
        made.problems["discount"] = most
    made.discount = min(max(discount, NOTHING), most)
    redeemed = sum(line.points for line in made.lines)
    if redeemed > made.points_left:
        made.problems["redeemed"] = made.points_left
    most_points = max(0, min(made.points_left - redeemed, parameters.most_points(made.goods_total - made.discount)))
    if points_for_money > most_points:
        made.problems["points"] = most_points
    given = min(max(points_for_money, 0), most_points)
    made.points_amount = min(parameters.worth(given), made.goods_total - made.discount)
    made.points_used = redeemed + given
