"""Consultations that end in odd orders."""

from __future__ import annotations

from cti.domain.switch.events import ChannelAnswered
from cti.domain.switch.terms import Cause
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import consulting, fire


async def test_a_colleague_who_hangs_up_leaves_the_customer_on_hold_for_the_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    floor.phone("a2").hangup()
    await floor.until_agent("a2", "ready")
    assert floor.agent("a1").state == "hold"
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "customer is back")
    assert floor.illegal() == {}


async def test_a_colleague_who_answers_as_the_agent_takes_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    channel = floor.phone("a2").channel.id
    engine = floor.runner.engine
    _, effects = engine.agent_request(engine.centre.now, {"op": "take_back", "agent_id": "a1"})
    floor.runner._do(effects)
    floor.runner._do(engine.on_event(engine.centre.now, "sim", ChannelAnswered(engine.centre.now, channel)))
    await floor.until_agent("a2", "ready")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "customer is back", deadline=1.0)


async def test_a_reload_in_a_consultation_goes_back_into_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    old = floor.phone("a1").channel.id
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: old not in floor.sim.channels and floor.talks_with(floor.phone("a1").channel.id, "a2"))
    assert floor.hears_music(caller)
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "handed over")
    assert floor.illegal() == {}


async def test_a_phone_lost_for_good_in_a_consultation_hands_the_customer_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    call = floor.call(caller)
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")
    assert floor.waiting() == []


async def test_the_recording_of_a_consultation_outside_ends_with_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.outside("13900000003").will_answer()
    await floor.do("a1", "consult", number="13900000003")
    await floor.until(lambda: len(floor.call(caller).recordings) == 2, "recorded")
    await floor.until(lambda: floor.phone("a1").channel.peer, "talk")
    await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "back")
    assert floor.call(caller).recordings[1].ended_at is not None
    assert floor.call(caller).recordings[0].ended_at is None
    assert not floor.phone("a1").channel.recordings
