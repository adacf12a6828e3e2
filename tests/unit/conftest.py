from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.floor import Floor, configuration

OpenFloor = Callable[..., Awaitable[Floor]]


@pytest.fixture
async def open_floor() -> AsyncIterator[OpenFloor]:
    floors: list[Floor] = []

    async def make(agents: int = 3, **queue: Any) -> Floor:
        floor = Floor(configuration(agents, **queue))
        floors.append(floor)
        await floor.open()
        return floor

    yield make
    for floor in floors:
        await floor.close()
