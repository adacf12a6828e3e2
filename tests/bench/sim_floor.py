"""A floor of any size on the simulator switch, in virtual time and seeded: decisions, their cost, waits beside theory.

The whole engine runs: requests, state tables, choosers, documents. Only media, bus and database are left out.
``python -m tests.bench.sim_floor`` prints what ``results.json`` keeps under ``sim_floor``.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from cti.bus.base import Document
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import Need, QueueConfig
from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.switch.terms import Cause
from cti.engine.runner import EngineRunner
from cti.switches.sim import SimSwitch
from cti.switches.sim.model import SimChannel
from tests.bench import virtual
from tests.bench.stage import quantile

SKILLS = ("en", "yue", "tech", "vip")
T_99 = 2.861  # Student's t, two-sided 99 %, 19 degrees of freedom
BATCHES = 20


class DeafBus(MemoryBus):
    """Takes what is told and keeps none of it."""

    def publish(self, subject: str, document: Document) -> None: ...

    def publish_durable(self, subject: str, message_id: str, document: Document) -> None: ...


@dataclass
class Plan:
    """Calls a second, seconds of a contact (mean), and how the floor is made up."""

    agents: int
    queues: int
    rate: float
    handling: float
    seconds: float
    warm_up: float
    seed: int = 1
    queues_each: int = 1
    skilled: bool = False


@dataclass
class Seen:
    """``decisions`` in seconds of processor time, ``waits`` in virtual seconds."""

    decisions: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    answered: int = 0
    offered: int = 0
    rings: dict[str, str] = field(default_factory=dict)
    doubles: int = 0


class Sim:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.seen, self.chance = plan, Seen(), random.Random(plan.seed)
        clock = asyncio.get_running_loop().time
        self.switch = SimSwitch(clock=clock)
        self.bus = DeafBus(MemoryBroker(clock=clock))
        self.runner = EngineRunner([self.switch], self.bus, clock=clock)
        self.runner.engine.centre.chance = random.Random(plan.seed)
        self.measuring = False

    async def run(self) -> None:
        config = self._configuration()
        for agent in config.agents:
            self.switch.set_devices([agent.number])
            self.switch.phone(agent.number).on_ring = self._rung
        await self.bus.start()
        await self.bus.kv_put("cy_config", "centre", config.to_document())
        await self.runner.start()
        await asyncio.sleep(1.0)
        for agent in config.agents:
            for request in ({"op": "login", "device": agent.number}, {"op": "ready"}):
                await self.bus.request("cy.cmd.agent", {**request, "agent_id": agent.id})
        with self._timed("dispatch"), self._timed("agent_ready"):
            await self._calls()
        await self.runner.stop()
        await self.bus.stop()

    def _configuration(self) -> CentreConfig:
        plan = self.plan
        memberships: dict[str, list[str]] = {f"q{n}": [] for n in range(plan.queues)}
        agents = []
        for n in range(plan.agents):
            own = tuple(f"q{(n + k * 7) % plan.queues}" for k in range(plan.queues_each))
            for queue_id in own:
                memberships[queue_id].append(f"a{n}")
            skills = {skill: 1 + self.chance.randrange(3) for skill in SKILLS if self.chance.random() < 0.5}
            agents.append(AgentConfig(f"a{n}", f"1{n:05d}", f"Agent {n}", own, skills if plan.skilled else {}))
        return CentreConfig(
            version=1,
            agents=tuple(agents),
            queues=tuple(
                QueueConfig(
                    queue_id,
                    f"2{n:04d}",
                    f"Queue {n}",
                    wrapup=0.0,
                    announce_max=0,
                    agents=tuple(members),
                    needs=(Need(SKILLS[n % 4], 2, relax_every=5.0),) if plan.skilled and n % 2 else (),
                )
                for n, (queue_id, members) in enumerate(memberships.items())
            ),
            dids=tuple(DidConfig(f"8{n:04d}", RouteTarget(TargetKind.QUEUE, f"q{n}")) for n in range(plan.queues)),
        )

    async def _calls(self) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time() + self.plan.warm_up
        end = begin + self.plan.seconds
        number = 0
        while loop.time() < end:
            await asyncio.sleep(self.chance.expovariate(self.plan.rate))
            self.measuring = loop.time() >= begin
            self.seen.offered += self.measuring
            number += 1
            self.switch.incoming(f"8{self.chance.randrange(self.plan.queues):04d}", f"13{number % 10**9:09d}")

    def _rung(self, phone: SimChannel) -> None:
        """The agent picks up at once; the contact ends after a time that theory calls exponential."""
        found = self.runner.engine.centre.channels.get(phone.id)
        if found is None or found[0].customer is None:
            return
        call, leg = found
        customer = call.customer
        assert customer is not None
        if self.seen.rings.get(leg.agent_id, "") in self.switch.channels:
            self.seen.doubles += 1
        self.seen.rings[leg.agent_id] = phone.id
        if self.measuring:
            self.seen.answered += 1
            self.seen.waits.append(self.switch.clock() - (call.queued_at or 0.0))
        self.switch.answer_later(phone, 0)
        talk = self.chance.expovariate(1 / self.plan.handling)
        self.switch.later(talk, lambda: self._over(customer.channel))

    def _over(self, channel: str) -> None:
        if channel in self.switch.channels:
            self.switch.hangup_by_caller(channel, Cause.NORMAL)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        """Take the time of every call of one of the ACD's two decisions."""
        acd = self.runner.engine._acd
        plain: Callable[..., Any] = getattr(acd, name)

        def timed(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return plain(*arguments)
            finally:
                if self.measuring:
                    self.seen.decisions.append(time.thread_time() - began)

        setattr(acd, name, timed)
        if name == "agent_ready":
            acd.agents._on_ready = timed
        yield


def erlang_c(agents: int, load: float) -> float:
    """The chance to wait, of ``agents`` and an offered load in erlangs (agents > load)."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def mean_wait(agents: int, rate: float, handling: float) -> float:
    """Seconds, of all calls."""
    return erlang_c(agents, rate * handling) * handling / (agents - rate * handling)


async def _run(plan: Plan) -> Seen:
    sim = Sim(plan)
    await sim.run()
    return sim.seen


def simulate(plan: Plan) -> Seen:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return virtual.run(_run(plan))  # type: ignore[no-any-return]


def theory(agents: int, rate: float, handling: float, seconds: float) -> dict[str, Any]:
    """Simulated mean wait with its 99 % interval (batch means), beside Erlang C."""
    waits = simulate(Plan(agents, 1, rate, handling, seconds, warm_up=50 * handling)).waits
    size = len(waits) // BATCHES
    means = [sum(waits[n * size : (n + 1) * size]) / size for n in range(BATCHES)]
    middle = sum(means) / BATCHES
    spread = math.sqrt(sum((m - middle) ** 2 for m in means) / (BATCHES - 1))
    half, expected = T_99 * spread / math.sqrt(BATCHES), mean_wait(agents, rate, handling)
    return {
        "load": round(rate * handling / agents, 2),
        "calls": len(waits),
        "simulated": round(middle, 3),
        "half_interval": round(half, 3),
        "erlang_c": round(expected, 3),
        "within": abs(middle - expected) <= half,
    }


def floor(agents: int, queues: int, rate: float, handling: float, seconds: float, **more: Any) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    seen = simulate(Plan(agents, queues, rate, handling, seconds, warm_up=2 * handling, **more))
    cpu = time.process_time() - cpu
    return {
        "agents": agents,
        "queues": queues,
        "calls_per_s": rate,
        "offered": seen.offered,
        "answered": seen.answered,
        "double_offers": seen.doubles,
        "decisions": len(seen.decisions),
        "decisions_per_s": round(len(seen.decisions) / sum(seen.decisions)),
        "decision_mean_us": round(sum(seen.decisions) / len(seen.decisions) * 1e6, 1),
        "decision_p50_us": round(quantile(seen.decisions, 0.5) * 1e6, 1),
        "decision_p99_us": round(quantile(seen.decisions, 0.99) * 1e6, 1),
        "wait_mean": round(sum(seen.waits) / max(1, len(seen.waits)), 3),
        "engine_cpu_ms_per_call": round(cpu * 1e3 / max(1, seen.answered), 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "seconds": round(time.perf_counter() - began, 1),
    }


def growth_to_log(runs: Sequence[dict[str, Any]]) -> float:
    """How much dearer a decision is on the largest floor than on the smallest, to how much larger the log of agents."""
    first, last = runs[0], runs[-1]
    dearer = float(last["decision_mean_us"] / first["decision_mean_us"])
    return round(dearer / (math.log(last["agents"]) / math.log(first["agents"])), 2)


def measure() -> dict[str, Any]:
    erlang = [theory(10, rho, 10.0, 20_000.0) for rho in (0.7, 0.85, 0.92)]
    growth = [floor(n, 1, n / 10, 8.5, 20_000 / n) for n in (100, 1_000, 10_000)]
    return {
        "outside_erlang_c": sum(not one["within"] for one in erlang),
        "growth_to_log": growth_to_log(growth),
        "erlang": erlang,
        "growth": growth,
        "floor": floor(10_000, 200, 1_000.0, 8.5, 15.0, queues_each=3, skilled=True),
    }


async def apart() -> dict[str, Any]:
    """In a process of its own, so that its memory is its own."""
    command = (sys.executable, "-m", "tests.bench.sim_floor")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"sim_floor ended with {process.returncode}")
    measured: dict[str, Any] = json.loads(output)
    return measured


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
