"""Ring groups: phones that ring at once or one after the other, whether or not anybody is signed in; then a target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti.domain.calls import CallPhase
from cti.domain.config.queues import Overflow, OverflowWhen
from cti.domain.config.routes import (
    DidConfig,
    InboundRule,
    MemberKind,
    RingGroupConfig,
    RingMember,
    RingOrder,
    RouteTarget,
    TargetKind,
)
from cti.domain.switch.commands import DeviceTarget, Originate, Play
from cti.domain.switch.terms import Cause
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

CALLER, BOSS = "13800000001", "13700000001"
AGENT, PHONE, OUTSIDE = MemberKind.AGENT, MemberKind.PHONE, MemberKind.OUTSIDE
GROUP = RouteTarget(TargetKind.GROUP, "g1")
TO_QUEUE = RouteTarget(TargetKind.QUEUE, ORDERS)


def members(*found: tuple[MemberKind, str]) -> tuple[RingMember, ...]:
    return tuple(RingMember(kind, ident) for kind, ident in found)


async def with_group(
    open_floor: OpenFloor,
    *found: tuple[MemberKind, str],
    queue: dict[str, Any] | None = None,
    **more: Any,
) -> Floor:
    """Calls to 8005 go to a group of these members."""
    floor = await open_floor(**{"announce_max": 0, "ring_timeout": 5.0, **(queue or {})})
    group = RingGroupConfig("g1", "Front desk", members(*found), **{"ring_timeout": 5.0, **more})
    dids = (*floor.config.dids, DidConfig("8005", GROUP))
    await floor.configure(replace(floor.config, groups=(group,), dids=dids))
    return floor


def dialled(floor: Floor) -> list[str]:
    targets = [c.target for c in floor.sim.commands if isinstance(c, Originate)]
    return [target.device if isinstance(target, DeviceTarget) else target.number for target in targets]


def said(floor: Floor) -> list[str]:
    return [prompt for c in floor.sim.commands if isinstance(c, Play) for prompt in c.prompts]


def time_out(floor: Floor, caller: str) -> None:
    """Every phone that rings has rung long enough."""
    for leg in floor.call(caller).live_legs():
        if leg.agent_id or leg.number != CALLER:
            fire(floor, f"ring:{leg.channel}")


async def test_all_ring_at_once_and_the_first_has_the_caller(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (AGENT, "a1"), (AGENT, "a2"), (AGENT, "a3"))
    await floor.on_duty("a1", "a2")
    caller = await floor.call_in("8005")
    await floor.rings("a1")
    await floor.rings("a2")
    await floor.until(lambda: floor.sim.channels[caller].music == "ringback", "the caller hears that it rings")
    shown = await floor.do("a1", "state")
    assert (shown["call"]["queue_name"], shown["call"]["number"]) == ("Front desk", CALLER)
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    await floor.until_agent("a1", "ready")
    assert (floor.agent("a1").notice, floor.agent("a1").taken_by) == ("taken", "Agent 2")
    call = floor.call(caller)
    assert [r.agent_id for r in call.recordings] == ["a2"]
    assert (call.phase, call.queue_id, call.group) == (CallPhase.CONNECTED, "", "g1")
    floor.phone("a2").hangup()
    await floor.until_agent("a2", "ready")
    ledger = await floor.ledger(call.call_id)
    assert (ledger["group"], ledger["ended_by"], ledger["cause"]) == ("g1", "agent", "normal")
    assert not floor.sim.channels
    assert floor.illegal() == {}


async def test_one_after_the_other_and_then_the_queue(open_floor: OpenFloor) -> None:
    found = ((AGENT, "a2"), (AGENT, "a3"), (AGENT, "a1"))
    floor = await with_group(open_floor, *found, order=RingOrder.ONE_BY_ONE, otherwise=TO_QUEUE)
    await floor.on_duty("a1", "a2")  # a3 is not: passed over
    caller = await floor.call_in("8005")
    await floor.rings("a2")
    assert floor.agent("a1").state == "ready"
    time_out(floor, caller)
    await floor.rings("a1")
    assert (floor.agent("a2").state, floor.agent("a2").reason) == ("notReady", "no_answer")
    floor.phone("a1").reject()
    await floor.until(lambda: floor.waiting() == [CALLER], "in the queue")
    await floor.until(lambda: floor.sim.channels[caller].music == "default", "the queue's music, no ringing")
    await floor.do("a2", "ready")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    assert floor.illegal() == {}


async def test_a_phone_rings_though_nobody_is_signed_in_and_the_talk_is_recorded(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (PHONE, "a1"), (AGENT, "a2"), (PHONE, "a3"))
    await floor.do("a3", "login", device="1003")  # signed in, and busy: not disturbed
    caller = await floor.call_in("8005")
    await floor.until(lambda: floor.phone("a1").channels, "it rings")
    assert dialled(floor) == ["1001"]
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "served")
    call = floor.call(caller)
    assert [(r.agent_id, r.leg_id) for r in call.recordings] == [("", call.legs[1].leg_id)]
    assert floor.agent("a1").state == "loggedOff"
    second = await floor.call_in("8005", "13800000002")  # nobody is left: the phone is in use
    await floor.until(lambda: second not in floor.sim.channels, "told and hung up")
    assert said(floor)[-1] == "zh_CN/no_agent"
    floor.phone("a1").hangup()
    await floor.until(lambda: not floor.sim.channels, "over")
    assert floor.illegal() == {}


async def test_a_phone_of_an_agent_who_is_ready_is_the_agents(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (PHONE, "a1"))
    await floor.on_duty("a1")
    caller = await floor.call_in("8005")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    assert floor.call(caller).legs[1].agent_id == "a1"


async def test_a_number_outside_takes_the_call_by_pressing_1(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (AGENT, "a1"), (OUTSIDE, BOSS))
    await floor.on_duty("a1")
    caller, boss = await floor.call_in("8005"), floor.sim.outside(BOSS)
    await floor.rings("a1")
    boss.answer()
    await floor.until(lambda: boss.channel.prompts == ("zh_CN/press_one",) * 3, "asked to press 1")
    assert floor.agent("a1").state == "alerting"
    boss.press("1")
    await floor.until(lambda: floor.sim.channels[caller].peer is boss.channel, "served")
    await floor.until_agent("a1", "ready")
    assert (floor.agent("a1").notice, floor.agent("a1").taken_by) == ("taken", BOSS)
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.sim.channels, "over")
    assert floor.illegal() == {}


async def test_a_box_that_hangs_up_leaves_the_call_to_the_others(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (AGENT, "a1"), (OUTSIDE, BOSS), otherwise=TO_QUEUE)
    await floor.on_duty("a1")
    caller, boss = await floor.call_in("8005"), floor.sim.outside(BOSS)
    await floor.rings("a1")
    boss.answer()
    await floor.until(lambda: boss.channel.prompts, "asked to press 1")
    boss.hangup()
    await floor.until(lambda: not boss.channels, "the box is out")
    assert floor.agent("a1").state == "alerting"
    assert floor.waiting() == []
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "served")


async def test_a_caller_who_gives_up_ends_all_ringing(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (AGENT, "a1"), (PHONE, "a2"), (OUTSIDE, BOSS))
    await floor.on_duty("a1")
    caller = await floor.call_in("8005")
    await floor.rings("a1")
    await floor.until(lambda: floor.phone("a2").channels and floor.sim.outside(BOSS).channels, "all ring")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.sim.channels, "silence")
    await floor.until_agent("a1", "ready")
    assert floor.agent("a1").notice == "caller_gone"


async def test_a_rule_and_overflow_lead_to_a_group_only_while_somebody_can_be_rung(open_floor: OpenFloor) -> None:
    to_group = Overflow(OverflowWhen.NO_AGENTS, GROUP)
    floor = await with_group(open_floor, (PHONE, "a1"), queue={"overflow": (to_group,)}, otherwise=TO_QUEUE)
    rule = InboundRule("r1", "important", GROUP, callers=("138",))
    await floor.configure(replace(floor.config, inbound=(rule,)))
    ruled = await floor.call_in("8001")
    await floor.until(lambda: floor.phone("a1").channels, "by the rule")
    await floor.call_in("8001", "13900000002")
    await floor.until(lambda: floor.waiting() == ["13900000002"], "waits: the phone is in use")
    floor.sim.hangup_by_caller(ruled)
    await floor.until(lambda: not floor.phone("a1").channels, "free again")
    waits = floor.runner.engine.centre.queues[ORDERS].waiting[0]
    fire(floor, f"overflow:{waits.call_id}")
    await floor.until(lambda: floor.phone("a1").channels, "by overflow")
    assert floor.waiting() == []
    for leg in waits.legs[1:]:
        fire(floor, f"ring:{leg.channel}")
    await floor.until(lambda: floor.waiting() == ["13900000002"], "back in the queue, as the group says")
    assert floor.runner.engine.centre.queues[ORDERS].today.overflowed == 1


async def test_groups_that_lead_to_each_other_come_to_an_end(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (AGENT, "a1"), otherwise=RouteTarget(TargetKind.GROUP, "g2"))
    (group,) = floor.config.groups
    await floor.configure(replace(floor.config, groups=(group, replace(group, id="g2", otherwise=GROUP))))
    caller = await floor.call_in("8005")
    await floor.until(lambda: caller not in floor.sim.channels, "told and hung up")
    assert said(floor) == ["zh_CN/no_agent"]


async def test_a_trunk_that_fails_gives_way_to_the_next_within_the_groups_time(open_floor: OpenFloor) -> None:
    floor = await with_group(open_floor, (OUTSIDE, BOSS), otherwise=TO_QUEUE)
    more = (*floor.config.trunks, replace(floor.config.trunks[0], id="t2"))
    await floor.configure(replace(floor.config, trunks=more))
    floor.sim.trunk_faults["t1"] = Cause.CONGESTION
    await floor.call_in("8005")
    await floor.until(lambda: len(dialled(floor)) == 2 and floor.sim.outside(BOSS).channels, "by the other trunk")
    timeouts = [c.ring_timeout for c in floor.sim.commands if isinstance(c, Originate)]
    assert timeouts == [7.0, 7.0]
    assert floor.waiting() == []


@pytest.mark.parametrize("picked_up", [True, False])
async def test_a_restarted_engine_goes_on_with_the_group(open_floor: OpenFloor, picked_up: bool) -> None:
    found = ((AGENT, "a1"), (PHONE, "a2"))
    floor = await with_group(open_floor, *found, order=RingOrder.ONE_BY_ONE, otherwise=TO_QUEUE)
    await floor.on_duty("a1")
    caller = await floor.call_in("8005")
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    if picked_up:
        floor.phone("a1").answer()
        await floor.restart_engine()
        await floor.until(lambda: floor.talks_with(caller, "a1"), "served")
    else:
        floor.phone("a1").reject()
        await floor.restart_engine()
        await floor.until(lambda: floor.phone("a2").channels, "the next one rings")
        floor.phone("a2").answer()
        await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    assert dialled(floor).count("1001") == 1
