"""Outbound rules: which trunks a call out tries and in which order; the next one after a failure."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest

from cti.domain.config.centre import CentreConfig
from cti.domain.config.ways_out import OutboundRule, TrunkConfig, TrunkOrder
from cti.domain.switch.commands import Originate, TrunkTarget
from cti.domain.switch.terms import Cause
from cti.services.rules import misses, outbound_rule, trunks_in_order
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor

NUMBER = "013800138000"
TRUNKS = (TrunkConfig("t1", "One", "1"), TrunkConfig("t2", "Two", "2"), TrunkConfig("t3", "Three", "3"))
ROUND = OutboundRule("r1", "round", ("t1", "t2"), order=TrunkOrder.ROUND_ROBIN)


async def with_rules(open_floor: OpenFloor, *rules: OutboundRule, trunks: tuple[TrunkConfig, ...] = TRUNKS) -> Floor:
    floor = await open_floor()
    await floor.configure(replace(floor.config, trunks=trunks, outbound=rules))
    return floor


def tried(floor: Floor) -> list[str]:
    """The trunks of the calls out so far."""
    commands = (c.target for c in floor.sim.commands if isinstance(c, Originate))
    return [target.trunk for target in commands if isinstance(target, TrunkTarget)]


async def dials(floor: Floor, agent: str = "a1", number: str = NUMBER) -> None:
    """Up to the ring at the far side; then nobody is left."""
    await floor.on_duty(agent)
    before = len(tried(floor))
    await floor.do(agent, "dial", number=number)
    await floor.until(lambda: len(tried(floor)) > before and floor.sim.outside(number).ringing, "rings outside")
    floor.sim.outside(number).hangup()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")


# ---------------------------------------------------------------- the rule and its order


@pytest.mark.parametrize(
    ("number", "queues", "missed"),
    [
        ("013800138000", ("q1",), ""),
        ("13800138000", ("q2", "q1"), ""),
        ("+8613800138000", ("q1",), ""),
        ("02151118000", ("q1",), "number"),
        ("013800138000", ("q2",), "who"),
        ("013800138000", (), "who"),
    ],
)
def test_what_a_rule_fits(number: str, queues: tuple[str, ...], missed: str) -> None:
    rule = OutboundRule("r", "mobile", prefixes=("01", "+861"), queues=("q1",))
    assert misses(rule, number, queues) == missed
    assert (outbound_rule(CentreConfig(outbound=(rule,)), number, queues) is rule) is (missed == "")


@pytest.mark.parametrize(
    ("queues", "agents", "caller", "missed"),
    [
        ((), ("a1",), "a1", ""),
        ((), ("a1",), "a2", "who"),
        ((), ("a1",), "", "who"),
        (("q1",), ("a9",), "a2", ""),
        (("q2",), ("a2",), "a2", ""),
        (("q2",), ("a9",), "a2", "who"),
    ],
)
def test_a_rule_is_for_single_agents_too(
    queues: tuple[str, ...], agents: tuple[str, ...], caller: str, missed: str
) -> None:
    assert misses(OutboundRule("r", "x", queues=queues, agents=agents), "110", ("q1",), caller) == missed


async def test_one_agents_calls_take_their_own_trunk_and_number(open_floor: OpenFloor) -> None:
    own = OutboundRule("r1", "a1", ("t2",), agents=("a1",), caller_number="02160000009")
    floor = await open_floor()
    await floor.configure(replace(floor.config, trunks=TRUNKS, outbound=(own,)))
    await floor.on_duty("a1", "a2")
    for agent, trunk, shown in (("a1", "t2", "02160000009"), ("a2", "t1", TRUNKS[0].caller_number)):
        floor.phone(agent).will_answer()
        await floor.do(agent, "dial", number=NUMBER)
        await floor.until(lambda: floor.sim.outside(NUMBER).channels, "dialled")
        dialled = [c for c in floor.sim.commands if isinstance(c, Originate)][-1]
        assert isinstance(dialled.target, TrunkTarget)
        assert (dialled.target.trunk, dialled.caller_number) == (trunk, shown)
        await floor.do(agent, "hangup")
        await floor.until(lambda: not floor.sim.outside(NUMBER).channels, "over")


def test_the_orders_of_trunks() -> None:
    config, chance = CentreConfig(trunks=TRUNKS), Random(1)

    def order(rule: OutboundRule | None, last: str = "") -> list[str]:
        return [trunk.id for trunk in trunks_in_order(config, rule, last, chance)]

    assert order(None) == ["t1", "t2", "t3"]
    assert order(OutboundRule("r", "r", ("t3", "gone", "t1"))) == ["t3", "t1"]
    three = OutboundRule("r", "r", order=TrunkOrder.ROUND_ROBIN)
    assert [order(three, last) for last in ("", "t1", "t3", "gone")] == [
        ["t1", "t2", "t3"],
        ["t2", "t3", "t1"],
        ["t1", "t2", "t3"],
        ["t1", "t2", "t3"],
    ]
    by_chance = [tuple(order(OutboundRule("r", "r", order=TrunkOrder.RANDOM))) for _ in range(60)]
    assert {found[0] for found in by_chance} == {"t1", "t2", "t3"}


def test_the_rules_come_back_from_their_document() -> None:
    config = CentreConfig(
        outbound=(ROUND, OutboundRule("r2", "x", prefixes=("0",), queues=("q",), caller_number="8000"))
    )
    assert CentreConfig.from_document(json.loads(json.dumps(config.to_document()))) == config


# ---------------------------------------------------------------- in the engine


async def test_round_robin_takes_the_next_trunk_for_the_next_call(open_floor: OpenFloor) -> None:
    floor = await with_rules(open_floor, ROUND)
    for _ in range(3):
        await dials(floor)
    assert tried(floor) == ["t1", "t2", "t1"]


async def test_a_rule_of_the_agents_queue_chooses_trunk_and_number_shown(open_floor: OpenFloor) -> None:
    rule = OutboundRule("r1", "orders", ("t3",), queues=(ORDERS,), caller_number="02160000009")
    floor = await with_rules(open_floor, rule)
    await dials(floor)
    assert tried(floor) == ["t3"]
    out = next(c for c in floor.sim.commands if isinstance(c, Originate) and isinstance(c.target, TrunkTarget))
    assert out.caller_number == "02160000009"


async def test_a_rule_without_a_trunk_that_is_left_lets_nobody_call(open_floor: OpenFloor) -> None:
    floor = await with_rules(open_floor, OutboundRule("r1", "abroad", ("gone",), prefixes=("00",)))
    await floor.on_duty("a1")
    assert (await floor.ask("a1", "dial", number="0044123456789"))["error"] == "agent.not_now"
    assert (await floor.ask("a1", "dial", number=NUMBER))["ok"]


@pytest.mark.parametrize("cause", [Cause.CONGESTION, Cause.UNREACHABLE])
async def test_a_trunk_that_fails_gives_way_to_the_next(open_floor: OpenFloor, cause: Cause) -> None:
    floor = await with_rules(open_floor)
    floor.sim.trunk_faults |= {"t1": cause, "t2": cause}
    await floor.on_duty("a1")
    await floor.do("a1", "dial", number=NUMBER)
    await floor.until(lambda: floor.sim.outside(NUMBER).ringing, "rings by the third")
    assert tried(floor) == ["t1", "t2", "t3"]
    floor.sim.outside(NUMBER).answer()
    await floor.talks("a1")
    call = floor.call_of("a1")
    assert call.trunk == "t3"
    assert [leg.cause for leg in call.legs if leg.number == NUMBER] == [cause, cause, ""]
    floor.sim.outside(NUMBER).hangup()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    assert floor.illegal() == {}


async def test_when_every_trunk_has_failed_the_agent_is_free_and_knows_why(open_floor: OpenFloor) -> None:
    floor = await with_rules(open_floor)
    floor.sim.trunk_faults |= dict.fromkeys(("t1", "t2", "t3"), Cause.CONGESTION)
    await floor.on_duty("a1")
    await floor.do("a1", "dial", number=NUMBER)
    await floor.until_agent("a1", "ready")
    assert tried(floor) == ["t1", "t2", "t3"]
    assert floor.agent("a1").notice == "dial_congestion"
    assert floor.illegal() == {}


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.UNALLOCATED])
async def test_who_is_busy_or_unknown_is_not_called_again_by_another_trunk(open_floor: OpenFloor, cause: Cause) -> None:
    floor = await with_rules(open_floor)
    floor.sim.trunk_faults["t1"] = cause
    await floor.on_duty("a1")
    await floor.do("a1", "dial", number=NUMBER)
    await floor.until_agent("a1", "ready")
    assert tried(floor) == ["t1"]


async def test_what_fails_after_it_rang_is_not_called_again(open_floor: OpenFloor) -> None:
    floor = await with_rules(open_floor)
    floor.sim.outside(NUMBER).will_end(Cause.CONGESTION)
    await floor.on_duty("a1")
    await floor.do("a1", "dial", number=NUMBER)
    await floor.until_agent("a1", "ready")
    assert tried(floor) == ["t1"]


@pytest.mark.parametrize("op", ["transfer", "consult"])
async def test_a_transfer_and_a_consultation_try_the_next_trunk_too(open_floor: OpenFloor, op: str) -> None:
    floor = await with_rules(open_floor)
    floor.sim.trunk_faults["t1"] = Cause.CONGESTION
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", op, number=NUMBER)
    await floor.until(lambda: floor.sim.outside(NUMBER).ringing, "rings by the second")
    assert tried(floor) == ["t1", "t2"]
    floor.sim.outside(NUMBER).answer()
    if op == "consult":
        await floor.until(lambda: floor.talks_with(floor.sim.outside(NUMBER).channel.id, "a1"), "consults")
        await floor.do("a1", "complete")
    await floor.until(lambda: floor.sim.channels[caller].peer is floor.sim.outside(NUMBER).channel, "together")
    assert floor.illegal() == {}


async def test_an_agent_who_hung_up_meanwhile_calls_nobody(open_floor: OpenFloor) -> None:
    floor = await with_rules(open_floor)
    await floor.on_duty("a1")
    await floor.do("a1", "dial", number=NUMBER)
    await floor.until(lambda: floor.sim.outside(NUMBER).ringing, "rings")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "ready")
    assert tried(floor) == ["t1"]
