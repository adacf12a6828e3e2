"""Two customers that are one: what pointed at the one that goes points at the one that stays, and comes back again.

Nothing is deleted. Every table with a foreign key to customers takes part by itself; a row that would stand twice with
the winner (the same phone number) stays with the loser. What is kept by customer only, as memberships are, has a
``Keeper``. Own fields of the winner stay; those that are empty are filled with the loser's. Who calls has checked that
the user may; the caller commits and audits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint, and_, exists, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.store import regions
from cti.store.initials import initials
from cti.store.merge_points import PointsKeeper
from cti.store.models.base import Base, utc_now
from cti.store.models.customers import Address, Customer, Sex
from cti.store.models.merges import CustomerMerge
from cti.store.rows import changed

FIELDS = ("name", "sex", "birthday", "id_number", "email", "source", "category", "level", "remarks")
CUSTOM = "custom"
"""The key of own fields in what a merge remembers."""
OWN = ("customer_keys", "customer_merges", "customers")  # tables that this module and the index keep themselves
CHUNK = 500


class MergeRefused(CallyardError):
    """These customers cannot be merged, or parted, now; ``why`` is ``same``, ``gone``, ``undone`` or ``further``."""

    code = "merge.refused"


class Keeper(Protocol):
    """Something of which a customer has at most one."""

    name: str

    def merge(self, session: Session, winner: int, loser: int, user_id: str | None) -> Any:
        """Put the loser's to the winner's. Returns what ``part`` needs, fit for JSON; nothing: nothing was done."""

    def part(self, session: Session, winner: int, loser: int, memo: Any, user_id: str | None) -> None:
        """Undo it as far as it can be."""


KEEPERS: tuple[Keeper, ...] = (PointsKeeper(),)


def merge(
    session: Session, winner_id: int, loser_id: int, take: Collection[str] = (), user_id: str | None = None
) -> CustomerMerge:
    """Make ``loser_id`` a part of ``winner_id``; fields named in ``take`` are the loser's from now on."""
    if winner_id == loser_id:
        raise MergeRefused("a customer cannot be merged with itself", why="same")
    _hold(session, winner_id, loser_id)
    winner, loser = _fresh(session, winner_id), _fresh(session, loser_id)
    made = CustomerMerge(winner_id=winner_id, loser_id=loser_id, user_id=user_id)
    wanted = [field for field in FIELDS if field in take]
    made.before, made.after = _plain(winner, wanted), _plain(loser, wanted)
    _put(winner, made.after)
    _fill_own(made, winner, loser)
    moved = {_label(column): rows for column in pointing() if (rows := _move(session, column, loser_id, winner_id))}
    moved |= _single_default(session, winner_id, moved.get("addresses.customer_id", []))
    for keeper in KEEPERS:
        if memo := keeper.merge(session, winner_id, loser_id, user_id):
            moved[f"keeper.{keeper.name}"] = [memo]
    made.moved = moved
    loser.merged_into_id = winner_id
    session.add(made)
    _settle(session, winner)
    session.flush()
    return made


def undo(session: Session, merge_id: int, user_id: str | None = None) -> CustomerMerge:
    """Part them again: what came from the loser goes back, what came since stays, chosen fields become what they were.

    A field that was changed since the merge keeps its change.
    """
    made = session.get(CustomerMerge, merge_id)
    if made is None:
        raise MergeRefused("there is no such merge", why="gone")
    marked = update(CustomerMerge).where(CustomerMerge.id == merge_id, CustomerMerge.undone_at.is_(None))
    if changed(session, marked.values(undone_at=utc_now(), undone_by=user_id)) != 1:
        raise MergeRefused("it was undone already", why="undone")
    _hold(session, made.winner_id)
    session.refresh(made)
    winner, loser = _fresh(session, made.winner_id), _fresh(session, made.loser_id)
    for keeper in KEEPERS:
        for memo in made.moved.get(f"keeper.{keeper.name}", ()):
            keeper.part(session, winner.id, loser.id, memo, user_id)
    for column in pointing():
        _move_back(session, column, made.moved.get(_label(column), []), winner.id, loser.id)
    for ids in _chunks(made.moved.get("addresses.is_default", [])):
        session.execute(update(Address).where(Address.id.in_(ids)).values(is_default=True))
    now = _plain(winner, made.before)
    _put(winner, {field: value for field, value in made.before.items() if now[field] == made.after[field]})
    came = made.after.get(CUSTOM, {})
    winner.custom = {key: value for key, value in winner.custom.items() if key not in came or came[key] != value}
    loser.merged_into_id = None
    for customer in (winner, loser):
        _settle(session, customer)
    session.flush()
    return made


