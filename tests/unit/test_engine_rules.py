"""Inbound rules through the whole engine on the simulator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti.domain.calendar import CalendarConfig, Hours
from cti.domain.config.routes import InboundRule, NumberList, RouteTarget, TargetKind, When
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.switch.commands import Answer, Play
from cti.domain.trunks import NumberRule
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor

NEVER = CalendarConfig("c1", "never")
ALWAYS = CalendarConfig("c2", "always", (Hours((1, 2, 3, 4, 5, 6, 7), "00:00", "24:00"),))


async def with_rules(floor: Floor, *rules: InboundRule) -> None:
    await floor.configure(replace(floor.config, calendars=(NEVER, ALWAYS), inbound=rules))


def said(floor: Floor) -> list[str]:
    return [prompt for c in floor.sim.commands if isinstance(c, Play) for prompt in c.prompts]


async def test_out_of_hours_the_caller_hears_so(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    end = RouteTarget(TargetKind.HANGUP)
    await with_rules(floor, InboundRule("r1", "closed", end, when=When.CLOSED, calendar="c1", say="closed"))
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.until(lambda: caller not in floor.sim.channels, "ended")
    assert said(floor) == ["zh_CN/closed"]
    assert floor.agent("a1").state == "ready"


async def test_who_is_greeted_by_a_rule_goes_on_to_its_queue(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    orders = RouteTarget(TargetKind.QUEUE, ORDERS)
    await with_rules(floor, InboundRule("r1", "open", orders, ("8000",), (), When.OPEN, "c2", "welcome"))
    await floor.on_duty("a1")
    await floor.call_in("8000")
    await floor.rings("a1")
    assert said(floor) == ["zh_CN/welcome"]


async def test_an_important_caller_of_a_rule_goes_before_the_others(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    orders = RouteTarget(TargetKind.QUEUE, ORDERS)
    await with_rules(floor, InboundRule("r1", "important", orders, callers=("139",), priority=5))
    await floor.call_in(number="13800000001")
    await floor.call_in(number="13900000002")
    await floor.until(lambda: floor.waiting() == ["13900000002", "13800000001"], "in the order of importance")
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.waiting() == ["13900000002", "13800000001"]


async def test_a_caller_of_a_blacklist_is_refused_unanswered(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    black = NumberList("l1", "unwanted", {"+8613700000001": 0.0})
    rule = InboundRule("r1", "unwanted", RouteTarget(TargetKind.HANGUP), lists=("l1",))
    await floor.configure(replace(floor.config, lists=(black,), inbound=(rule,)))
    await floor.on_duty("a1")
    refused = floor.sim.incoming("8001", "13700000001")
    await floor.until(lambda: refused not in floor.sim.channels, "refused")
    assert not any(isinstance(c, Answer) for c in floor.sim.commands)
    await floor.call_in(number="13700000002")
    await floor.rings("a1")


@pytest.mark.parametrize("op", ["dial", "transfer", "consult"])
async def test_nobody_of_a_do_not_call_list_is_called(open_floor: OpenFloor, op: str) -> None:
    floor = await open_floor()
    leave = NumberList("l1", "leave alone", {"+8613900000009": 0.0}, do_not_call=True)
    await floor.configure(replace(floor.config, lists=(leave,)))
    await floor.on_duty("a1")
    if op != "dial":
        await floor.talking_to("a1")
    refused = await floor.ask("a1", op, number="013900000009")
    assert (refused["error"], refused["params"]["list"]) == ("number.do_not_call", "leave alone")
    assert floor.agent("a1").state == ("ready" if op == "dial" else "talking")
    assert (await floor.ask("a1", op, number="13900000008"))["ok"]


async def test_a_prefix_that_the_trunk_drops_does_not_hide_who_is_not_called(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    leave = NumberList("l1", "leave alone", {"+8613900000009": 0.0}, do_not_call=True)
    nine = TrunkConfig("t1", "Carrier", dial_rules=(NumberRule("9", 1, ""),))
    await floor.configure(replace(floor.config, lists=(leave,), trunks=(nine,)))
    await floor.on_duty("a1")
    assert (await floor.ask("a1", "dial", number="913900000009"))["error"] == "number.do_not_call"
    assert (await floor.ask("a1", "dial", number="913900000008"))["ok"]
