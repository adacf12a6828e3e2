"""Rows as documents of the API. Telephone numbers are whole only for who may see them whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cti.store.models import Call, Customer, Member, Order, PointEntry, Ticket
from cti.store.points import Period
from webui.common import phones

Document = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def number(value: str | None) -> str:
    text = value or ""
    return text if phones.may_see() else phones.mask(text)


def customer(row: Customer) -> Document:
    return {
        "id": row.id,
        "number": row.number,
        "name": row.name,
        "phones": [{"number": number(phone.number), "label": phone.label} for phone in row.phones],
        "addresses": [
            {
                "city": a.city,
                "line": a.line,
                "postcode": a.postcode,
                "recipient": a.recipient,
                "phone": number(a.phone),
                "is_default": a.is_default,
            }
            for a in row.addresses
        ],
        "email": row.email,
        "sex": str(row.sex),
        "birthday": row.birthday.isoformat() if row.birthday else None,
        "source": row.source,
        "category": row.category,
        "level": row.level,
        "remarks": row.remarks,
        "custom": dict(row.custom or {}),
        "first_entry_at": moment(row.first_entry_at),
        "updated_at": moment(row.updated_at),
    }


def order(row: Order) -> Document:
    money = ("total", "goods_total", "discount", "shipping_fee")
    plain = ("id", "number", "customer_id", "recipient", "city", "line", "postcode", "remarks")
    return (
        {name: getattr(row, name) for name in plain}
        | {name: f"{getattr(row, name):.2f}" for name in money}
        | {"status": str(row.status), "payment": str(row.payment), "delivery": str(row.delivery)}
        | {"custom": dict(row.custom or {}), "phone": number(row.phone), "created_at": moment(row.created_at)}
        | {
            "lines": [
                {
                    "product": line.product.code,
                    "name": line.product.name,
                    "quantity": line.quantity,
                    "price": f"{line.price:.2f}",
                    "amount": f"{line.amount:.2f}",
                    "kind": str(line.kind),
                }
                for line in row.lines
            ]
        }
    )


def ticket(row: Ticket) -> Document:
    plain = ("id", "name", "other", "note", "urgent", "queue_id", "tries", "order_id")
    return {name: getattr(row, name) for name in plain} | {
        "number": number(row.number),
        "custom": dict(row.custom or {}),
        "origin": str(row.origin),
        "state": str(row.state),
        "first_at": moment(row.first_at),
        "closed_at": moment(row.closed_at),
    }


def call(row: Call) -> Document:
    plain = ("id", "direction", "dnis", "queue_id", "agent_id", "cause", "rating", "rated_agent_id")
    times = ("created_at", "answered_at", "surveyed_at", "ended_at")
    return (
        {name: getattr(row, name) for name in plain}
        | {"number": number(row.number)}
        | {name: moment(getattr(row, name)) for name in times}
    )


def member(row: Member) -> Document:
    plain = ("number", "customer_id", "balance", "owed", "source")
    return {name: getattr(row, name) for name in plain} | {
        "name": row.customer.name,
        "joined_at": moment(row.joined_at),
    }


def statement(row: Member, since: datetime, until: datetime, period: Period, entries: Iterable[PointEntry]) -> Document:
    plain = ("change", "balance", "order_id", "text")
    return (
        {"member": row.number, "since": moment(since), "until": moment(until)}
        | asdict(period)
        | {
            "entries": [
                {name: getattr(one, name) for name in plain}
                | {"kind": str(one.kind), "at": moment(one.at), "expires_at": moment(one.expires_at)}
                for one in entries
            ]
        }
    )
