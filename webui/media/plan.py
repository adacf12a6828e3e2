"""An airing plan as a table of text: pasted from a spreadsheet, or a CSV file. Rows that are wrong say why."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from cti.store import media
from cti.store.models import Airing, Medium, Product
from webui.common.i18n import localtime
from webui.media.forms import AiringForm

COLUMNS = 7  # from, until, medium, number, programme, products, cost
MOST = 2000
TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True)
class Refused:
    line: int
    text: str
    why: str


def decode(data: bytes) -> str:
    """A file as spreadsheets here write them: UTF-8, else GB 18030."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def rows(text: str) -> list[tuple[int, list[str]]]:
    """Numbered rows without the empty ones and the heading; the separator is the one that the first row has most of."""
    text = text.replace("\x00", "")
    first = text.lstrip().split("\n", 1)[0]
    separator = max("\t;,", key=first.count)
    found = []
    for line, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1):
        values = [cell.strip() for cell in cells]
        if any(values) and (found or moment(values[0]) is not None or line > 1):
            found.append((line, values))
    return found


def moment(text: str) -> datetime | None:
    for form in TIMES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - in the user's zone, as in the form
        except ValueError:
            continue
    return None


def take(session: Session, text: str) -> tuple[int, list[Refused]]:
    """Save what is right, each row by itself. The caller commits, or rolls back what was only tried."""
    try:
        given = rows(text)
    except csv.Error as error:
        return 0, [Refused(0, "", str(error))]
    if len(given) > MOST:
        return 0, [Refused(MOST, "", _("At most %(count)s rows at once.", count=MOST))]
    media.lock(session)
    names = {medium.name: medium.id for medium in session.scalars(select(Medium))}
    refused, saved = [], 0
    for line, values in given:
        why = one(session, values, names)
        if why:
            refused.append(Refused(line, " | ".join(values)[:200], why))
        else:
            saved += 1
    return saved, refused


def one(session: Session, values: list[str], names: dict[str, int]) -> str:
    """Save one row; why not, else empty."""
    if len(values) < 5:
        return _("Seven columns are wanted: from, until, medium, number, programme, products, cost.")
    starts, ends, medium, dnis, programme, products, cost = (*values, "", "")[:COLUMNS]
    begin, end = moment(starts), moment(ends)
    if begin is None or end is None:
        return _("A time is written as 2026-11-21 20:30.")
    if medium not in names:
        return _("There is no medium of this name.")
    form = AiringForm(
        MultiDict(
            {
                "medium": str(names[medium]),
                "programme": programme,
                "dnis": dnis,
                "starts_at": begin.isoformat(),
                "ends_at": end.isoformat(),
                "products": products,
                "cost": cost or "0",
            }
        ),
        meta={"csrf": False},
    )
    form.medium.choices = [(str(names[medium]), medium)]
    if not form.validate():
        return " ".join(str(text) for errors in form.errors.values() for text in errors)
    airing = Airing(products=[])
    why = fill(session, form, airing)
    if why:
        return why
    try:
        with session.begin_nested():
            media.save(session, airing)
    except media.AiringsOverlap as error:
        return overlap_words(error)
    return ""


def fill(session: Session, form: AiringForm, airing: Airing) -> str:
    """The form's values into ``airing``; which product there is not, else empty."""
    wanted = {code.upper(): code for code in form.codes()}
    with session.no_autoflush:
        products = session.scalars(select(Product).where(func.upper(Product.code).in_(list(wanted)))).all()
    missing = wanted.keys() - {product.code.upper() for product in products}
    if missing:
        return _("There is no product %(code)s.", code=wanted[min(missing)])
    form.apply(airing)
    airing.products = list(products)
    return ""


def overlap_words(error: media.AiringsOverlap) -> str:
    return _(
        "%(programme)s (airing %(number)s, from %(time)s) is on %(dnis)s at that time already.",
        programme=error.params["programme"],
        number=error.params["number"],
        dnis=error.params["dnis"],
        time=localtime(datetime.fromisoformat(str(error.params["starts_at"])), "MM-dd HH:mm"),
    )
