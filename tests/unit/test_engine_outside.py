"""Agents whose phone is a number outside: rung through a trunk, taken by pressing 1, never by a voicemail box."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti.domain.switch.commands import Originate, Play, TrunkTarget
from cti.domain.switch.terms import Cause
from cti.switches.sim.model import FarEnd
from tests.floor import Floor, configuration
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

HOME = "13700000001"
CALLER = "13800000001"


async def at_home(open_floor: OpenFloor, *also: str, **queue: object) -> tuple[Floor, FarEnd]:
    """a1 is on duty at a number outside; the phone there."""
    floor = await open_floor()
    config = configuration(3, **queue)
    agents = tuple(replace(a, outside=HOME) if a.id == "a1" else a for a in config.agents)
    await floor.configure(replace(config, agents=agents))
    await floor.do("a1", "login", device="1001-out")
    await floor.do("a1", "ready")
    await floor.on_duty(*also)
    return floor, floor.sim.outside(HOME)


async def picked_up(floor: Floor, home: FarEnd) -> str:
    caller = await floor.call_in(number=CALLER)
    await floor.rings("a1")
    home.answer()
    await floor.until(lambda: home.channel.prompts, "asked to press 1")
    return caller


async def test_it_is_rung_through_a_trunk_and_taken_by_pressing_1(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor)
    caller = await picked_up(floor, home)
    (dialled,) = [c for c in floor.sim.commands if isinstance(c, Originate)]
    assert dialled.target == TrunkTarget("t1", HOME)
    assert dialled.ring_timeout > 30
    assert home.channel.prompts == ("zh_CN/press_one",) * 3
    assert home.channel.peer is None
    assert floor.hears_music(caller)
    assert floor.agent("a1").state == "alerting"
    home.press("7")
    await floor.until(lambda: sum(isinstance(c, Play) for c in floor.sim.commands) == 2, "asked again")
    home.press("1")
    await floor.talks("a1")
    assert floor.sim.channels[caller].peer is home.channel
    leg = floor.call(caller).legs[1]
    assert (leg.device, leg.trunk, leg.agent_id) == ("1001-out", "t1", "a1")
    assert [r.agent_id for r in floor.call(caller).recordings] == ["a1"]
    home.hangup()
    await floor.until_agent("a1", "ready")
    assert not floor.sim.channels
    assert floor.illegal() == {}


async def test_a_box_that_answers_does_not_get_the_caller(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor, "a2")
    await floor.do("a2", "not_ready", reason="lunch")
    caller = await picked_up(floor, home)
    fire(floor, f"ring:{home.channel.id}")
    await floor.until(lambda: floor.agent("a1").state == "notReady", "a1 is busy")
    assert floor.agent("a1").notice == "no_answer"
    await floor.do("a2", "ready")
    await floor.rings("a2")
    assert floor.waiting() == [CALLER]
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    assert floor.illegal() == {}


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.UNALLOCATED])
async def test_a_number_that_refuses_makes_the_agent_busy(open_floor: OpenFloor, cause: Cause) -> None:
    floor, home = await at_home(open_floor)
    home.will_end(cause)
    await floor.call_in(number=CALLER)
    await floor.until(lambda: floor.agent("a1").state == "notReady", "a1 is busy")
    assert floor.waiting() == [CALLER]


async def test_the_caller_gives_up_while_the_agent_is_asked(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor)
    caller = await picked_up(floor, home)
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert not floor.sim.channels
    assert floor.illegal() == {}


async def test_the_number_is_said_after_the_key(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor, announce_number=True)
    caller = await picked_up(floor, home)
    assert not floor.call(caller).greeting
    home.press("1")
    await floor.talks("a1")
    assert floor.sim.channels[caller].peer is home.channel


async def test_without_a_trunk_the_others_take_the_calls(open_floor: OpenFloor) -> None:
    floor, _ = await at_home(open_floor, "a2")
    await floor.configure(replace(floor.config, trunks=()))
    await floor.call_in(number=CALLER)
    await floor.rings("a2")


async def test_only_with_a_number_in_the_settings(open_floor: OpenFloor) -> None:
    floor, _ = await at_home(open_floor)
    assert (await floor.ask("a2", "login", device="1002-out"))["ok"] is False
    assert (await floor.ask("a2", "login", device="1001-out"))["ok"] is False
    assert (await floor.ask("a1", "answer"))["ok"] is False
    agents = tuple(replace(agent, outside="") for agent in floor.config.agents)
    await floor.configure(replace(floor.config, agents=agents))
    await floor.until_agent("a1", "loggedOff")


async def test_a_call_out_begins_when_the_agent_has_pressed_1(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor)
    customer = floor.sim.outside("13900000001").will_answer()
    await floor.do("a1", "dial", number="13900000001")
    await floor.until(lambda: home.ringing, "rings at home")
    home.answer()
    await floor.until(lambda: home.channel.prompts, "asked")
    assert not customer.channels
    home.press("1")
    await floor.talks("a1")
    assert customer.channel.peer is home.channel


async def test_a_colleague_at_home_is_consulted_and_joins_a_conference(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor, "a2")
    await floor.do("a1", "not_ready", reason="lunch")
    caller = await floor.talking_to("a2")
    await floor.do("a1", "ready")
    await floor.do("a2", "consult", number="1001")
    await floor.rings("a1")
    home.answer()
    await floor.until(lambda: home.channel.prompts, "asked")
    assert (await floor.ask("a2", "conference"))["ok"] is False
    home.press("1")
    await floor.talks("a1")
    await floor.do("a2", "conference")
    await floor.until(lambda: sum(bool(c.conference) for c in floor.sim.channels.values()) == 3, "three")
    await floor.do("a2", "complete")
    await floor.until(lambda: floor.sim.channels[caller].peer is home.channel, "handed over")
    assert floor.illegal() == {}


async def test_a_killed_engine_asks_again(open_floor: OpenFloor) -> None:
    floor, home = await at_home(open_floor)
    caller = await picked_up(floor, home)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert home.channel.peer is None
    home.press("1")
    await floor.until(lambda: floor.sim.channels[caller].peer is home.channel, "joined")
