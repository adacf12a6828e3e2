"""``engine_cost``: what a call costs the engine in CPU, by a fixed amount of work and not by the clock on the wall.

Sixty agents on the simulator and a real NATS server beside it: twenty calls a second, each queued, offered, answered,
recorded, joined, and ended by the agent. The figure is this process's own processor time, so that a busy machine
disturbs it little. What the driver of a real switch costs is not in it. ``python -m tests.bench.engine_cost``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cti.bootstrap import configure_logging
from cti.bus.base import TraceKeep
from cti.bus.nats import NatsBus
from cti.domain.config.centre import CentreConfig
from cti.domain.switch.terms import Cause
from cti.engine.runner import EngineRunner
from cti.settings import Settings
from cti.switches.base import EventSink
from cti.switches.sim import SimSwitch
from tests.floor import configuration
from tests.nats_server import NatsServer

AGENTS, RATE, WARM_UP, CALLS, TURNS = 60, 20, 40, 100, 3
TALK, PICK_UP = (1.0, 2.0), 0.02  # seconds
DEADLINE = 60.0


class PacedSim(SimSwitch):
    """Calls at a steady rate; phones that answer after ``PICK_UP`` and hang up after a random talk."""

    def __init__(self, config: CentreConfig) -> None:
        super().__init__()
        self.set_devices(agent.number for agent in config.agents)
        self._random = random.Random(1)
        self._left = self._alive = 0
        self._over = asyncio.Event()
        for agent in config.agents:
            self.phone(agent.number).will_answer(PICK_UP)

    async def start(self, sink: EventSink) -> None:
        def seen(event: Any) -> None:
            sink(event)
            kind = type(event).__name__
            if kind == "ChannelBridged":
                talk = self._random.uniform(*TALK)
                for channel in (self.channels[event.channel], self.channels[event.peer]):
                    if not channel.incoming:
                        self.end_later(channel, Cause.NORMAL, talk)
            elif kind == "ChannelHungUp" and not event.channel.startswith("cy-"):
                self._alive -= 1
                if not (self._alive or self._left):
                    self._over.set()

        await super().start(seen)

    async def serve(self, calls: int) -> None:
        """Return when ``calls`` have come and gone."""
        self._over.clear()
        self._left = calls
        self._arrive()
        async with asyncio.timeout(calls / RATE + DEADLINE):
            await self._over.wait()

    def _arrive(self) -> None:
        self._left -= 1
        self._alive += 1
        self.incoming("8001", f"1{self._left:010d}", "Demo Caller")
        if self._left:
            self.later(1 / RATE, self._arrive)


async def measure() -> dict[str, Any]:
    """Milliseconds of processor time a call: the median of ``TURNS`` and each of them."""
    with _logged():
        return await _measure()


async def _measure() -> dict[str, Any]:
    config = configuration(AGENTS, ring_timeout=15.0)
    sim = PacedSim(config)
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder) / "nats")
        server.start()
        bus = NatsBus(server.url, server.token, trace=TraceKeep())
        runner = EngineRunner([sim], bus)
        try:
            await bus.start()
            await bus.kv_put("cy_config", "centre", config.to_document(), 10.0)
            await runner.start()
            await _on_duty(bus, config)
            await sim.serve(WARM_UP)
            stored, sent = bus.stats.durable_stored, bus.stats.events_sent
            turns = [await _turn(sim, bus) for _ in range(TURNS)]
        finally:
            await runner.stop()
            await bus.stop()
            server.stop()
    return {
        "ms_per_call": round(statistics.median(turns), 2),
        "turns": [round(turn, 2) for turn in turns],
        "calls": CALLS,
        "documents_per_call": round((bus.stats.durable_stored - stored) / CALLS / TURNS, 1),
        "events_per_call": round((bus.stats.events_sent - sent) / CALLS / TURNS, 1),
    }


async def _turn(sim: PacedSim, bus: NatsBus) -> float:
    began = time.process_time()
    await sim.serve(CALLS)
    assert await bus.flush_durable(10)
    return (time.process_time() - began) * 1000 / CALLS


async def _on_duty(bus: NatsBus, config: CentreConfig) -> None:
    for agent in config.agents:
        for operation in ({"op": "login", "device": agent.number}, {"op": "ready"}):
            reply = await bus.request("cy.cmd.agent", {"agent_id": agent.id, **operation})
            assert reply["ok"], reply


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Log as the product does, each line written, to nowhere."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        configure_logging(Settings())
        yield


if __name__ == "__main__":
    print(json.dumps({"engine_cost": asyncio.run(measure())}, indent=1))