def current_id(session: Session, customer_id: int) -> int:
    """Who a customer is by now, after all merges."""
    seen = {customer_id}
    while True:
        above = session.scalar(select(Customer.merged_into_id).where(Customer.id == customer_id))
        if above is None or above in seen:
            return customer_id
        seen.add(above)
        customer_id = above


def family(session: Session, customer_id: int) -> list[int]:
    """The customer and everybody who was merged into it, also by way of others."""
    found, waiting = [customer_id], [customer_id]
    while waiting:
        below = session.scalars(select(Customer.id).where(Customer.merged_into_id.in_(waiting))).all()
        waiting = [id for id in below if id not in found]
        found += waiting
    return found


def pointing() -> list[Column[Any]]:
    """Columns with a foreign key to customers whose rows can be moved, each table's own."""
    found = []
    for table in Base.metadata.sorted_tables:
        if table.name in OWN:
            continue
        for constraint in table.foreign_key_constraints:
            column = _to_customers(constraint)
            if column is not None and not column.primary_key and len(table.primary_key.columns) == 1:
                found.append(column)
    return sorted(found, key=_label)


def _to_customers(constraint: ForeignKeyConstraint) -> Column[Any] | None:
    element = constraint.elements[0]
    return element.parent if element.target_fullname == "customers.id" else None


def _label(column: Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"


def _hold(session: Session, *ids: int) -> None:
    """Lock the customers, always in one order, and see that none was merged away meanwhile."""
    for id in sorted(ids):
        free = update(Customer).where(Customer.id == id, Customer.merged_into_id.is_(None))
        if changed(session, free.values(updated_at=utc_now())) != 1:
            why = "further" if session.get(Customer, id) else "gone"
            raise MergeRefused("this customer was merged meanwhile", why=why)


def _fresh(session: Session, id: int) -> Customer:
    return session.get_one(Customer, id, populate_existing=True)


def _move(session: Session, column: Column[Any], loser: int, winner: int) -> list[Any]:
    """Point the loser's rows at the winner but those that the winner has already; the keys of those moved."""
    table, key = column.table, _key(column.table)
    query = select(key).where(column == loser)
    for others in _unique_with(table, column):
        twin = table.alias()
        same = and_(*(twin.c[other.name] == other for other in others))
        query = query.where(~exists().where(twin.c[column.name] == winner, same))
    keys = list(session.scalars(query))
    for some in _chunks(keys):
        session.execute(update(table).where(key.in_(some)).values({column.name: winner}))
    return keys


def _move_back(session: Session, column: Column[Any], keys: Sequence[Any], winner: int, loser: int) -> None:
    key = _key(column.table)
    for some in _chunks(keys):
        session.execute(update(column.table).where(key.in_(some), column == winner).values({column.name: loser}))


def _key(table: Table | Any) -> Column[Any]:
    column: Column[Any] = next(iter(table.primary_key.columns))
    return column


def _unique_with(table: Table | Any, column: Column[Any]) -> list[list[Column[Any]]]:
    """The other columns of each unique key that the column is part of."""
    keys = [list(index.columns) for index in table.indexes if index.unique]
    keys += [list(rule.columns) for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    return [[other for other in columns if other is not column] for columns in keys if column in columns]


def _single_default(session: Session, winner: int, came: Sequence[Any]) -> dict[str, list[Any]]:
    """The winner's own default address stays the only one; those that lost the mark, for ``undo``."""
    own = select(Address.id).where(Address.customer_id == winner, Address.is_default, Address.id.not_in(came or [0]))
    if not came or session.scalar(own.limit(1)) is None:
        return {}
    marked = list(session.scalars(select(Address.id).where(Address.id.in_(came), Address.is_default)))
    session.execute(update(Address).where(Address.id.in_(marked)).values(is_default=False))
    return {"addresses.is_default": marked} if marked else {}


def _settle(session: Session, customer: Customer) -> None:
    session.flush()
    session.expire(customer, ["phones", "addresses"])
    regions.settle(customer)


def _plain(customer: Customer, fields: Iterable[str]) -> dict[str, Any]:
    found = {field: getattr(customer, field) for field in fields}
    return {name: value.isoformat() if isinstance(value, date) else _code(value) for name, value in found.items()}


def _fill_own(made: CustomerMerge, winner: Customer, loser: Customer) -> None:
    """What the loser's own fields say and the winner's do not; said in ``after``, so that ``undo`` takes it out."""
    came = {key: value for key, value in (loser.custom or {}).items() if key not in (winner.custom or {})}
    if came:
        winner.custom = {**(winner.custom or {}), **came}
        made.after = {**made.after, CUSTOM: came}


def _code(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _put(customer: Customer, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "birthday":
            value = date.fromisoformat(value) if value else None
        setattr(customer, name, Sex(value) if name == "sex" else value)
    customer.name_initials = initials(customer.name)


def _chunks(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (keys[at : at + CHUNK] for at in range(0, len(keys), CHUNK))
