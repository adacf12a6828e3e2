"""How many customers there are: by place, sex and age, and how they became more. Those merged away do not count.

Days are those of the centre's zone. PostgreSQL is given where they begin; SQLite gives minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import ARRAY, ColumnElement, DateTime, case, cast, func, literal_column, select
from sqlalchemy.orm import Session

from cti.store.locations import path_of
from cti.store.models import Customer, Sex

AGES = (18, 25, 35, 45, 55, 65, 75)  # where a band begins; the first ends before it
UNKNOWN = ""
LEVELS = {0: 2, 2: 4, 4: 6}  # digits of a division's code: of the whole country, of a province, of a city
MOST = 400  # steps of a growth chart


class Step(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def living() -> ColumnElement[bool]:
    return Customer.merged_into_id.is_(None)


def by_region(session: Session, within: str = "") -> list[tuple[str, str, int]]:
    """(code, name, count) of the provinces, or of the divisions in ``within`` (two or four digits); most first.

    Districts that are under no city stand among the cities. An empty code: not known any closer.
    """
    query = select(Customer.region, func.count()).where(living()).group_by(Customer.region)
    if within:
        query = query.where(Customer.region.between(within, within + "~"))
    counted: Counter[str] = Counter()
    for code, count in session.execute(query):
        counted[_below(code, within)] += count
    above = path_of(within.ljust(6, "0")) or path_of(within[:2].ljust(6, "0"))
    rows = [(code, path_of(code).removeprefix(above) or code, count) for code, count in counted.items()]
    return sorted(rows, key=lambda row: (row[0] == UNKNOWN, -row[2], row[0]))


def _below(code: str, within: str) -> str:
    """The division next below ``within`` that ``code`` is or lies in."""
    upper = code[: LEVELS[len(within)]].ljust(6, "0") if code else UNKNOWN
    found = upper if path_of(upper) else code
    return UNKNOWN if found == within.ljust(6, "0") else found


def by_sex(session: Session) -> dict[Sex, int]:
    query = select(Customer.sex, func.count()).where(living()).group_by(Customer.sex)
    counted = {Sex.FEMALE: 0, Sex.MALE: 0, Sex.UNKNOWN: 0}
    for sex, count in session.execute(query):
        counted[sex] = count
    return counted


def by_age(session: Session, today: date) -> list[tuple[str, int]]:
    """(band, count): ``-17``, ``18-24`` … ``75-``, and those whose birthday is not known under an empty band."""
    begins = [years_before(today, age) for age in AGES]
    band = case(
        (Customer.birthday.is_(None), -1),
        *((Customer.birthday <= begin, at + 1) for at, begin in reversed(list(enumerate(begins)))),
        else_=0,
    )
    counted: Counter[int] = Counter()
    for at, count in session.execute(select(band, func.count()).where(living()).group_by(band)):
        counted[at] = count
    edges = ["", *map(str, AGES)]
    ends = [*(str(age - 1) for age in AGES), ""]
    bands = [(f"{begin}-{end}", counted[at]) for at, (begin, end) in enumerate(zip(edges, ends, strict=True))]
    return [*bands, (UNKNOWN, counted[-1])]


def years_before(day: date, years: int) -> date:
    """The birthday of somebody who becomes ``years`` on ``day``; on the 29th of February the 1st of March counts."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1) - timedelta(days=1)


def growth(session: Session, step: Step, first: date, last: date, zone: tzinfo) -> list[tuple[date, int]]:
    """(beginning of the step, new customers) from ``first`` to ``last``, with steps that had none."""
    begin, end = begin_of(step, first), next_of(step, last)
    days = [begin]
    while days[-1] < end and len(days) <= MOST:
        days.append(next_of(step, days[-1]))
    counted = _counted(session, step, days, zone)
    return [(day, counted[day]) for day in days[:-1]]


def before(session: Session, day: date, zone: tzinfo) -> int:
    """How many there were when ``day`` began."""
    moment = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    return (
        session.scalar(select(func.count()).select_from(Customer).where(living(), Customer.first_entry_at < moment))
        or 0
    )


def begin_of(step: Step, day: date) -> date:
    if step is Step.DAY:
        return day
    return day.replace(day=1) if step is Step.MONTH else day.replace(month=1, day=1)


def next_of(step: Step, day: date) -> date:
    """The beginning of the step after that of ``day``."""
    if step is Step.DAY:
        return day + timedelta(days=1)
    if step is Step.YEAR:
        return date(day.year + 1, 1, 1)
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _counted(session: Session, step: Step, days: Sequence[date], zone: tzinfo) -> Counter[date]:
    """New customers by the beginning of the step, of those that begin with ``days``; the last only ends."""
    made = Customer.first_entry_at
    begins = [datetime.combine(day, datetime.min.time(), zone).astimezone(UTC) for day in days]
    inside = (living(), made >= begins[0], made < begins[-1])
    counted: Counter[date] = Counter()
    if session.get_bind().dialect.name == "postgresql":
        place = func.width_bucket(made, cast(begins, ARRAY(DateTime(timezone=True)))).label("place")
        for number, count in session.execute(select(place, func.count()).where(*inside).group_by(place)):
            counted[days[number - 1]] = count
        return counted
    minute = func.substr(literal_column("customers.first_entry_at"), 1, 16)
    for text, count in session.execute(select(minute, func.count()).where(*inside).group_by(minute)):
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone)
        counted[begin_of(step, moment.date())] += count
    return counted
