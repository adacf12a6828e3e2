"""Departments and what roles may do beyond what they are made for. Must not know permissions by name.

What a single user may do more or less stands with the user (``User.rights``, ``User.scopes``).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cti.store.models.base import Base, BigId, enum_type
from cti.store.models.people import Role


class Department(Base):
    """A part of the centre, below ``parent_id`` or at the top; siblings stand by ``order``, then by name."""

    __tablename__ = "departments"
    __table_args__ = (Index(None, "parent_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    name: Mapped[str] = mapped_column(String(64))
    order: Mapped[int] = mapped_column("position", default=0)


class RoleRights(Base):
    """``rights``: permission → given or taken away. ``scopes``: kind of data → ``own``, ``group`` or ``all``."""

    __tablename__ = "role_rights"

    role: Mapped[Role] = mapped_column(enum_type(Role), primary_key=True)
    rights: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    scopes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
