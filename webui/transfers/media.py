"""Media and airings out of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import media
from cti.store.models import Airing, Medium, MediumKind, Product
from webui.common import audit
from webui.common.permissions import Permission
from webui.customers.forms import changes
from webui.media.forms import LONGEST_HOURS, NUMBER, plain_number, split_codes
from webui.media.plan import overlap_words
from webui.transfers.goods import media_by_name, products_of
from webui.transfers.registry import WrongRow


class MediumImporter:
    permission = Permission.MEDIA_WRITE
    modes: tuple[str, ...] = ("skip", "update")

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (values["name"],)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        names = [values["name"] for values in rows]
        return {medium.name: medium for medium in session.scalars(select(Medium).where(Medium.name.in_(names)))}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Medium:
        medium = Medium(name=values["name"])
        session.add(medium)
        fill_medium(medium, values)
        return medium

    def made(self, row: Medium) -> None:
        audit.record("medium.create", f"medium/{row.id}", None, medium_document(row))

    def change(self, session: Session, present: Medium, values: Mapping[str, Any]) -> None:
        before = medium_document(present)
        fill_medium(present, values)
        told = changes(before, medium_document(present))
        if told[1]:
            audit.record("medium.change", f"medium/{present.id}", *told)


def fill_medium(medium: Medium, values: Mapping[str, Any]) -> None:
    for name in ("remarks", "active"):
        if values.get(name) is not None:
            setattr(medium, name, values[name])
    if values.get("kind"):
        medium.kind = MediumKind(values["kind"])


def medium_document(medium: Medium) -> dict[str, Any]:
    return {"name": medium.name, "kind": str(medium.kind or ""), "remarks": medium.remarks, "active": medium.active}


class AiringImporter:
    """Recognised by its number, else by the number shown and the beginning."""

    permission = Permission.MEDIA_WRITE
    modes: tuple[str, ...] = ("skip", "update")

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._media: dict[str, int] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        place = ("place", plain_number(values["dnis"]), values["starts_at"])
        return (("number", values["number"]), place) if values.get("number") else (place,)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        self._media = media_by_name(session)
        codes = [{"code": code} for values in rows for code in split_codes(values.get("products") or "")]
        self._products = products_of(session, codes)
        found: dict[Any, Any] = {}
        times, numbers = {values["starts_at"] for values in rows}, {values.get("number") for values in rows} - {None}
        for airing in session.scalars(select(Airing).where(Airing.starts_at.in_(times))):
            found["place", airing.dnis, airing.starts_at] = airing
        for airing in session.scalars(select(Airing).where(Airing.number.in_(numbers))):
            found["number", airing.number] = airing
        return found

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        if str(values["medium"]).lower() not in self._media:
            return _("There is no medium “%(name)s”.", name=values["medium"])
        if not NUMBER.fullmatch(plain_number(values["dnis"])):
            return _("This is not a service number.")
        if not timedelta() < values["ends_at"] - values["starts_at"] <= timedelta(hours=LONGEST_HOURS):
            return _("The end must come after the beginning, within a day.")
        missing = [c for c in split_codes(values.get("products") or "") if c.upper() not in self._products]
        return _("There is no product %(code)s.", code=missing[0]) if missing else ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Airing:
        airing = Airing(products=[], cost=Decimal(0))
        self._fill(session, airing, values)
        return airing

    def made(self, row: Airing) -> None:
        audit.record("airing.create", f"airing/{row.id}", None, airing_document(row))

    def change(self, session: Session, present: Airing, values: Mapping[str, Any]) -> None:
        before = airing_document(present)
        self._fill(session, present, values)
        told = changes(before, airing_document(present))
        if told[1]:
            audit.record("airing.change", f"airing/{present.id}", *told)

    def _fill(self, session: Session, airing: Airing, values: Mapping[str, Any]) -> None:
        with session.no_autoflush:
            airing.medium_id, airing.programme = self._media[str(values["medium"]).lower()], values["programme"]
            airing.dnis = plain_number(values["dnis"])
            airing.starts_at, airing.ends_at = values["starts_at"], values["ends_at"]
            airing.cost = airing.cost if values.get("cost") is None else values["cost"]
            airing.remarks = values.get("remarks") or airing.remarks or ""
            if values.get("products"):
                airing.products = [self._products[code.upper()] for code in split_codes(values["products"])]
        try:
            media.save(session, airing)
        except media.AiringsOverlap as error:
            raise WrongRow(overlap_words(error)) from error


def airing_document(airing: Airing) -> dict[str, Any]:
    names = ("medium_id", "programme", "dnis", "starts_at", "ends_at", "cost", "remarks")
    return {name: str(getattr(airing, name)) for name in names} | {"products": [p.code for p in airing.products]}
