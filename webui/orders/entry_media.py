"""Which medium the caller saw: what there is to choose from, and what the number that was dialled says.

A value of the field is ``<medium>`` or ``<medium>.<airing>``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, object_session

from cti.store import media
from cti.store.models import Airing, Call, Medium, Order, utc_now
from webui.common.i18n import localtime

OFFERED = timedelta(days=3)
_VALUE = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?")


def choices(session: Session, chosen: str = "") -> list[tuple[str, str]]:
    """Value and words: the airings of the last days, newest first, then the media. ``chosen`` stays choosable."""
    now = utc_now()
    airings = list(media.between(session, now - OFFERED, now))
    media_rows = list(media.media(session, active=True))
    medium, airing = load(session, chosen)
    if airing is not None and airing not in airings:
        airings.append(airing)
    if medium is not None and medium not in media_rows:
        media_rows.append(medium)
    newest = sorted(airings, key=lambda row: row.starts_at, reverse=True)
    return [("", "—"), *((value(row), words(row)) for row in newest), *((str(row.id), row.name) for row in media_rows)]


def words(airing: Airing) -> str:
    return f"{airing.medium.name} · {airing.programme} · {localtime(airing.starts_at, 'MM-dd HH:mm')}"


def value(airing: Airing) -> str:
    return f"{airing.medium_id}.{airing.id}"


def seen_words(order: Order) -> str:
    """What the customer of an order saw, in words."""
    session = object_session(order)
    if session is None:
        return ""
    airing = session.get(Airing, order.airing_id) if order.airing_id else None
    medium = session.get(Medium, order.medium_id) if order.medium_id else None
    return words(airing) if airing is not None else medium.name if medium is not None else ""


def by_call(session: Session, call_id: str) -> str:
    """The airing that the number dialled belongs to, as a value of the field; empty where nothing says so."""
    call = session.get(Call, call_id) if call_id else None
    if call is None:
        return ""
    at: datetime = call.created_at
    airing = media.airing_of(session, call.dnis, at)
    return value(airing) if airing is not None else ""


def load(session: Session, text: str) -> tuple[Medium | None, Airing | None]:
    """Medium and airing of a value of the field; nothing for what is none."""
    found = _VALUE.fullmatch(text or "")
    if found is None:
        return None, None
    medium = session.get(Medium, int(found.group(1)))
    airing = session.get(Airing, int(found.group(2))) if found.group(2) else None
    if medium is None or (found.group(2) and (airing is None or airing.medium_id != medium.id)):
        return None, None
    return medium, airing


def ids(session: Session, text: str) -> tuple[int | None, int | None]:
    medium, airing = load(session, text)
    return medium.id if medium else None, airing.id if airing else None
