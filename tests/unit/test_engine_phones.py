"""Phones that go away and come back: what becomes of the agent's state."""

from __future__ import annotations

import pytest

from cti.domain.switch.terms import Cause
from cti.services import agents
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire


def duty(floor: Floor, agent_id: str = "a1") -> tuple[str, str]:
    agent = floor.agent(agent_id)
    return agent.state, agent.reason


async def phone_gone(floor: Floor, agent_id: str = "a1") -> None:
    floor.phone(agent_id).unregister()
    await floor.until(lambda: not floor.agent(agent_id).registered, "unregistered")


async def phone_back(floor: Floor, agent_id: str = "a1") -> None:
    floor.phone(agent_id).register()
    await floor.until(lambda: floor.agent(agent_id).registered, "registered")


async def lost(floor: Floor, agent_id: str = "a1") -> None:
    """A ready agent's browser was closed, longer ago than a reload takes."""
    await phone_gone(floor, agent_id)
    fire(floor, f"device:{agent_id}")
    assert duty(floor, agent_id) == ("notReady", "device_lost")


async def test_who_was_ready_is_ready_again_when_the_page_is_opened_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await lost(floor)
    await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    await phone_back(floor)
    await floor.rings("a1")
    assert floor.agent("a1").notice == ""
    assert floor.illegal() == {}


async def test_who_was_on_a_break_still_is(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    await phone_gone(floor)
    await phone_back(floor)
    assert duty(floor) == ("notReady", "lunch")


async def test_a_break_begun_without_a_phone_is_not_ended_by_the_phone(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await lost(floor)
    await floor.do("a1", "not_ready", reason="lunch")
    await phone_back(floor)
    assert duty(floor) == ("notReady", "lunch")


async def test_who_stays_away_is_logged_off(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await lost(floor)
    fire(floor, "device:a1")
    assert duty(floor) == ("loggedOff", "")
    await floor.told()
    stretch = await floor.bus.last("cy.log.agent.a1")
    assert stretch is not None
    assert (stretch["state"], stretch["reason"]) == ("notReady", "device_lost")
    await phone_back(floor)
    assert duty(floor) == ("loggedOff", "")
    await floor.do("a1", "login", device="1001")
    assert duty(floor) == ("notReady", "login")


async def test_a_break_without_a_phone_ends_too_but_later(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    await floor.do("a1", "not_ready", reason="lunch")
    await phone_gone(floor)
    await lost(floor, "a2")
    timers = floor.runner._timers
    assert timers["device:a1"].when() > timers["device:a2"].when() + 1800
    fire(floor, "device:a1")
    assert duty(floor) == ("loggedOff", "")


async def test_a_phone_that_comes_back_in_time_stops_the_clock(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await lost(floor)
    await phone_back(floor)
    assert "device:a1" not in floor.runner._timers
    assert duty(floor) == ("ready", "")


async def test_the_phone_that_was_lost_in_a_call_comes_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    floor.phone("a1").unregister()
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    assert duty(floor) == ("notReady", "device_lost")
    await phone_back(floor)
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "the same customer")


async def test_the_phone_came_back_while_no_engine_ran(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    await lost(floor, "a1")
    await lost(floor, "a2")
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").register()
    await floor.restart_engine()
    assert duty(floor, "a1") == ("ready", "")
    assert duty(floor, "a2") == ("notReady", "device_lost")
    assert "device:a2" in floor.runner._timers


async def test_a_ready_agent_who_goes_to_a_phone_that_is_not_there(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.do("a1", "login", device="1001-web")
    assert (duty(floor), floor.agent("a1").registered) == (("ready", ""), False)
    fire(floor, "device:a1")
    assert duty(floor) == ("notReady", "device_lost")
    await floor.do("a1", "login", device="1001")
    assert duty(floor) == ("ready", "")


async def test_a_lost_phone_is_lost_for_good_after_the_set_time(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "DEVICE_GRACE", 0.02)
    monkeypatch.setattr(agents, "DUTY_WITHOUT_PHONE", 0.02)
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.phone("a1").unregister()
    await floor.until_agent("a1", "loggedOff")


async def test_nobody_is_logged_off_because_the_switch_is_away(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await lost(floor)
    floor.sim.cut_link()
    await floor.until(lambda: not floor.runner.engine.centre.switches["sim"].up, "down")
    fire(floor, "device:a1")
    assert duty(floor) == ("notReady", "device_lost")
    floor.sim.restore_link()
    await floor.until(lambda: floor.runner.engine.centre.switches["sim"].reconciled, "reconciled")
    fire(floor, "device:a1")
    assert duty(floor) == ("loggedOff", "")
