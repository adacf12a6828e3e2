"""A call-centre floor on the simulator switch and the in-memory bus, for tests of the engine without any network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.agents import Agent
from cti.domain.calls import Call
from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import QueueConfig, Strategy
from cti.domain.config.routes import DidConfig, MenuConfig, RouteTarget, TargetKind
from cti.domain.config.ways_out import TrunkConfig
from cti.engine.runner import EngineRunner
from cti.services.centre import SwitchStatus
from cti.switches.sim import SimSwitch
from cti.switches.sim.model import SimChannel

ORDERS = "q-orders"
MENU = MenuConfig(
    id="m1",
    name="main",
    greeting="welcome",
    prompt="menu_main",
    options={"1": RouteTarget(TargetKind.QUEUE, ORDERS), "9": RouteTarget(TargetKind.MENU, "m1")},
    languages={"9": "en"},
    timeout=0.2,
    tries=2,
)


def configuration(agents: int = 3, **queue: Any) -> CentreConfig:
    """Agents a1… with numbers 1001…, queue 2001, DIDs 8000 (menu) and 8001 (queue). Times are short."""
    ids = tuple(f"a{i}" for i in range(1, agents + 1))
    settings = {"ring_timeout": 30.0, "wrapup": 0.0, "announce_every": 0.15, "announce_max": 2, **queue}
    return CentreConfig(
        version=1,
        agents=tuple(AgentConfig(a, f"100{a[1:]}", f"Agent {a[1:]}", (ORDERS,)) for a in ids),
        queues=(QueueConfig(ORDERS, "2001", "Orders", Strategy.LONGEST_IDLE, agents=ids, **settings),),
        menus=(MENU,),
        dids=(
            DidConfig("8000", RouteTarget(TargetKind.MENU, "m1")),
            DidConfig("8001", RouteTarget(TargetKind.QUEUE, ORDERS)),
        ),
        trunks=(TrunkConfig("t1", "Carrier", "02160000000"),),
    )


class Floor:
    """What a test does and asks, in the words of the trade. With ``switches`` 2 there is ``other``, without phones."""

    def __init__(self, config: CentreConfig, switches: int = 1) -> None:
        self.config = config
        self.broker = MemoryBroker()
        self.sim = SimSwitch(play_seconds=0.02)
        self.other = SimSwitch("other", play_seconds=0.02)
        self.sims = [self.sim, self.other][:switches]
        if switches > 1:
            self.sim.connect(self.other)
        for agent in config.agents:
            self.sim.set_devices([agent.number])
        self.bus = MemoryBus(self.broker)
        self.runner = EngineRunner(self.sims, self.bus)

    async def open(self) -> None:
        await self.bus.start()
        await self.bus.kv_put("cy_config", "centre", self.config.to_document())
        await self.runner.start()
        await self.reconciled()

    async def configure(self, config: CentreConfig) -> None:
        """The configuration is changed while calls go on."""
        self.config = replace(config, version=self.config.version + 1)
        await self.bus.kv_put("cy_config", "centre", self.config.to_document())
        await self.until(lambda: self.runner.engine.centre.config.version == self.config.version, "configured")

    async def use(self, **queue: Any) -> None:
        """Change the queue's settings."""
        await self.configure(replace(self.config, queues=(replace(self.config.queues[0], **queue),)))

    async def reconciled(self) -> None:
        await self.until(lambda: all(s.reconciled for s in self.status()), "reconciled")

    def status(self) -> list[SwitchStatus]:
        return list(self.runner.engine.centre.switches.values())

    async def close(self) -> None:
        await self.runner.stop()
        await self.bus.stop()

    async def kill_engine(self) -> None:
        """As by kill -9: nothing is said to anybody; the switch and the bus go on."""
        await self.close()

    async def restart_engine(self, *, wait: bool = True) -> None:
        self.bus = MemoryBus(self.broker)
        self.runner = EngineRunner(self.sims, self.bus)
        await self.bus.start()
        await self.runner.start()
        if wait:
            await self.reconciled()

    # ------------------------------------------------------------ waiting

    async def until(self, condition: Callable[[], object], what: str = "condition", deadline: float = 15.0) -> None:
        try:
            async with asyncio.timeout(deadline):
                while not condition():  # noqa: ASYNC110 - nothing to be notified by
                    await asyncio.sleep(0.002)
        except TimeoutError:
            calls = [c.to_document() for c in self.runner.engine.centre.calls.values()]
            agents = [(a.number, str(a.state), a.reason, a.call_id) for a in self.runner.engine.centre.agents.values()]
            raise AssertionError(f"no {what} within {deadline} s\nagents {agents}\ncalls {calls}") from None

    async def until_agent(self, agent_id: str, state: str) -> None:
        await self.until(lambda: self.agent(agent_id).state == state, f"{agent_id} {state}")

    # ------------------------------------------------------------ people

    async def ask(self, agent_id: str, op: str, **arguments: Any) -> dict[str, Any]:
        return await self.bus.request("cy.cmd.agent", {"op": op, "agent_id": agent_id, **arguments})

    async def do(self, agent_id: str, op: str, **arguments: Any) -> dict[str, Any]:
        reply = await self.ask(agent_id, op, **arguments)
        assert reply["ok"], reply
        return dict(reply["agent"])

    async def on_duty(self, *agent_ids: str) -> None:
        for agent_id in agent_ids:
            await self.do(agent_id, "login", device=self.agent(agent_id).number)
            await self.do(agent_id, "ready")

    def move(self, *agent_ids: str) -> None:
        """Their phones register on the other switch."""
        for agent_id in agent_ids:
            number = self.agent(agent_id).number
            self.sim.phone(number).unregister()
            self.other.phone(number).register()

    def phone(self, agent_id: str) -> Any:
        """Where it is registered."""
        number = self.agent(agent_id).number
        return next((p for s in self.sims if (p := s.phone(number)).registered), self.sim.phone(number))

    async def rings(self, agent_id: str) -> None:
        await self.until_agent(agent_id, "alerting")

    async def talks(self, agent_id: str) -> None:
        await self.until_agent(agent_id, "talking")

    async def call_in(self, dialed: str = "8001", number: str = "13800000001", at: SimSwitch | None = None) -> str:
        """A caller calls; the channel."""
        channel = (at or self.sim).incoming(dialed, number)
        await self.until(lambda: channel in self.runner.engine.centre.channels, "call known")
        return channel

    async def talking_to(self, agent_id: str, number: str = "13800000001", at: SimSwitch | None = None) -> str:
        """A caller who is already talking with this agent."""
        channel = await self.call_in(number=number, at=at)
        await self.rings(agent_id)
        self.phone(agent_id).answer()
        await self.talks(agent_id)
        return channel

    # ------------------------------------------------------------ what is

    def agent(self, agent_id: str) -> Agent:
        return self.runner.engine.centre.agents[agent_id]

    def call(self, channel: str) -> Call:
        return self.runner.engine.centre.channels[channel][0]

    def call_of(self, agent_id: str) -> Call:
        return self.runner.engine.centre.calls[self.agent(agent_id).call_id]

    def waiting(self, queue_id: str = ORDERS) -> list[str]:
        return [c.ani for c in self.runner.engine.centre.queues[queue_id].waiting]

    def hears_music(self, channel: str) -> bool:
        chan = self._channel(channel)
        return chan is not None and bool(chan.music)

    def _channel(self, channel: str) -> SimChannel | None:
        return next((s.channels[channel] for s in self.sims if channel in s.channels), None)

    def talks_with(self, channel: str, agent_id: str) -> bool:
        chan = self._channel(channel)
        return chan is not None and chan.peer is not None and chan.peer.far is self.phone(agent_id)

    async def told(self) -> None:
        """Everything decided so far is in the durable log."""
        await asyncio.sleep(0)  # documents follow commands one turn of the loop later
        await self.bus.flush_durable(2.0)

    async def ledger(self, call_id: str) -> dict[str, Any]:
        await self.told()
        message = await self.bus.last(f"cy.log.call.{call_id}")
        assert message is not None
        return dict(message["call"])

    async def stretches(self, agent_id: str) -> list[dict[str, Any]]:
        """Every stretch of one state that is in the durable log, in order."""
        await self.told()
        entries = [entry for entry in self.broker.log if entry.subject == f"cy.log.agent.{agent_id}"]
        return [json.loads(entry.data) for entry in entries]

    def illegal(self) -> dict[str, int]:
        counters = self.runner.engine.centre.counters
        return {k: v for k, v in counters.items() if k.startswith(("illegal", "engine:bug"))}
