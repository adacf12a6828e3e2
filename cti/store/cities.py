"""The places that forms offer, changed by administrators: new ones, other names, those not served. Never commits.

A code says where its place lies: 130602 in 130600 in 130000. Addresses and orders keep their own words, so nothing that
is written down changes with a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from cti.store.models.divisions import Division
from cti.store.place_keys import initials, keys
from cti.store.places import shipped

LONGEST_INITIALS, LONGEST_KEYS = 32, 255


class Wrong(StrEnum):
    """Why a place cannot be kept as asked for."""

    CODE = "code"
    TAKEN = "taken"
    ABOVE = "above"
    NAME = "name"
    LONG = "long"


class PlaceRefused(ValueError):
    def __init__(self, why: Wrong) -> None:
        super().__init__(why)
        self.why = why


def below(place: Division | None) -> ColumnElement[bool]:
    """The condition for what lies directly in ``place``; for provinces without one."""
    city, district = Division.city != "", Division.district != ""
    if place is None:
        return and_(~city, ~district)
    within = and_(Division.province == place.province, Division.code != place.code)
    if place.city:
        return and_(within, Division.city == place.city, district)
    return and_(within, or_(and_(city, ~district), and_(~city, district)))


def inside(place: Division) -> ColumnElement[bool]:
    """The condition for ``place`` and all that lies in it, however deep."""
    if place.district:
        return Division.code == place.code
    whole = Division.province == place.province
    return and_(whole, Division.city == place.city) if place.city else whole


def listed(session: Session, above: Division | None) -> Sequence[Division]:
    return session.scalars(select(Division).where(below(above)).order_by(Division.code)).all()


def above(session: Session, place: Division) -> Division | None:
    """What ``place`` lies in; nothing for a province."""
    return _above(session, place.code)


def _above(session: Session, code: str) -> Division | None:
    for upper in (f"{code[:4]}00", f"{code[:2]}0000"):
        found = session.get(Division, upper) if upper != code else None
        if found is not None:
            return found
    return None


def next_code(session: Session, upper: Division | None) -> str:
    """A free code beside those that lie in ``upper``; empty where there is none."""
    codes = [place.code for place in listed(session, upper)]
    if upper is None or upper.district:
        return ""
    step = 100 if (codes and codes[-1].endswith("00")) or (not codes and not upper.city) else 1
    wanted = int(codes[-1] if codes else upper.code) + step
    return str(wanted) if str(wanted).startswith(_beginning(upper.code)) else ""


def _beginning(code: str) -> str:
    """What the codes of all that lies in it begin with."""
    return code[:2] if code.endswith("0000") else code[:4]


def save(session: Session, code: str, name: str, postcode: str, area_code: str, letters: str = "") -> Division:
    """The place with this code, made or changed; what lies in it is found by its new name too.

    ``letters``: initials of its path where they are not those that its characters say. Raises ``PlaceRefused``.
    """
    if len(code) != 6 or not (code.isascii() and code.isdecimal()) or code[:2] == "00":
        raise PlaceRefused(Wrong.CODE)
    place = session.get(Division, code)
    upper = _above(session, code)
    if upper is None and not code.endswith("0000"):
        raise PlaceRefused(Wrong.ABOVE)
    if upper is not None and upper.district:
        raise PlaceRefused(Wrong.ABOVE)
    twin = select(Division.code).where(below(upper), Division.name == name, Division.code != code)
    if session.scalar(twin.limit(1)) is not None:
        raise PlaceRefused(Wrong.NAME)
    if place is None:
        place = Division(code=code, **_path(code, name, upper))
        session.add(place)
        _find_by(place)
    elif place.name != name:
        _rename(session, place, name)
    place.postcode, place.area_code = postcode, area_code
    if letters and letters != place.initials:
        place.initials, place.keys = letters, f" {letters}{place.keys}"
    if len(place.keys) > LONGEST_KEYS or len(place.initials) > LONGEST_INITIALS:
        raise PlaceRefused(Wrong.LONG)
    session.flush()
    return place


def _path(code: str, name: str, upper: Division | None) -> dict[str, str]:
    if upper is None:
        return {"name": name, "province": name, "city": "", "district": ""}
    if code.endswith("00"):
        return {"name": name, "province": upper.province, "city": name, "district": ""}
    return {"name": name, "province": upper.province, "city": upper.city, "district": name}


def _rename(session: Session, place: Division, name: str) -> None:
    level = "district" if place.district else "city" if place.city else "province"
    for row in session.scalars(select(Division).where(inside(place))).all():
        setattr(row, level, name)
        if row is place:
            row.name = name
        _find_by(row)
        if len(row.keys) > LONGEST_KEYS:
            raise PlaceRefused(Wrong.LONG)


def _find_by(place: Division) -> None:
    names = tuple(filter(None, (place.province, place.city, place.district)))
    place.initials, place.keys = initials(*names), keys(names)


def count_inside(session: Session, place: Division) -> int:
    return session.scalar(select(func.count()).select_from(Division).where(inside(place))) or 0


def remove(session: Session, place: Division) -> int:
    """It is offered no more, nor what lies in it; how many those were."""
    gone = count_inside(session, place)
    session.execute(delete(Division).where(inside(place)))
    return gone


def restore(session: Session, upper: Division | None = None) -> int:
    """Bring back what was shipped and is not there, of everything or of what lies in ``upper``; how many."""
    there = set(session.scalars(select(Division.code)))
    near = "" if upper is None else _beginning(upper.code)
    lost = [row for row in shipped() if row["code"] not in there and row["code"].startswith(near)]
    if lost:
        session.execute(insert(Division), lost)
    return len(lost)
