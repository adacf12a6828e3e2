"""Buses that hear each other, on NATS with a real server and in memory, with what joins them cut and restored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cti.bus.base import Bus, TraceKeep
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.bus.nats import NatsBus
from tests.nats_server import NatsServer


class Rig:
    """Makes buses of one kind that hear each other, and cuts and restores what joins them."""

    def __init__(self) -> None:
        self.buses: list[Bus] = []

    def make(self, **options: Any) -> Bus:
        raise NotImplementedError

    async def cut(self) -> None:
        raise NotImplementedError

    async def restore(self) -> None:
        raise NotImplementedError

    async def bus(self, **options: Any) -> Bus:
        bus = self.make(**options)
        self.buses.append(bus)
        await bus.start()
        assert await bus.wait_connected(5.0)
        return bus

    async def close(self) -> None:
        for bus in self.buses:
            await bus.stop(flush=0.2)


class MemoryRig(Rig):
    def __init__(self, _folder: Path) -> None:
        super().__init__()
        self.shift = 0.0
        self.broker = MemoryBroker(clock=lambda: time.monotonic() + self.shift)

    def make(self, **options: Any) -> Bus:
        return MemoryBus(self.broker, **options)

    async def cut(self) -> None:
        self.broker.cut()

    async def restore(self) -> None:
        self.broker.restore()


class NatsRig(Rig):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.server = NatsServer(folder)
        self.server.start()

    def make(self, **options: Any) -> Bus:
        return NatsBus(self.server.url, self.server.token, trace=TraceKeep(), **options)

    async def cut(self) -> None:
        self.server.stop(hard=True)
        await until(lambda: not any(bus.connected for bus in self.buses))

    async def restore(self) -> None:
        await asyncio.to_thread(self.server.start)
        for bus in self.buses:
            assert await bus.wait_connected(5.0)

    async def close(self) -> None:
        await super().close()
        self.server.stop()


@pytest.fixture(params=[MemoryRig, NatsRig], ids=["memory", "nats"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    made: Rig = request.param(tmp_path)
    yield made
    await made.close()


async def until(condition: Callable[[], object], deadline: float = 5.0) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the condition never came"
        await asyncio.sleep(0.005)
