"""Fixtures of every unit test: a call floor on the simulator, a database of either kind, a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.floor import Floor, configuration
from tests.stores import empty_url, migrated_file, migrated_template, postgres, store

__all__ = ["empty_url", "migrated_file", "migrated_template", "open_floor", "postgres", "store"]

OpenFloor = Callable[..., Awaitable[Floor]]


@pytest.fixture
async def open_floor() -> AsyncIterator[OpenFloor]:
    floors: list[Floor] = []

    async def make(agents: int = 3, switches: int = 1, **queue: Any) -> Floor:
        floor = Floor(configuration(agents, **queue), switches)
        floors.append(floor)
        await floor.open()
        return floor

    yield make
    for floor in floors:
        await floor.close()
