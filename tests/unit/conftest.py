"""Fixtures of every unit test: a call floor on the simulator, a database of either kind, a real PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from unittest import mock

import hypothesis
import pytest
import structlog
from argon2 import PasswordHasher

from tests.floor import Floor, configuration
from tests.shop import shop_sessions, shop_site
from tests.stores import empty_url, migrated_file, migrated_template, postgres, store

__all__ = [
    "empty_url",
    "migrated_file",
    "migrated_template",
    "open_floor",
    "postgres",
    "shop_sessions",
    "shop_site",
    "store",
]


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashing is slow on purpose, and nearly every test of a page signs in: here it is weak and quick."""
    time_memory_threads = (1, 8, 1)
    usual = PasswordHasher.__init__.__defaults__
    with mock.patch.object(PasswordHasher.__init__, "__defaults__", (*time_memory_threads, *usual[3:])):
        yield


# What a connection tries in the background is nobody's output; a bus takes a moment to end beside the next test.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))

OpenFloor = Callable[..., Awaitable[Floor]]

# A busy machine is no finding of a property.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


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
