"""The lists that go out to files and come in from them. A feature declares its list once, with ``declare``.

A list says which columns it has and how its rows are found; one with an ``importer`` also takes rows from a file. Must
not know files, pages or threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Select
from sqlalchemy.orm import Session

from webui.common.permissions import Permission


class Cell(StrEnum):
    """What a column holds. ``PHONE`` and ``SECRET`` are masked for who may not see numbers whole, and are text."""

    TEXT = "text"
    PHONE = "phone"
    SECRET = "secret"  # noqa: S105 - a kind of column
    WHOLE = "whole"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    YES_NO = "yes_no"


@dataclass(frozen=True)
class Column:
    """``value`` gives a row's plain value. ``codes``: a code table, or kind of labels, whose words stand in the file.

    ``taken``: an import may fill it; ``read`` then checks a cell and gives the value, in place of the kind's usual way.
    """

    key: str
    title: Any
    value: Callable[[Any], Any]
    cell: Cell = Cell.TEXT
    codes: str = ""
    taken: bool = False
    required: bool = False
    limit: int = 255
    read: Callable[[Any], Any] | None = None
    also: tuple[str, ...] = ()
    """Other headings that mean this column."""


class WrongRow(Exception):
    """This row cannot be stored; the message is for the person who made the file."""


MODES = ("skip", "update", "new")
"""What to do with a row that is there already."""


class Importer(Protocol):
    """How rows of a file become rows of the list. ``values``: column's key → value, only what the file has.

    One is made for each piece of work, so that it may keep what ``find`` read for the rows at hand.
    """

    permission: Permission
    modes: tuple[str, ...]
    """Those of ``MODES`` that make sense here, the usual one first."""

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """By what the row is recognised, strongest first; empty when by nothing."""

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        """Key → the row that has it already, for all ``keys`` of ``rows`` in few queries."""

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        """Why a row whose cells are all right cannot be; empty when it can. Changes nothing."""

    def make(self, session: Session, values: Mapping[str, Any]) -> Any:
        """A new row, added to the session."""

    def made(self, row: Any) -> None:
        """Audit a row that ``make`` gave; it has its key now."""

    def change(self, session: Session, present: Any, values: Mapping[str, Any]) -> None:
        """``values`` put into a row that is there, audited."""


@dataclass(frozen=True)
class ListSpec:
    """``query`` selects one entity, narrowed by the arguments of the list's page and by what the user may see.

    ``key`` is the entity's primary key, its columns if there are several: rows go out by it, the greatest first, in
    portions.
    """

    name: str
    title: Any
    permission: Permission
    columns: Callable[[], Sequence[Column]]
    query: Callable[[Mapping[str, str]], Select[Any]]
    key: Any
    importer: Callable[[], Importer] | None = None
    home: str = ""
    """The endpoint of the list's page."""
    options: tuple[Any, ...] = field(default=())
    """Loader options of the query."""
    alone: Callable[[Mapping[str, Any]], bool] = lambda _values: False
    """Whether a file's row is a transaction of its own: it takes locks that others wait for, in their order."""

    @property
    def keys(self) -> tuple[Any, ...]:
        return self.key if isinstance(self.key, tuple) else (self.key,)


LISTS: dict[str, ListSpec] = {}


def declare(spec: ListSpec) -> None:
    LISTS[spec.name] = spec
