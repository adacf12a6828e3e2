"""The table of fields that a query may name, and the operators of each kind. Nothing else reaches the database.

A field makes a condition out of an operator and checked values; what a person typed is only ever a bound value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import ColumnElement, and_, extract, false, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from cti.domain.phones import normalise
from cti.store import custom
from cti.store.models import (
    Address,
    Customer,
    CustomerPhone,
    CustomField,
    Division,
    FieldKind,
    Member,
    Order,
    OrderLine,
    Product,
    Ticket,
)
from webui.common import db
from webui.common.fields import filters, named
from webui.common.i18n import choose_timezone
from webui.common.ids import LARGEST_NUMBER
from webui.common.labels import pairs

OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("is", "is_not", "contains", "begins", "empty", "filled"),
    "among": ("is", "contains", "begins"),
    "number": ("is", "is_not", "less", "most", "more", "least", "between"),
    "date": ("is", "before", "since", "between", "last_days", "empty", "filled"),
    "time": ("since", "before", "between", "last_days"),
    "choice": ("is", "is_not", "empty", "filled"),
    "yes_no": ("yes", "no", "empty"),
}
"""``among``: one of several, as a customer's telephone numbers."""
BARE = frozenset({"empty", "filled", "yes", "no"})
LONGEST_SPAN = 36_500


class WrongValue(ValueError):
    """The value does not fit the operator."""


@dataclass(frozen=True)
class Field:
    """``condition`` gets the operator and one or two values of the kind."""

    name: str
    title: Any
    kind: str
    condition: Callable[[str, list[Any]], ColumnElement[bool]]
    choices: Callable[[], Sequence[tuple[str, Any]]] | None = None


def build(field: Field, operator: str, value: str, second: str) -> ColumnElement[bool]:
    """The condition of a leaf. Raises ``WrongValue``."""
    if operator not in OPERATORS[field.kind]:
        raise WrongValue(operator)
    if operator in BARE:
        return field.condition(operator, [])
    texts = [value, second] if operator == "between" else [value]
    if operator == "last_days":
        return field.condition("since", [days_ago(value, whole=field.kind == "date")])
    return field.condition(operator, [READERS[field.kind](field, text.strip()) for text in texts])


def days_ago(text: str, *, whole: bool) -> Any:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= LONGEST_SPAN):
        raise WrongValue(text)
    day = datetime.now(ZoneInfo(choose_timezone())).date() - timedelta(days=int(text))
    return day if whole else moment(day)


def moment(day: date) -> datetime:
    """The day's beginning in the user's zone."""
    return datetime.combine(day, time(), ZoneInfo(choose_timezone())).astimezone(UTC)


def _read_text(_field: Field, text: str) -> str:
    if not text:
        raise WrongValue(text)
    return text


