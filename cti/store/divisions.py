"""Finding a place with few keys: BJHD, 100080, 海淀, haidian. And filling the table. Must not know pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, func, insert, literal, select
from sqlalchemy.orm import Session

from cti.store.models.divisions import Division
from cti.store.places import shipped

NEAREST_POSTCODE = 3  # digits of a postcode that must fit at least: they name the postal zone
_TYPED = re.compile(r"[\s,，、;；.·'’-]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def fill(session: Session) -> int:
    """Put the shipped divisions into an empty table; how many. The caller commits."""
    if session.scalar(select(Division.code).limit(1)) is not None:
        return 0
    session.execute(insert(Division), list(shipped()))
    return len(shipped())


def find(session: Session, text: str, limit: int = 10) -> Sequence[Division]:
    """Divisions for what was typed, best first: initials or pinyin of the path, a postcode, or Chinese of the name.

    Whole matches come before beginnings, provinces before cities before districts. A postcode without a division of
    its own gives those that are nearest to it.
    """
    typed = _TYPED.sub("", text)[:64]
    if not typed:
        return []
    if typed.isdecimal() and typed.isascii():
        return _by_postcode(session, typed[:6], limit)
    if _CHINESE.search(typed):
        return _by_name(session, typed, limit)
    return _by_keys(session, typed.upper(), limit) if typed.isascii() and typed.isalpha() else []


def get(session: Session, code: str) -> Division | None:
    return session.get(Division, code) if re.fullmatch(r"\d{6}", code) else None


def _by_postcode(session: Session, digits: str, limit: int) -> Sequence[Division]:
    for length in range(len(digits), min(NEAREST_POSTCODE, len(digits)) - 1, -1):
        begins = digits[:length]
        near = Division.postcode.between(begins, begins + "9" * (6 - length))
        found = session.scalars(select(Division).where(near).order_by(Division.code)).all()
        if found:
            wanted = int(digits.ljust(6, "0"))
            return sorted(found, key=lambda row: (abs(int(row.postcode) - wanted), len(row.path), row.code))[:limit]
    return []


def _by_name(session: Session, typed: str, limit: int) -> Sequence[Division]:
    """The characters in their order, so that 北京海淀 finds 北京市海淀区; what ends with them comes first."""
    path = Division.province + Division.city + Division.district
    gaps = "%".join(_CHINESE.findall(typed))
    best = case(
        (Division.name == typed, 0),
        (Division.name.startswith(typed, autoescape=True), 1),
        (path.contains(typed, autoescape=True), 2),
        else_=3,
    )
    return _first(session, path.like(f"%{gaps}%"), best, limit)


def _by_keys(session: Session, letters: str, limit: int) -> Sequence[Division]:
    whole = Division.keys.contains(f" {letters} ", autoescape=True)
    path = Division.initials == letters
    begins = Division.keys.contains(f" {letters}", autoescape=True)
    return _first(session, begins, case((path, 0), (whole, 1), else_=2), limit)


def _first(session: Session, fits: ColumnElement[bool], best: ColumnElement[int], limit: int) -> Sequence[Division]:
    level = case((Division.district != literal(""), 3), (Division.city != literal(""), 2), else_=1)
    order = (best, level, func.length(Division.keys), Division.code)
    return session.scalars(select(Division).where(fits).order_by(*order).limit(limit)).all()
