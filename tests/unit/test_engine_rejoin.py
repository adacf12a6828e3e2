"""Pages that are reloaded and phones that are lost in a call."""

from __future__ import annotations

from cti.domain.switch.terms import Cause
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire, reconfigure


async def test_a_reload_on_hold_keeps_the_hold(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    old = floor.phone("a1").channel.id
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.phone("a1").channels and floor.phone("a1").channel.id != old, "new leg")
    await floor.until(lambda: not floor.call(caller).waiting_for_agent, "back")
    await floor.sim.settle()
    assert floor.agent("a1").state == "hold"
    assert floor.hears_music(caller)
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")
    assert floor.illegal() == {}


async def test_an_agent_whose_phone_is_lost_for_good_gets_no_other_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    await floor.call_in(number="13800000002")
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "device_lost")
    assert floor.waiting() == ["13800000001", "13800000002"]
    assert floor.illegal() == {}


async def test_the_break_asked_for_survives_a_lost_phone(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    for agent_id, wish, state, reason in (("a1", "not_ready", "notReady", "lunch"), ("a2", "logout", "loggedOff", "")):
        caller = await floor.talking_to(agent_id, f"1380000000{agent_id[1:]}")
        call = floor.call(caller)
        await floor.do(agent_id, wish, reason="lunch")
        floor.sim.far_end(floor.phone(agent_id).channel, Cause.MEDIA_LOST)
        await floor.until(lambda c=call: c.waiting_for_agent, "waits")
        fire(floor, f"rejoin:{call.call_id}")
        assert (floor.agent(agent_id).state, floor.agent(agent_id).reason) == (state, reason)
        floor.sim.hangup_by_caller(caller)
    assert floor.illegal() == {}


async def test_the_queue_is_gone_when_the_agent_does_not_come_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    reconfigure(floor, queues=())
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    await floor.until(lambda: caller not in floor.sim.channels, "goodbye")
    assert not floor.runner.engine.centre.calls


async def test_both_sides_of_a_call_inside_may_reload(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    for agent_id in ("a2", "a1"):
        await floor.talks("a1")
        await floor.talks("a2")
        old = floor.phone(agent_id).channel.id
        await floor.do(agent_id, "rejoin", device=floor.agent(agent_id).number)
        await floor.until(lambda o=old: o not in floor.sim.channels, "old leg gone")
        await floor.until(lambda: floor.talks_with(floor.phone("a1").channel.id, "a2"), "talking again")


async def test_a_call_inside_ends_when_the_caller_does_not_come_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a1")
    call_id = floor.agent("a1").call_id
    floor.phone("a1").unregister()
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: not floor.phone("a1").channels, "not reached")
    fire(floor, f"rejoin:{call_id}")
    await floor.until_agent("a2", "ready")
    assert not floor.sim.channels
