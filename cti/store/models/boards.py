"""Voice boards and what each of their lines is for. The channels themselves are told by the board, not kept here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import ID_LENGTH, Base


class VoiceBoard(Base):
    """``name`` is the switch's, or ``dahdi-<switch>`` for the DAHDI boards of an Asterisk, whose ``spans`` are
    documents of ``cti.domain.dahdi``. ``hunt``: how a free outside line is looked for, ``first``, ``round`` or
    ``random``."""

    __tablename__ = "boards"

    name: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    hunt: Mapped[str] = mapped_column(String(16), default="round")
    spans: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    lines: Mapped[list[BoardLine]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="BoardLine.line"
    )


class BoardLine(Base):
    """``dialed``: the number that callers on this outside line have dialled; ``trunk``: the trunk it belongs to;
    ``device``: whose telephone is on this extension. ``blocked``: it takes and makes no calls."""

    __tablename__ = "board_lines"

    board: Mapped[str] = mapped_column(ForeignKey("boards.name", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    dialed: Mapped[str] = mapped_column(String(32), default="")
    trunk: Mapped[str] = mapped_column(String(ID_LENGTH), default="")
    device: Mapped[str] = mapped_column(String(ID_LENGTH), default="")
    blocked: Mapped[bool] = mapped_column(default=False)
