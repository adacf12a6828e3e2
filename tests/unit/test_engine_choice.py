"""Skills, levels, strategies and priorities at random: whoever is free and suits is never idle while a caller waits."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call
from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import Need, QueueConfig, Strategy
from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.legs import LegKind
from cti.domain.switch.terms import Cause
from cti.services.queues import QueueRuntime
from tests.floor import Floor, configuration
from tests.unit.conftest import OpenFloor

AGENTS = tuple(f"a{n}" for n in range(1, 7))
QUEUES = tuple(f"q{n}" for n in range(3))
SKILLS = ("en", "tech", "vip")


def centre(chance: random.Random) -> CentreConfig:
    """Six agents in some of three queues, with all that the pages can set."""
    members = {queue: tuple(chance.sample(AGENTS, chance.randint(2, 6))) for queue in QUEUES}
    queues = tuple(
        QueueConfig(
            queue,
            f"200{n}",
            queue,
            chance.choice(list(Strategy)),
            ring_timeout=30.0,
            wrapup=chance.choice((0.0, 0.02)),
            announce_max=0,
            agents=members[queue],
            levels={agent: chance.randint(1, 3) for agent in members[queue]},
            weights={agent: chance.randint(1, 5) for agent in members[queue]},
            level_after=chance.choice((0.0, 0.05)),
            needs=tuple(
                Need(skill, chance.randint(1, 4), 0.05) for skill in chance.sample(SKILLS, chance.randint(0, 2))
            ),
            priority=chance.choice((0.0, 0.0, 0.1)),
            age=chance.choice((0.0, 0.05)),
        )
        for n, queue in enumerate(QUEUES)
    )
    agents = tuple(
        AgentConfig(
            agent,
            f"100{agent[1:]}",
            agent,
            tuple(queue for queue in QUEUES if agent in members[queue]),
            {skill: chance.randint(1, 4) for skill in chance.sample(SKILLS, chance.randint(0, 3))},
        )
        for agent in AGENTS
    )
    dids = tuple(DidConfig(f"800{n}", RouteTarget(TargetKind.QUEUE, queue)) for n, queue in enumerate(QUEUES))
    return replace(configuration(len(AGENTS)), agents=agents, queues=queues, dids=dids)


def may_get(agent: Agent, call: Call, queue: QueueRuntime, at: float) -> bool:
    """What the settings say, told anew: a member, of a level asked by then, with every skill asked for by then."""
    config, waited = queue.config, at - (call.queued_at or at)
    if agent.agent_id not in config.agents:
        return False
    if config.level_after and config.levels.get(agent.agent_id, 1) > 1 + int(waited / config.level_after):
        return False
    return all(
        agent.skills.get(need.skill, 0) >= need.level - (int(waited / need.relax_every) if need.relax_every else 0)
        for need in config.needs
    )


def idle_for_no_reason(floor: Floor, late: float = 0.0) -> list[tuple[str, str]]:
    """Free agents and callers who should have been joined ``late`` seconds ago."""
    centre = floor.runner.engine.centre
    return [
        (agent.agent_id, call.call_id)
        for queue in centre.queues.values()
        for call in queue.waiting
        if call.live(LegKind.AGENT) is None or (queue.config.strategy is Strategy.RING_ALL and rings_only(call))
        if call.customer is not None and call.customer.pending != "hangup"
        for agent in centre.agents.values()
        if agent.state is AgentState.READY and centre.can_be_offered(agent)
        if may_get(agent, call, queue, centre.now - late)
    ]


def rings_only(call: Call) -> bool:
    """It rings at everybody, and nobody has answered yet."""
    return call.together and not any(leg.answered for leg in call.legs if leg.kind is LegKind.AGENT and leg.alive)


def offered_twice(floor: Floor) -> list[str]:
    legs = Counter(
        leg.agent_id
        for call in floor.runner.engine.centre.calls.values()
        for leg in call.legs
        if leg.kind is LegKind.AGENT and leg.ended_at is None
    )
    return [agent for agent, count in legs.items() if count > 1]


async def step(floor: Floor, chance: random.Random) -> None:
    agent = chance.choice(AGENTS)
    phone = floor.phone(agent)
    match chance.randrange(10):
        case 0 | 1 | 2:
            floor.sim.incoming(f"800{chance.randrange(3)}", f"138{chance.randrange(10**8):08}")
        case 3:
            await floor.ask(agent, "ready")
        case 4:
            await floor.ask(agent, chance.choice(("not_ready", "ready", "ready")), reason="lunch")
        case 5 if floor.sim.channels:
            floor.sim.far_end(floor.sim.channels[chance.choice(sorted(floor.sim.channels))], Cause.NORMAL)
        case 6:
            new = centre(chance)
            await floor.configure(new)
        case _ if phone.channels:
            chance.choice((phone.answer, phone.answer, phone.reject, phone.hangup))()


@pytest.mark.parametrize("seed", range(12))
async def test_nobody_who_suits_is_idle_while_a_caller_waits_and_nobody_has_two(
    open_floor: OpenFloor, seed: int
) -> None:
    chance = random.Random(seed)
    floor = await open_floor(agents=len(AGENTS))
    await floor.configure(centre(chance))
    await floor.on_duty(*AGENTS)
    for _ in range(60):
        await step(floor, chance)
        await asyncio.sleep(chance.choice((0, 0.002, 0.01)))
        assert not offered_twice(floor)
        await floor.until(lambda: not idle_for_no_reason(floor, late=0.02), "the free and the waiting joined")
    assert not floor.illegal()


@pytest.mark.parametrize("seed", range(6))
async def test_everybody_is_served_and_equals_in_the_order_of_their_coming(open_floor: OpenFloor, seed: int) -> None:
    chance = random.Random(seed)
    floor = await open_floor(agents=len(AGENTS))
    config = centre(chance)
    await floor.configure(
        replace(config, queues=tuple(replace(q, needs=(), levels={}, wrapup=0.0) for q in config.queues))
    )
    callers: dict[str, list[str]] = {queue: [] for queue in QUEUES}
    for n in range(18):
        queue = chance.randrange(3)
        callers[QUEUES[queue]].append(f"1380000{n:04}")
        await floor.call_in(f"800{queue}", f"1380000{n:04}")
        await floor.until(lambda: sum(map(len, callers.values())) == waiting(floor), "it waits")
    await floor.on_duty(*AGENTS)
    served: dict[str, list[str]] = {queue: [] for queue in QUEUES}
    while any(served[queue] != callers[queue] for queue in QUEUES):
        ringing = [a for a in AGENTS if floor.agent(a).state is AgentState.ALERTING]
        if not ringing:
            await floor.until(lambda: any(floor.agent(a).state is AgentState.ALERTING for a in AGENTS), "next")
            continue
        first = min(ringing, key=lambda a: floor.call_of(a).legs[-1].created_at)
        served[floor.call_of(first).queue_id].append(floor.call_of(first).ani)
        floor.phone(first).answer()
        await floor.talks(first)
        floor.phone(first).hangup()
        await floor.until(lambda agent=first: floor.agent(agent).state is not AgentState.TALKING, "over")
        assert all(served[q] == callers[q][: len(served[q])] for q in QUEUES)


def waiting(floor: Floor) -> int:
    return sum(len(queue) for queue in floor.runner.engine.centre.queues.values())
