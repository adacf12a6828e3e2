"""The log of agents' states is whole: the times of all states add up to the time on duty, whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import outbound, without_gaps


async def signed_on(floor: Floor, agent_id: str) -> float:
    await floor.do(agent_id, "login", device=floor.agent(agent_id).number)
    return floor.agent(agent_id).since


async def signed_off(floor: Floor, agent_id: str) -> float:
    await floor.do(agent_id, "logout")
    await floor.until_agent(agent_id, "loggedOff")
    return floor.agent(agent_id).since


async def test_the_times_of_all_states_add_up_to_the_time_on_duty(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=60.0)
    began = await signed_on(floor, "a1")
    await floor.do("a1", "not_ready", reason="lunch")
    await floor.do("a1", "not_ready", reason="training")
    await floor.do("a1", "ready")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until_agent("a1", "hold")
    await floor.do("a1", "retrieve")
    await floor.talks("a1")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "workingAfterCall")
    await outbound(floor, "a1")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "workingAfterCall")
    ended = await signed_off(floor, "a1")
    stretches = await floor.stretches("a1")
    assert without_gaps(stretches) == (began, ended)
    reasons = [stretch["reason"] for stretch in stretches if stretch["state"] == "notReady"]
    assert reasons == ["login", "lunch", "training"]
    assert {"ready", "reserved", "alerting", "talking", "hold", "workingAfterCall"} <= {s["state"] for s in stretches}


async def test_a_restart_of_the_engine_leaves_no_gap(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    began = await signed_on(floor, "a1")
    await floor.do("a1", "ready")
    await floor.talking_to("a1")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.talks("a1")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "ready")
    ended = await signed_off(floor, "a1")
    assert without_gaps(await floor.stretches("a1")) == (began, ended)


async def kept_as(floor: Floor, agent_id: str, state: str) -> dict[str, Any]:
    """What the engine after this one will find of the agent, once it says ``state``."""
    async with asyncio.timeout(5):
        while True:
            kept = await floor.bus.kv_get("cy_agents", agent_id)
            if kept is not None and kept["state"] == state:
                return kept
            await asyncio.sleep(0)


async def test_a_call_found_on_the_switch_ends_the_state_before_it_in_the_log(open_floor: OpenFloor) -> None:
    """The engine had forgotten the call: its agent was ready all the same."""
    floor = await open_floor()
    began = await signed_on(floor, "a1")
    await floor.do("a1", "ready")
    await floor.talking_to("a1")
    kept = await kept_as(floor, "a1", "talking")
    await floor.told()
    await floor.kill_engine()
    await floor.bus.start()
    await floor.bus.kv_put("cy_agents", "a1", {**kept, "state": "ready"})
    await floor.restart_engine()
    await floor.talks("a1")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "ready")
    ended = await signed_off(floor, "a1")
    assert without_gaps(await floor.stretches("a1")) == (began, ended)


async def test_the_time_of_each_reason_today_outlives_the_engine_and_ends_with_the_day(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.do("a1", "login", device="1001")
    await floor.do("a1", "not_ready", reason="lunch")
    floor.agent("a1").since -= 600
    await floor.do("a1", "not_ready", reason="training")
    assert 600 <= (await floor.do("a1", "state"))["used"]["lunch"] < 602
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert 600 <= floor.agent("a1").used["lunch"] < 602
    now = floor.agent("a1").since + 100.0
    floor.runner.engine.new_day(now, "2030-01-01")
    assert floor.agent("a1").used == {"training": -100.0}
