"""What goes in and out of the API. Text is one line without control characters; money is text with two places."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from cti.store.models import Delivery, OrderStatus, Payment, Sex, TicketState
from webui.common.ids import LARGEST_NUMBER
from webui.common.text import many_lines, one_line

AMOUNT = r"^\d{1,7}(\.\d{1,2})?$"
NUMBER = r"^\+?[0-9]{3,31}$"
LIMIT = 200
ALL_OF_THEM = {"description": "all of them: they take the place of those that are there"}


class Text(fields.String):
    """``lines``: line ends may stay."""

    def __init__(self, most: int, *, least: int = 0, lines: bool = False, **kwargs: Any) -> None:
        self._clean = many_lines if lines else one_line
        super().__init__(validate=validate.Length(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self._clean(super()._deserialize(value, attr, data, **kwargs))


class Moment(fields.AwareDateTime):
    """A time with its zone, of this age."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        found = super()._deserialize(value, attr, data, **kwargs)
        if not 1970 < found.year < 2200:
            raise ValidationError("Not a time of this age.")
        return found.astimezone(UTC)


class Id(fields.Integer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=1, max=LARGEST_NUMBER - 1), **kwargs)


def one_of(kind: Any) -> validate.OneOf:
    return validate.OneOf([str(member) for member in kind])


def born(day: date | None) -> None:
    if day is not None and not date(1900, 1, 1) <= day <= datetime.now(UTC).date():
        raise ValidationError("Not a birthday.")


class Problem(Schema):
    type = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(metadata={"description": "by field, where fields are wrong"})


class Paging(Schema):
    cursor = fields.String(validate=validate.Length(max=200), metadata={"description": "``next`` of the page before"})
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=LIMIT))


class Phone(Schema):
    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    label = fields.String(load_default="mobile", validate=validate.OneOf(["mobile", "home", "work", "other"]))


class AddressIn(Schema):
    city = Text(128, load_default="")
    line = Text(255, least=1, required=True)
    postcode = Text(16, load_default="")
    recipient = Text(128, load_default="")
    phone = fields.String(
        load_default="", validate=validate.Regexp(rf"^$|{NUMBER}"), metadata={"description": "of the recipient"}
    )
    is_default = fields.Boolean(load_default=False)


