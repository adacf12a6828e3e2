"""Code tables: what administrators made of the codes that forms offer. Forms meet them through ``webui.common.labels``.

What stands in ``codes`` goes over the words the system comes with; kinds that are ``fixed`` have a meaning in the
program: they are renamed, ordered and switched off, but none is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Base, Code
from webui.common import labels
from webui.common.fresh import Fresh
from webui.common.i18n import current_locale

Rows = dict[str, list[tuple[str, Mapping[str, str], bool]]]


@dataclass(frozen=True)
class Table:
    """``column`` is where the codes stand, as ``table.column``."""

    title: Any
    column: str
    fixed: bool = False


TABLES: dict[str, Table] = {
    "source": Table(_("Customer sources"), "customers.source"),
    "category": Table(_("Customer categories"), "customers.category"),
    "level": Table(_("Customer levels"), "customers.level"),
    "business_type": Table(_("Business types of calls"), "call_notes.business_type"),
    "call_type": Table(_("Call types"), "call_notes.call_type", fixed=True),
    "payment": Table(_("Payment methods"), "orders.payment", fixed=True),
    "delivery": Table(_("Delivery methods"), "orders.delivery", fixed=True),
    "medium_kind": Table(_("Kinds of media"), "media.kind", fixed=True),
    "return_reason": Table(_("Reasons of returns"), "returns.reason"),
}


@dataclass(frozen=True)
class Entry:
    """``names``: locale → words an administrator gave; ``words`` those the system comes with, if it does."""

    code: str
    names: Mapping[str, str]
    words: Any = ""
    active: bool = True

    @property
    def text(self) -> str:
        named = self.names.get(current_locale()) or str(self.words) or next(iter(self.names.values()), "")
        return named or self.code


def table(kind: str) -> list[Entry]:
    """All entries of a kind in their order, those switched off too."""
    return merged(labels.LABELS.get(kind, {}), STORED.get().get(kind, []))


def merged(shipped: Mapping[str, Any], rows: list[tuple[str, Mapping[str, str], bool]]) -> list[Entry]:
    """Rows in their order; shipped codes without a row stand behind them."""
    found = [Entry(code, names, shipped.get(code, ""), active) for code, names, active in rows]
    known = {entry.code for entry in found}
    return [*found, *(Entry(code, {}, words) for code, words in shipped.items() if code not in known)]


def offered(kind: str) -> list[tuple[str, str]]:
    """What a form offers."""
    return [(entry.code, entry.text) for entry in table(kind) if entry.active]


def word(kind: str, code: str) -> str:
    """What a code is called; empty for one that stands nowhere."""
    return next((entry.text for entry in table(kind) if entry.code == code), "")


def used(session: Session, kind: str, code: str) -> bool:
    name, _dot, field = TABLES[kind].column.partition(".")
    column = Base.metadata.tables[name].c[field]
    return session.execute(select(column).where(column == code).limit(1)).first() is not None


def read(session: Session) -> Rows:
    found: Rows = {}
    for row in session.scalars(select(Code).order_by(Code.kind, Code.order, Code.code)):
        found.setdefault(row.kind, []).append((row.code, row.names, row.active))
    return found


STORED: Fresh[Rows] = Fresh("callyard_codes", read, {})
"""Rows by kind."""
forget = STORED.forget


def install(app: Flask) -> None:
    STORED.install(app)
    for kind in TABLES:
        labels.provide(kind, offered, word)
