"""Orders out of a file: of a web shop, to be worked on, or the finished ones of an old system. A row is an order.

Recognised by our number, else by the number in the other system. New ones are computed, with stock, gifts and limits,
as those that are entered; finished ones keep the file's prices, touch no stock, and their books are closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cti.domain.orders import CreditKind, OrderStatus, ReceiptKind
from cti.store import custom, points, prices, quotes, shop
from cti.store.initials import initials
from cti.store.models import (
    Address,
    Credit,
    Customer,
    CustomerPhone,
    Delivery,
    Order,
    OrderLine,
    Payment,
    Product,
    Receipt,
    User,
    utc_now,
)
from cti.store.models.orders import IMPORTED
from webui.common import audit, scope
from webui.common.permissions import Permission
from webui.common.rights import Kind
from webui.customers.forms import changes
from webui.customers.forms import snapshot as customer_snapshot
from webui.transfers.cells import CUSTOM, WrongCell, text_of
from webui.transfers.customers import CustomerImporter
from webui.transfers.registry import WrongRow

ITEM = re.compile(r"(\S{1,32}?)(?:\s+[^;@]*?)??(?:\s*[×xX*]\s*([0-9]{1,4}))?(?:\s*@\s*([0-9]{1,8}(?:\.[0-9]{1,2})?))?")
MOST_LINES = 50
NOTHING = Decimal("0.00")
FINISHED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)
ALLOWED = (OrderStatus.NEW, *FINISHED)
PLACE = ("recipient", "phone", "city", "line", "postcode")
OPEN = (OrderStatus.NEW, OrderStatus.HELD)


@dataclass(frozen=True)
class Item:
    """``price`` empty: the usual one."""

    code: str
    quantity: int
    price: Decimal | None


def read_goods(raw: Any) -> list[Item]:
    """``A100 ×2 @ 199.00; B7``: code, quantity, price; a name behind the code is left out, as exports have it."""
    found = []
    for text in filter(None, (part.strip() for part in re.split(r"[;；\n]", text_of(raw)))):
        item = ITEM.fullmatch(text)
        if item is None or item[2] == "0":
            raise WrongCell(_("“%(text)s” is not a product with its quantity, as A100 ×2", text=text[:40]))
        found.append(Item(item[1], int(item[2] or 1), Decimal(item[3]) if item[3] else None))
    if not 0 < len(found) <= MOST_LINES:
        raise WrongCell(_("Between 1 and %(most)s products, with ; between them", most=MOST_LINES))
    return found


def promises_goods(values: Mapping[str, Any]) -> bool:
    """What is finished elsewhere touches no stock."""
    return values.get("status") not in FINISHED


class OrderImporter:
    permission = Permission.ORDERS_WRITE
    modes: tuple[str, ...] = ("skip", "update")

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._agents: dict[str, list[str]] = {}
        self._customers: dict[Any, Customer] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        number = reference(values)
        return (("number", number), ("former", number)) if number else ()

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        """Reads products, customers and agents of the rows along."""
        codes = {item.code.upper() for values in rows for item in values.get("goods") or ()}
        named = session.scalars(select(Product).where(func.upper(Product.code).in_(sorted(codes))))
        self._products = {product.code.upper(): product for product in named}
        people = [{"number": values.get("customer"), "phone": values.get("phone")} for values in rows]
        self._customers = CustomerImporter().find(session, people)
        names = {values["agent"] for values in rows if values.get("agent")}
        self._agents = {}
        for user in session.scalars(select(User).where(or_(User.username.in_(names), User.name.in_(names)))):
            for name in {user.username, user.name}:
                self._agents.setdefault(name, []).append(user.id)
        numbers = {number for values in rows if (number := reference(values))}
        tokens = [IMPORTED + number for number in numbers]
        held = select(Order).where(or_(Order.number.in_(numbers), Order.token.in_(tokens)))
        found: dict[Any, Any] = {}
        for order in session.scalars(held):
            found["number", order.number] = order
            if order.former:
                found["former", order.former] = order
        return found

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        if present is not None:
            seen = scope.may_see(present.agent_user_id, Kind.ORDERS)
            return "" if seen else _("This order belongs to somebody whose orders you may not see.")
        missing = [item.code for item in values["goods"] if item.code.upper() not in self._products]
        if missing:
            return _("There is no product %(code)s.", code=missing[0])
        return self._wrong_people(values) or self._wrong_state(session, values)

    def _wrong_people(self, values: Mapping[str, Any]) -> str:
        name = values.get("agent")
        ids = self._agents.get(name, []) if name else [current_user.id]
        if len(ids) != 1 or not scope.may_see(ids[0], Kind.ORDERS):
            return _("There is no agent “%(name)s” whose orders you may see, or more than one.", name=name)
        customer = self._customer(values)
        if customer is None and values.get("customer"):
            return _("There is no customer %(number)s.", number=values["customer"])
        if customer is None and not (values.get("name") and values.get("phone")):
            return _("A new customer needs a name and a phone number.")
        if customer is not None and not scope.may_see(customer.owner_user_id, Kind.CUSTOMERS):
            return _("This customer belongs to somebody whose customers you may not see.")
        return ""

    def _wrong_state(self, session: Session, values: Mapping[str, Any]) -> str:
        status = OrderStatus(values.get("status") or OrderStatus.NEW)
        if status not in ALLOWED:
            return _("Orders come in as new, completed or cancelled.")
        if status in FINISHED and not current_user.can(Permission.ORDERS_REVIEW):
            return _("You may not bring in orders that are finished.")
        if (values.get("created_at") or utc_now()) > utc_now():
            return _("The time is in the future.")
        if status is OrderStatus.NEW and not (values.get("line") or self._addresses(values)):
            return _("There is no address.")
        if status in FINISHED:
            goods, total = self._sums(session, values)
            return wrong_total(values, total) if total >= 0 and goods >= 0 else _("The discount is above the goods.")
        if any(item.price is not None for item in values["goods"]) and not current_user.can(
            Permission.ORDERS_SET_PRICE
        ):
            return _("You may not change prices.")
        return wrong_quote(values, self._quote(session, values))

    def make(self, session: Session, values: Mapping[str, Any]) -> Order:
        customer = self._customer(values) or self._new_customer(session, values)
        address = next(iter(customer.addresses), None)
        number = reference(values)
        order = Order(
            token=IMPORTED + number if number else None,
            customer_id=customer.id,
            agent_user_id=self._agents[values["agent"]][0] if values.get("agent") else current_user.id,
            recipient=values.get("recipient") or customer.name,
            phone=values.get("phone") or next((phone.number for phone in customer.phones), ""),
            payment=Payment(values.get("payment") or Payment.CASH_ON_DELIVERY),
            delivery=Delivery(values.get("delivery") or Delivery.EXPRESS),
            invoice_title=values.get("invoice_title") or "",
            remarks=values.get("remarks") or "",
            status=OrderStatus(values.get("status") or OrderStatus.NEW),
            created_at=values.get("created_at") or utc_now(),
            custom=own_values(values),
        )
        whole = bool(values.get("line")) or address is None
        for name in ("city", "line", "postcode"):
            setattr(order, name, (values.get(name) if whole else getattr(address, name)) or "")
        if order.status in FINISHED:
            self._close(session, order, values)
        else:
            made = self._quote(session, values)
            if why := wrong_quote(values, made):
                raise WrongRow(why)
            quotes.place(session, order, made, current_user.id)
        return order

    def made(self, row: Order) -> None:
        told = {"number": row.number, "total": str(row.total), "former": row.former, "status": str(row.status)}
        audit.record("order.create", f"order/{row.id}", None, told)

    def change(self, session: Session, present: Order, values: Mapping[str, Any]) -> None:
        """Remarks, invoice and own fields; where it goes as long as nobody has reviewed it."""
        before = document(present)
        names = ("remarks", "invoice_title", *(PLACE if present.status in OPEN else ()))
        for name in names:
            if values.get(name):
                setattr(present, name, values[name])
        present.custom = custom.taken(present.custom, own_values(values))
        told = changes(before, document(present))
        if told[1]:
            audit.record("order.change", f"order/{present.id}", *told)

    # ------------------------------------------------------------ pieces of the above

    def _customer(self, values: Mapping[str, Any]) -> Customer | None:
        if values.get("customer"):
            return self._customers.get(("number", values["customer"]))
        return self._customers.get(("phone", values.get("phone")))

    def _addresses(self, values: Mapping[str, Any]) -> Sequence[Address]:
        customer = self._customer(values)
        return customer.addresses if customer is not None else ()

    def _new_customer(self, session: Session, values: Mapping[str, Any]) -> Customer:
        customer = Customer(name=values["name"], name_initials=initials(values["name"]), owner_user_id=current_user.id)
        customer.phones.append(CustomerPhone(number=values["phone"], label="mobile"))
        if values.get("line"):
            parts = {name: values.get(name) or "" for name in ("city", "line", "postcode")}
            customer.addresses.append(Address(is_default=True, **parts))
        session.add(customer)
        session.flush()
        audit.record("customer.create", f"customer/{customer.id}", None, customer_snapshot(customer))
        self._customers["phone", values["phone"]] = customer
        return customer

    def _quote(self, session: Session, values: Mapping[str, Any]) -> quotes.Quote:
        wanted = [
            quotes.Wanted(self._products[item.code.upper()], item.quantity, item.price) for item in values["goods"]
        ]
        parameters, role = shop.parameters(session), str(current_user.role)
        discount = values.get("discount") or NOTHING
        return quotes.quote(session, wanted, parameters, utc_now(), role=role, discount=discount)

    def _priced(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Item, Product, Decimal]]:
        items = [(item, self._products[item.code.upper()]) for item in values["goods"]]
        at = values.get("created_at") or utc_now()
        bare = [product for item, product in items if item.price is None]
        usual = prices.prices_at(session, bare, at, None) if bare else {}
        return [(item, product, usual[product.id] if item.price is None else item.price) for item, product in items]

    def _sums(self, session: Session, values: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
        goods = sum((price * item.quantity for item, _product, price in self._priced(session, values)), NOTHING)
        left = goods - (values.get("discount") or NOTHING)
        return left, left + (values.get("shipping_fee") or NOTHING)

    def _close(self, session: Session, order: Order, values: Mapping[str, Any]) -> None:
        """A finished order: paid in full, or taken off the bill in full."""
        for item, product, price in self._priced(session, values):
            amount = price * item.quantity
            order.lines.append(OrderLine(product_id=product.id, quantity=item.quantity, price=price, amount=amount))
        order.discount, order.shipping_fee = values.get("discount") or NOTHING, values.get("shipping_fee") or NOTHING
        order.goods_total = sum((line.amount for line in order.lines), NOTHING)
        order.total = order.goods_total - order.discount + order.shipping_fee
        session.add(order)
        session.flush()
        points.ensure_member(session, order.customer_id)
        facts = {"order_id": order.id, "amount": order.total, "at": order.created_at}
        if order.total and order.status is OrderStatus.COMPLETED:
            reference = (order.former or order.number)[:128]
            paid = Receipt(kind=ReceiptKind.PAYMENT, reference=reference, user_id=current_user.id, **facts)
            session.add(paid)
        elif order.total:
            session.add(Credit(kind=CreditKind.CANCELLED, **facts))


def reference(values: Mapping[str, Any]) -> str:
    return str(values.get("former") or values.get("number") or "")


def own_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(CUSTOM): value for key, value in values.items() if key.startswith(CUSTOM) and value is not None
    }


def document(order: Order) -> dict[str, Any]:
    plain = {name: getattr(order, name) for name in ("remarks", "invoice_title", *PLACE)}
    return plain | {"custom": dict(order.custom or {})}


def wrong_total(values: Mapping[str, Any], total: Decimal) -> str:
    said = values.get("total")
    if said is None or said == total:
        return ""
    return _("It comes to %(now)s, the file says %(said)s.", now=f"{total:.2f}", said=f"{said:.2f}")


def wrong_quote(values: Mapping[str, Any], made: quotes.Quote) -> str:
    if made.short:
        line = made.short[0]
        return _("%(product)s: only %(count)s left.", product=line.product.code, count=max(0, line.left or 0))
    if "discount" in made.problems:
        return _("The discount may be at most %(amount)s.", amount=f"{made.problems['discount']:.2f}")
    return wrong_total(values, made.total)
