"""The engine as pages meet it: the real services on the simulator switch, in the bus thread of a ``SyncBus``.

Pages are tested with it without a network or a switch. The test speaks for callers and phones, from its own thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from cti.bus.base import Bus
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.bus.sync import SyncBus
from cti.domain.agents import Agent
from cti.domain.config.centre import CentreConfig
from cti.engine.runner import EngineRunner
from cti.switches.sim import SimSwitch

DEADLINE = 5.0
Result = TypeVar("Result")


class FakeEngine:
    """``bus`` is what ``create_app(bus=…)`` takes."""

    def __init__(self, config: CentreConfig, switch_name: str = "fake") -> None:
        self.config = config
        self.broker = MemoryBroker()
        self.sim = SimSwitch(name=switch_name, play_seconds=0.02)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.bus = SyncBus(make_bus=self._make_bus)
        self._own: MemoryBus | None = None
        self.runner: EngineRunner | None = None
        self.start()

    def _make_bus(self) -> Bus:
        self.loop = asyncio.get_event_loop()
        return MemoryBus(self.broker)

    # ------------------------------------------------------------ life

    def start(self) -> None:
        self._run(self._open())
        self.until(lambda: self.engine.centre.switches[self.sim.name].reconciled, "reconciled")

    def stop(self) -> None:
        """The engine is gone, as after kill -9; the switch goes on."""
        self._run(self._close())

    def close(self) -> None:
        if self.runner is not None:
            self.stop()
        self.bus.close()

    async def _open(self) -> None:
        devices = [device for agent in self.config.agents for device in agent.devices]
        self.sim.set_devices(devices)
        self._own = MemoryBus(self.broker)
        await self._own.start()
        await self._own.kv_put("cy_config", "centre", self.config.to_document())
        self.runner = EngineRunner([self.sim], self._own)
        await self.runner.start()

    async def _close(self) -> None:
        assert self.runner is not None
        assert self._own is not None
        await self.runner.stop()
        await self._own.stop()
        self.runner = None

    def configure(self, config: CentreConfig) -> None:
        """An administrator has changed the settings."""
        self.config = replace(config, version=self.config.version + 1)
        own = self._own
        assert own is not None
        self._run(own.kv_put("cy_config", "centre", self.config.to_document()))
        self.until(lambda: self.engine.centre.config.version == self.config.version, "configured")

    # ------------------------------------------------------------ the world outside

    def call_in(self, number: str, name: str = "", dialed: str = "8001") -> str:
        """Somebody calls; their channel."""
        return self._do(lambda: self.sim.incoming(dialed, number, name))

    def caller_hangs_up(self, channel: str) -> None:
        self._do(lambda: self.sim.hangup_by_caller(channel))

    def tell(self, subject: str, document: dict[str, Any]) -> None:
        """An event of the engine that the test makes up."""
        own = self._own
        assert own is not None
        self._do(lambda: own.publish(subject, document))

    def phone_answers(self, device: str) -> None:
        self.until(lambda: self.sim.phone(device).ringing, f"{device} rings")
        self._do(lambda: self.sim.phone(device).answer())

    def outside_answers(self, number: str) -> None:
        self.until(lambda: self.sim.outside(number).ringing, f"{number} rings")
        self._do(lambda: self.sim.outside(number).answer())

    def outside_is_busy(self, number: str) -> None:
        self.until(lambda: self.sim.outside(number).ringing, f"{number} rings")
        self._do(lambda: self.sim.outside(number).busy())

    def cut_switch(self) -> None:
        self._do(self.sim.cut_link)

    def restore_switch(self) -> None:
        self._do(self.sim.restore_link)

    def ask(self, number: str, op: str, **arguments: Any) -> dict[str, Any]:
        """An operation of another agent, as from that agent's own page."""
        agent_id = self.agent(number).agent_id
        return self.bus.request("cy.cmd.agent", {"op": op, "agent_id": agent_id, **arguments})

    def on_duty(self, number: str) -> None:
        assert self.ask(number, "login", device=number)["ok"]
        assert self.ask(number, "ready")["ok"]

    # ------------------------------------------------------------ what is

    @property
    def engine(self) -> Any:
        assert self.runner is not None
        return self.runner.engine

    def agent(self, number: str) -> Agent:
        agents: dict[str, Agent] = self.engine.centre.agents
        return next(agent for agent in agents.values() if agent.number == number)

    def until_state(self, number: str, state: str) -> None:
        self.until(lambda: self.agent(number).state == state, f"{number} {state}")

    def until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > end:
                states = [(a.number, str(a.state), a.reason) for a in self.engine.centre.agents.values()]
                raise AssertionError(f"not within {DEADLINE} s: {what}; agents {states}")
            time.sleep(0.005)

    def _do(self, work: Callable[[], Result]) -> Result:
        async def run() -> Result:
            return work()

        return self._run(run())

    def _run(self, work: Any) -> Any:
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE)