def _read_number(_field: Field, text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise WrongValue(text) from error
    if not number.is_finite() or abs(number) > Decimal(10) ** 12:
        raise WrongValue(text)
    return number


def _read_date(_field: Field, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise WrongValue(text) from error
    if not 1900 <= day.year <= 2200:
        raise WrongValue(text)
    return day


def _read_choice(field: Field, text: str) -> str:
    if field.choices is None or text not in {code for code, _words in field.choices()}:
        raise WrongValue(text)
    return text


READERS: Mapping[str, Callable[[Field, str], Any]] = {
    "text": _read_text,
    "among": _read_text,
    "number": _read_number,
    "date": _read_date,
    "time": lambda field, text: moment(_read_date(field, text)),
    "choice": _read_choice,
}


def compare(column: Any, operator: str, values: list[Any]) -> ColumnElement[bool]:
    """A plain column; a day that ends a span of times belongs to it."""
    first = values[0] if values else None
    match operator:
        case "is":
            return column == first
        case "is_not":
            return or_(column.is_(None), column != first)
        case "contains":
            return column.contains(first, autoescape=True)
        case "begins":
            return column.startswith(first, autoescape=True)
        case "less" | "before":
            return column < first
        case "most":
            return column <= first
        case "more":
            return column > first
        case "least" | "since":
            return column >= first
        case "between":
            last = values[1] + timedelta(days=1) if isinstance(values[1], datetime) else values[1]
            within = column < last if isinstance(last, datetime) else column <= last
            return and_(column >= first, within)
    raise WrongValue(operator)


def of(name: str, title: Any, kind: str, column: Any, codes: str = "") -> Field:
    """A field that is a column."""
    blank: Any = None if kind in ("date", "time") else ""

    def condition(operator: str, values: list[Any]) -> ColumnElement[bool]:
        if operator == "empty":
            return column.is_(None) if blank is None else column == blank
        if operator == "filled":
            return column.is_not(None) if blank is None else column != blank
        return compare(column, operator, values)

    return Field(name, title, kind, condition, (lambda: pairs(codes)) if codes else None)


def whole(values: list[Any]) -> list[int]:
    found = [int(value) for value in values if value == int(value) and abs(value) < LARGEST_NUMBER]
    if len(found) != len(values):
        raise WrongValue("")
    return found


def number_of(operator: str, values: list[Any]) -> ColumnElement[bool]:
    return compare(Customer.number, operator, whole(values))


def month_of_birth(operator: str, values: list[Any]) -> ColumnElement[bool]:
    return compare(extract("month", Customer.birthday), operator, whole(values))


def in_region(operator: str, values: list[Any]) -> ColumnElement[bool]:
    """By the place as it is written: 广东省 begins all of its cities and districts."""
    written = Division.province + Division.city + Division.district
    return Customer.region.in_(select(Division.code).where(compare(written, operator, values)))


def is_member(operator: str, _values: list[Any]) -> ColumnElement[bool]:
    member = Customer.id.in_(select(Member.customer_id))
    return member if operator == "yes" else ~member


def has_points(operator: str, values: list[Any]) -> ColumnElement[bool]:
    """Of members; who is none has none to compare."""
    return Customer.id.in_(select(Member.customer_id).where(compare(Member.balance, operator, whole(values))))


def has_phone(operator: str, values: list[Any]) -> ColumnElement[bool]:
    text = str(values[0])
    if operator == "is":
        wanted = CustomerPhone.number == normalise(text)
    else:
        bare = "".join(c for c in text if c.isascii() and (c.isdigit() or c == "+"))
        if not bare:
            raise WrongValue(text)
        national = bare if bare.startswith("+") else f"+86{bare.removeprefix('0')}"
        begins = or_(CustomerPhone.number.startswith(national), CustomerPhone.number.startswith(bare))
        wanted = CustomerPhone.number.contains(bare) if operator == "contains" else begins
    return Customer.id.in_(select(CustomerPhone.customer_id).where(wanted))


def has_address(column: Any) -> Callable[[str, list[Any]], ColumnElement[bool]]:
    return lambda operator, values: Customer.id.in_(
        select(Address.customer_id).where(compare(column, operator, values))
    )


def has_product(operator: str, values: list[Any]) -> ColumnElement[bool]:
    """By code, exactly or its beginning, or by what stands in the name."""
    column = Product.name if operator == "contains" else Product.code
    wanted = select(Product.id).where(compare(column, operator, values))
    return Order.id.in_(select(OrderLine.order_id).where(OrderLine.product_id.in_(wanted)))


def own_field(prefix: str, column: Any, field: CustomField) -> Field:
    kinds = {FieldKind.TEXT: "text", FieldKind.NUMBER: "number", FieldKind.DATE: "date", FieldKind.CHOICE: "choice"}
    kind = kinds.get(field.kind, "yes_no")

    def condition(operator: str, values: list[Any]) -> ColumnElement[bool]:
        item = column[field.key]
        if operator == "empty":
            return item.as_string().is_(None)
        if operator == "filled":
            return item.as_string().is_not(None)
        if operator in ("yes", "no"):
            return equals(operator == "yes")
        plain = [value.isoformat() if isinstance(value, date) else value for value in values]
        if kind == "number":
            plain = [float(value) for value in plain]
            if operator == "is":
                return equals(int(plain[0]) if plain[0].is_integer() else plain[0])
            return compare(item.as_float(), operator, plain)
        if operator == "is":
            return equals(plain[0])
        return compare(item.as_string(), operator, plain)

    def equals(value: Any) -> ColumnElement[bool]:
        """On PostgreSQL by the index of the whole document."""
        if db.session().get_bind().dialect.name == "postgresql":
            return type_coerce(column, JSONB).contains({field.key: value})
        item = column[field.key]
        if isinstance(value, bool):
            return item.as_boolean() == value
        return item.as_string() == value if isinstance(value, str) else item.as_float() == float(value)

    choices = (lambda: [(choice, choice) for choice in field.choices]) if field.kind is FieldKind.CHOICE else None
    return Field(f"{prefix}{field.key}", named(field), kind, condition, choices)


def own_conditions(subject: str, column: Any, args: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """What a list's filters by own fields ask of ``column``; a value that cannot be finds nothing."""
    made = []
    for one, value in filters(subject, args):
        field = own_field("", column, one)
        operator = {"yes_no": value, "text": "contains"}.get(field.kind, "is")
        try:
            made.append(build(field, operator, value, ""))
        except WrongValue:
            made.append(false())
    return made


def customer_fields() -> dict[str, Field]:
    """What a query may ask of a customer."""
    found = [
        of("name", _("Customer name"), "text", Customer.name),
        Field("number", _("Customer number"), "number", number_of),
        Field("phone", _("Phone number"), "among", has_phone),
        of("sex", _("Sex"), "choice", Customer.sex, "sex"),
        of("birthday", _("Birthday"), "date", Customer.birthday),
        Field("birth_month", _("Month of birth"), "number", month_of_birth),
        of("email", _("E-mail"), "text", Customer.email),
        of("source", _("Source"), "choice", Customer.source, "source"),
        of("category", _("Category"), "choice", Customer.category, "category"),
        of("level", _("Level"), "choice", Customer.level, "level"),
        Field("region", _("Region"), "among", in_region),
        Field("city", _("City"), "among", has_address(Address.city)),
        Field("line", _("Address"), "among", has_address(Address.line)),
        Field("postcode", _("Postcode"), "among", has_address(Address.postcode)),
        of("remarks", _("Remarks"), "text", Customer.remarks),
        Field("member", lazy_pgettext("yes or no", "Member"), "yes_no", is_member),
        Field("points", _("Points"), "number", has_points),
        of("first_entry_at", _("First entry"), "time", Customer.first_entry_at),
        of("updated_at", _("Last change"), "time", Customer.updated_at),
    ]
    own = [own_field("own.", Customer.custom, one) for one in custom.fields(db.session(), "customer")]
    return {field.name: field for field in [*found, *own]}


def order_fields() -> dict[str, Field]:
    """What a query may ask of an order."""
    found = [
        Field("order.product", _("Product"), "among", has_product),
        of("order.created_at", lazy_pgettext("moment", "Ordered"), "time", Order.created_at),
        of("order.total", _("Total"), "number", Order.total),
        of("order.number", _("Order number"), "text", Order.number),
        of("order.status", _("Status"), "choice", Order.status, "order_status"),
        of("order.payment", _("Payment"), "choice", Order.payment, "payment"),
        of("order.delivery", _("Delivery"), "choice", Order.delivery, "delivery"),
        of("order.city", _("City"), "text", Order.city),
        of("order.remarks", _("Remarks"), "text", Order.remarks),
    ]
    own = [own_field("order.own.", Order.custom, one) for one in custom.fields(db.session(), "order")]
    return {field.name: field for field in [*found, *own]}


def ticket_fields() -> dict[str, Field]:
    """What a query may ask of a callback ticket."""
    found = [
        of("ticket.first_at", lazy_pgettext("callback", "Since"), "time", Ticket.first_at),
        of("ticket.state", _("State"), "choice", Ticket.state, "ticket_state"),
        of("ticket.tries", lazy_pgettext("callback", "Tries"), "number", Ticket.tries),
        of("ticket.note", _("What the customer wants"), "text", Ticket.note),
    ]
    own = [own_field("ticket.own.", Ticket.custom, one) for one in custom.fields(db.session(), "ticket")]
    return {field.name: field for field in [*found, *own]}


def all_fields() -> dict[str, dict[str, Field]]:
    """Of customers under an empty name, of each of the things they have under its own."""
    return {"": customer_fields(), "orders": order_fields(), "tickets": ticket_fields()}