class Own(fields.Dict):
    """Fields that administrators added, by key; ``webui.api.own`` checks and describes them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), **kwargs)


class CustomerIn(Schema):
    name = Text(128, least=1, required=True)
    phones = fields.List(fields.Nested(Phone), load_default=list, validate=validate.Length(max=10))
    addresses = fields.List(fields.Nested(AddressIn), load_default=list, validate=validate.Length(max=10))
    email = Text(254, load_default="")
    sex = fields.String(load_default="unknown", validate=one_of(Sex))
    birthday = fields.Date(load_default=None, allow_none=True, validate=born)
    source = Text(64, load_default="", metadata={"description": "a code of the code table"})
    category = Text(64, load_default="", metadata={"description": "a code of the code table"})
    level = Text(64, load_default="", metadata={"description": "a code of the code table"})
    remarks = Text(4000, lines=True, load_default="")
    custom = Own(load_default=dict)


class CustomerChange(Schema):
    name = Text(128, least=1)
    phones = fields.List(
        fields.Nested(Phone), validate=validate.Length(max=10), metadata={"description": "all of them"}
    )
    addresses = fields.List(
        fields.Nested(AddressIn), validate=validate.Length(max=10), metadata={"description": "all of them"}
    )
    email = Text(254)
    sex = fields.String(validate=one_of(Sex))
    birthday = fields.Date(allow_none=True, validate=born)
    source = Text(64)
    category = Text(64)
    level = Text(64)
    remarks = Text(4000, lines=True)
    custom = Own()


class CustomerQuery(Paging):
    phone = fields.String(validate=validate.Regexp(NUMBER))
    name = Text(64)


class CustomerOut(Schema):
    id = fields.Integer(required=True)
    number = fields.Integer(required=True)
    name = fields.String(required=True)
    phones = fields.List(fields.Dict(), required=True)
    addresses = fields.List(fields.Dict(), required=True)
    email = fields.String(required=True)
    sex = fields.String(required=True)
    birthday = fields.String(required=True, allow_none=True)
    source = fields.String(required=True)
    category = fields.String(required=True)
    level = fields.String(required=True)
    remarks = fields.String(required=True)
    custom = Own(required=True)
    first_entry_at = fields.String(required=True)
    updated_at = fields.String(required=True)


class OrderLineIn(Schema):
    product = Text(32, least=1, required=True, metadata={"description": "code of the product"})
    quantity = fields.Integer(strict=True, required=True, validate=validate.Range(min=1, max=9999))
    price = fields.String(validate=validate.Regexp(AMOUNT), metadata={"description": "only with orders.set_price"})


class OrderIn(Schema):
    customer_id = Id(required=True)
    lines = fields.List(fields.Nested(OrderLineIn), required=True, validate=validate.Length(min=1, max=50))
    recipient = Text(128, load_default="")
    phone = fields.String(validate=validate.Regexp(NUMBER))
    city = Text(128, load_default="")
    line = Text(255, least=1, required=True)
    postcode = Text(16, load_default="")
    payment = fields.String(load_default="cash_on_delivery", validate=one_of(Payment))
    delivery = fields.String(load_default="express", validate=one_of(Delivery))
    airing = Id(metadata={"description": "number of the airing that the customer saw"})
    discount = fields.String(load_default="0", validate=validate.Regexp(AMOUNT))
    remarks = Text(2000, lines=True, load_default="")
    ticket_id = fields.String(validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,40}$"))
    total = fields.String(
        validate=validate.Regexp(AMOUNT), metadata={"description": "what it must come to; nothing is saved otherwise"}
    )
    custom = Own(load_default=dict)


class OrderChange(Schema):
    custom = Own(required=True)


class OrderQuery(Paging):
    since = Moment()
    until = Moment()
    status = fields.String(validate=one_of(OrderStatus))
    customer_id = Id()


class OrderOut(Schema):
    id = fields.Integer(required=True)
    number = fields.String(required=True)
    status = fields.String(required=True)
    customer_id = fields.Integer(required=True)
    total = fields.String(required=True)
    goods_total = fields.String(required=True)
    discount = fields.String(required=True)
    shipping_fee = fields.String(required=True)
    payment = fields.String(required=True)
    delivery = fields.String(required=True)
    recipient = fields.String(required=True)
    phone = fields.String(required=True)
    city = fields.String(required=True)
    line = fields.String(required=True)
    postcode = fields.String(required=True)
    remarks = fields.String(required=True)
    created_at = fields.String(required=True)
    lines = fields.List(fields.Dict(), required=True)
    custom = Own(required=True)


class TicketIn(Schema):
    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    name = Text(128, load_default="")
    other = Text(128, load_default="")
    note = Text(1000, lines=True, load_default="")
    urgent = fields.Boolean(load_default=False)
    queue_id = fields.String(load_default="", validate=validate.Regexp(r"^[A-Za-z0-9_-]{0,40}$"))
    custom = Own(load_default=dict)


class TicketChange(Schema):
    custom = Own(required=True)


class TicketQuery(Paging):
    state = fields.String(validate=one_of(TicketState))
    number = fields.String(validate=validate.Regexp(NUMBER))


class TicketOut(Schema):
    id = fields.String(required=True)
    number = fields.String(required=True)
    name = fields.String(required=True)
    other = fields.String(required=True)
    note = fields.String(required=True)
    urgent = fields.Boolean(required=True)
    origin = fields.String(required=True)
    state = fields.String(required=True)
    queue_id = fields.String(required=True)
    tries = fields.Integer(required=True)
    first_at = fields.String(required=True)
    closed_at = fields.String(required=True, allow_none=True)
    order_id = fields.Integer(required=True, allow_none=True)
    custom = Own(required=True)


class CallQuery(Paging):
    since = Moment()
    until = Moment()
    number = fields.String(validate=validate.Regexp(NUMBER))
    direction = fields.String(validate=validate.OneOf(["inbound", "outbound", "internal"]))


class CallOut(Schema):
    id = fields.String(required=True)
    direction = fields.String(required=True)
    number = fields.String(required=True)
    dnis = fields.String(required=True)
    queue_id = fields.String(required=True)
    agent_id = fields.String(required=True)
    created_at = fields.String(required=True)
    answered_at = fields.String(required=True, allow_none=True)
    surveyed_at = fields.String(
        required=True, allow_none=True, metadata={"description": "since when the caller was asked how satisfied"}
    )
    ended_at = fields.String(required=True, allow_none=True)
    cause = fields.String(required=True)
    rating = fields.Integer(
        required=True, allow_none=True, metadata={"description": "1 very satisfied, 2 satisfied, 3 not satisfied"}
    )
    rated_agent_id = fields.String(required=True)


class MemberQuery(Paging):
    phone = fields.String(validate=validate.Regexp(NUMBER))


class MemberIn(Schema):
    name = Text(128, least=1, required=True)
    phone = fields.String(required=True, validate=validate.Regexp(NUMBER))
    email = Text(254, load_default="")
    sex = fields.String(load_default="unknown", validate=one_of(Sex))
    birthday = fields.Date(load_default=None, allow_none=True, validate=born)


class MemberOut(Schema):
    number = fields.String(required=True)
    customer_id = fields.Integer(required=True)
    name = fields.String(required=True)
    balance = fields.Integer(required=True)
    owed = fields.Integer(required=True)
    source = fields.String(required=True)
    joined_at = fields.String(required=True)


class StatementQuery(Schema):
    since = Moment()
    until = Moment()


class EntryOut(Schema):
    at = fields.String(required=True)
    kind = fields.String(required=True)
    change = fields.Integer(required=True)
    balance = fields.Integer(required=True)
    expires_at = fields.String(required=True, allow_none=True)
    order_id = fields.Integer(required=True, allow_none=True)
    text = fields.String(required=True)


class StatementOut(Schema):
    member = fields.String(required=True)
    since = fields.String(required=True)
    until = fields.String(required=True)
    opening = fields.Integer(required=True)
    earned = fields.Integer(required=True)
    spent = fields.Integer(required=True)
    closing = fields.Integer(required=True)
    entries = fields.List(fields.Nested(EntryOut), required=True)


def page_of(schema: type[Schema]) -> Schema:
    """``items``, and ``next`` for the cursor; null at the end."""
    given = {
        "items": fields.List(fields.Nested(schema), required=True),
        "next": fields.String(required=True, allow_none=True),
    }
    return Schema.from_dict(given, name=f"{schema.__name__.removesuffix('Out')}Page")()
