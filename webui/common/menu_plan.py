"""What administrators made of the menu: order, names, groups, pages left out. It hides links and takes no right away.

Stands in the row ``menu`` of ``settings``, a list of pages in their order. Must not know the menu itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from cti.store.models import Setting, utc_now
from webui.common.fresh import Fresh

KEY = "menu"
LOCALES = ("zh_CN", "en")


@dataclass(frozen=True)
class Place:
    """A page in the menu: ``endpoint``, ``names`` given by an administrator by locale, ``group`` or none."""

    endpoint: str
    group: str = ""
    names: dict[str, str] = field(default_factory=dict)
    shown: bool = True

    def document(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "group": self.group, "names": self.names, "shown": self.shown}


def read(session: Session) -> tuple[Place, ...]:
    row = session.get(Setting, KEY)
    kept = row.value if row is not None and isinstance(row.value, list) else []
    return tuple(place for place in map(_place, kept) if place is not None)


def _place(value: Any) -> Place | None:
    """A damaged entry is none."""
    if not isinstance(value, dict) or not isinstance(value.get("endpoint"), str):
        return None
    names = value.get("names")
    given = {k: str(names[k]) for k in LOCALES if names.get(k)} if isinstance(names, dict) else {}
    return Place(value["endpoint"], str(value.get("group") or ""), given, value.get("shown") is not False)


STORED: Fresh[tuple[Place, ...]] = Fresh("callyard_menu", read, ())


def install(app: Flask) -> None:
    STORED.install(app)


def arranged(usual: Iterable[Place], stored: Iterable[Place]) -> list[Place]:
    """``stored`` in its order without what is no page any more; pages that it does not know stand behind."""
    there = {place.endpoint: place for place in usual}
    known = [place for place in stored if place.endpoint in there]
    named = {place.endpoint for place in known}
    return [*known, *(place for endpoint, place in there.items() if endpoint not in named)]


def keep(session: Session, places: Iterable[Place], username: str) -> None:
    """The caller commits, then calls ``STORED.forget``. No places: the menu as it is shipped."""
    row = session.get(Setting, KEY)
    if row is None:
        row = Setting(key=KEY, value=[])
        session.add(row)
    row.value = [place.document() for place in places]
    row.changed_by, row.changed_at = username, utc_now()
