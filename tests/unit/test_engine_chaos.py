"""A floor on which everything happens in any order: at the end nobody is stuck and every ledger is whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from cti.domain.agents import ON_CALL
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import Strategy
from cti.domain.config.routes import MemberKind, RingGroupConfig, RingMember, RouteTarget, TargetKind
from cti.domain.switch.terms import Cause
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import without_gaps

AGENTS = ("a1", "a2", "a3")
OPERATIONS: tuple[tuple[str, dict[str, object]], ...] = (
    ("ready", {}),
    ("not_ready", {"reason": "lunch"}),
    ("hangup", {}),
    ("hold", {}),
    ("retrieve", {}),
    ("dial", {"number": "13900000001"}),
    ("dial", {"number": "1002"}),
    ("transfer", {"number": "1003"}),
    ("transfer", {"number": "2001"}),
    ("transfer", {"number": "13900000002"}),
    ("consult", {"number": "1001"}),
    ("consult", {"number": "1002"}),
    ("consult", {"number": "13900000003"}),
    ("conference", {}),
    ("conference", {}),
    ("complete", {}),
    ("take_back", {}),
    ("wrapup_done", {}),
)


class Chaos:
    def __init__(self, floor: Floor, seed: int) -> None:
        self.floor, self.random = floor, random.Random(seed)
        self.calls: set[str] = set()
        self.ended_unseen: set[str] = set()

    async def step(self) -> None:
        moves: list[Callable[[], None]] = [
            self.caller,
            self.phone_acts,
            self.phone_acts,
            self.someone_leaves,
            self.link,
        ]
        if self.random.random() < 0.5:
            op, arguments = self.random.choice(OPERATIONS)
            await self.floor.ask(self.random.choice(AGENTS), op, **arguments)
        elif self.random.random() < 0.06:
            await self.reload()
        else:
            self.random.choice(moves)()
        await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.01)))
        self.calls |= self.floor.runner.engine.centre.calls.keys()

    def caller(self) -> None:
        self.floor.sim.incoming(self.random.choice(("8000", "8001", "8001")), f"138{self.random.randrange(10**8):08}")

    def phone_acts(self) -> None:
        far = self.random.choice(
            [self.floor.phone(a) for a in AGENTS] + [self.floor.sim.outside(f"1390000000{n}") for n in (1, 2, 3)]
        )
        if far.channels:
            self.random.choice((far.answer, far.answer, far.reject, far.hangup))()

    def someone_leaves(self) -> None:
        channels = sorted(self.floor.sim.channels)
        if channels:
            cause = self.random.choice((Cause.NORMAL, Cause.NORMAL, Cause.MEDIA_LOST, Cause.FAILED))
            self.floor.sim.far_end(self.floor.sim.channels[self.random.choice(channels)], cause)

    def link(self) -> None:
        roll = self.random.random()
        if roll < 0.1:
            self.floor.sim.cut_link()
        elif roll < 0.6:
            self.floor.sim.restore_link()
        elif roll < 0.7:
            self.floor.phone(self.random.choice(AGENTS)).unregister()
        else:
            for agent in AGENTS:
                self.floor.phone(agent).register()

    async def reload(self) -> None:
        if self.random.random() < 0.3:
            await self.floor.told()
            alive = set(self.floor.runner.engine.centre.calls)
            await self.floor.kill_engine()
            self.floor.sim.restore_link()
            await self.floor.restart_engine()
            # ended while no engine ran: the worker closes those (see cti.store)
            self.ended_unseen |= alive - self.floor.runner.engine.centre.calls.keys()
        else:
            agent = self.random.choice(AGENTS)
            await self.floor.ask(agent, "rejoin", device=self.floor.agent(agent).number)

    async def calm_down(self) -> None:
        """Everybody outside hangs up, the link is there, reconciliation runs."""
        self.floor.sim.restore_link()
        for _ in range(3):
            for channel in list(self.floor.sim.channels.values()):
                self.floor.sim.far_end(channel, Cause.NORMAL)
            await asyncio.sleep(0.02)
        for call in self.floor.runner.engine.centre.calls.values():
            for leg in call.legs:
                leg.changed_at -= 10
        await self.floor.runner._reconcile("sim", until_done=True)


def together(config: CentreConfig) -> CentreConfig:
    """Phones ring together: in the queue, and in a group that the menu's number leads to."""
    kinds = (MemberKind.AGENT, MemberKind.PHONE, MemberKind.OUTSIDE)
    members = tuple(RingMember(kind, ident) for kind, ident in zip(kinds, ("a1", "a2", "13900000001"), strict=True))
    group = RingGroupConfig("g1", "Demo", members, ring_timeout=0.3, otherwise=config.dids[1].target)
    dids = (replace(config.dids[0], target=RouteTarget(TargetKind.GROUP, "g1")), *config.dids[1:])
    queues = tuple(replace(queue, strategy=Strategy.RING_ALL) for queue in config.queues)
    return replace(config, queues=queues, groups=(group,), dids=dids)


@pytest.mark.parametrize("seed", range(20))
async def test_nobody_is_stuck_and_every_ledger_is_whole(open_floor: OpenFloor, seed: int) -> None:
    floor = await open_floor()
    if seed % 2:
        await floor.configure(together(floor.config))
    chaos = Chaos(floor, seed)
    await floor.on_duty(*AGENTS)
    for _ in range(80):
        await chaos.step()
    await chaos.calm_down()
    engine = floor.runner.engine.centre
    await floor.until(lambda: not engine.calls and not floor.sim.channels, "every call over", deadline=6.0)
    assert all(agent.state not in ON_CALL and not agent.call_id for agent in engine.agents.values())
    assert not engine.channels
    assert not any(queue.waiting for queue in engine.queues.values())
    for call_id in chaos.calls - chaos.ended_unseen:
        ledger = await floor.ledger(call_id)
        assert ledger["state"] == "ended", ledger
        assert all(leg["ended_at"] is not None for leg in ledger["legs"]), ledger
        assert all(r["ended_at"] is not None for r in ledger["recordings"]), ledger
    assert not engine.counters["engine:bug"]
    for agent_id in AGENTS:
        without_gaps(await floor.stretches(agent_id))
