"""Reading members and rules. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from cti.domain.phones import normalise
from cti.store.models import Customer, CustomerPhone, Member, PointRule, RuleKind, utc_now
from cti.store.points import rules_at
from webui.common.paging import Page, page

MOST = 500


def members(session: Session, text: str, seen: ColumnElement[bool] | None, cursor: str) -> Page[Member]:
    """The members, newest first."""
    query, keys = members_like(text, seen), (Member.joined_at, Member.customer_id)
    return page(session, query, keys, cursor, lambda m: (m.joined_at, m.customer_id))


def members_like(text: str, seen: ColumnElement[bool] | None) -> Select[Member]:
    """``text`` is a member's or customer's number, a phone number or a name; empty: all."""
    query = select(Member).join(Customer, Customer.id == Member.customer_id)
    if seen is not None:
        query = query.where(seen)
    if text.lstrip("+").isdecimal() and text.isascii():
        phone = select(CustomerPhone.customer_id).where(CustomerPhone.number == normalise(text))
        number = int(text.lstrip("+")) if len(text) <= 15 else 0
        query = query.where(or_(Member.number == text, Customer.number == number, Member.customer_id.in_(phone)))
    elif text:
        query = query.where(
            or_(
                Customer.name.contains(text, autoescape=True),
                Customer.name_initials.startswith(text.upper(), autoescape=True),
            )
        )
    return query


def rules(session: Session) -> Sequence[PointRule]:
    return session.scalars(select(PointRule).order_by(PointRule.active.desc(), PointRule.id.desc()).limit(MOST)).all()


def activities(session: Session) -> Sequence[PointRule]:
    return rules_at(session, utc_now(), (RuleKind.ACTIVITY,))
