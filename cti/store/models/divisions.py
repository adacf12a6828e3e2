"""The country's provinces, cities and districts. Filled from ``divisions.csv``; administrators may change it."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cti.store.models.base import Base


class Division(Base):
    """``code`` has six digits: 130000 a province, 130600 a city, 130602 a district.

    ``province``, ``city``, ``district`` are the whole names of its path, empty where it does not go so deep or where
    there is no such level (districts of 北京市 have no city). ``initials`` is the path as typed (BJHD), ``keys`` what
    else it is found by, each between blanks. ``area_code`` stands at cities, with its leading zero.
    """

    __tablename__ = "divisions"
    __table_args__ = (Index(None, "postcode"),)

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    province: Mapped[str] = mapped_column(String(64))
    city: Mapped[str] = mapped_column(String(64), default="")
    district: Mapped[str] = mapped_column(String(64), default="")
    postcode: Mapped[str] = mapped_column(String(6), default="")
    area_code: Mapped[str] = mapped_column(String(5), default="")
    initials: Mapped[str] = mapped_column(String(32), default="")
    keys: Mapped[str] = mapped_column(String(255), default="")

    @property
    def path(self) -> str:
        """As on an envelope: 河北省保定市竞秀区."""
        return f"{self.province}{self.city}{self.district}"
