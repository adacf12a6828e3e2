"""Code tables: what administrators made of the codes that forms offer. Forms meet them through ``webui.common.labels``.

What stands in ``codes`` goes over the words the system comes with; kinds that are ``fixed`` have a meaning in the
program: they are renamed, ordered and switched off, but none is added.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, has_app_context
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cti.store.models import Base, Code
from webui.common import db, labels
from webui.common.i18n import current_locale

KEY = "callyard_codes"
FRESH = 5.0
"""Seconds after which another process's change is seen; the own process's is seen at once."""


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
    return merged(labels.LABELS.get(kind, {}), stored().get(kind, []))


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


def stored() -> dict[str, list[tuple[str, Mapping[str, str], bool]]]:
    """Rows by kind, read at most every few seconds. Without a database what was read last is used."""
    if not has_app_context() or KEY not in current_app.extensions:
        return {}
    kept: dict[str, Any] = current_app.extensions[KEY]
    if time.monotonic() - kept["at"] > FRESH:
        try:
            with current_app.extensions[db.KEY]() as session:
                kept["rows"] = read(session)
        except SQLAlchemyError:
            pass
        kept["at"] = time.monotonic()
    rows: dict[str, list[tuple[str, Mapping[str, str], bool]]] = kept["rows"]
    return rows


def read(session: Session) -> dict[str, list[tuple[str, Mapping[str, str], bool]]]:
    found: dict[str, list[tuple[str, Mapping[str, str], bool]]] = {}
    for row in session.scalars(select(Code).order_by(Code.kind, Code.order, Code.code)):
        found.setdefault(row.kind, []).append((row.code, row.names, row.active))
    return found


def forget() -> None:
    """After a change: this process reads again at the next use."""
    current_app.extensions[KEY]["at"] = float("-inf")


def install(app: Flask) -> None:
    app.extensions[KEY] = {"rows": {}, "at": float("-inf")}
    for kind in TABLES:
        labels.provide(kind, offered, word)
