"""Fixtures of every unit test: a database of either kind (``store``), empty (``empty_url``), a real PostgreSQL."""

from __future__ import annotations

from tests.stores import empty_url, postgres, store

__all__ = ["empty_url", "postgres", "store"]
