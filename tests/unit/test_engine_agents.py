"""Agents on duty: breaks, phones, wrap-up, and agents who are removed."""

from __future__ import annotations

import dataclasses

from cti.services.effects import StartTimer
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire, reconfigure


async def test_a_page_that_logs_in_again_keeps_the_break(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    document = await floor.do("a1", "login", device="1001")
    assert (document["state"], document["reason"]) == ("notReady", "lunch")


async def test_wrap_up_ends_although_the_clock_was_set_back(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    effects = floor.runner.engine.on_timer(floor.sim.clock() - 3600, "wrapup:a1")
    timers = [e for e in effects if isinstance(e, StartTimer)]
    assert [t.key for t in timers] == ["wrapup:a1"]
    assert timers[0].delay <= 30.0


async def test_an_agent_who_comes_out_of_a_call_without_a_phone_is_not_ready_for_long(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.phone("a1").unregister()
    await floor.until(lambda: not floor.agent("a1").registered, "unregistered")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert "device:a1" in floor.runner._timers
    fire(floor, "device:a1")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "device_lost")


async def test_a_ready_agent_whose_phone_left_while_no_engine_ran(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    await floor.kill_engine()
    floor.phone("a1").unregister()
    await floor.restart_engine()
    assert "device:a1" in floor.runner._timers
    assert "device:a2" not in floor.runner._timers


async def test_an_agent_removed_in_a_call_leaves_when_it_ends(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    reconfigure(floor, agents=floor.config.agents[1:])
    await floor.do("a1", "ready")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: "a1" not in floor.runner.engine.centre.agents, "gone")
    assert not floor.runner.engine.centre.wrapped


async def test_an_agent_removed_in_wrap_up_has_that_time_booked(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    reconfigure(floor, agents=floor.config.agents[1:])
    assert "a1" not in floor.runner.engine.centre.agents
    assert not floor.runner.engine.centre.wrapped
    await floor.told()
    last = await floor.bus.last("cy.log.agent.a1")
    assert last is not None
    assert last["state"] == "workingAfterCall"


async def test_an_agent_whose_number_changed_does_not_keep_the_phone_of_the_old_one(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    one, two, *rest = floor.config.agents
    reconfigure(floor, agents=(dataclasses.replace(one, number="1009"), dataclasses.replace(two, name="New"), *rest))
    assert (floor.agent("a1").state, floor.agent("a2").state) == ("loggedOff", "ready")
